//! Certificate authority for tests, with certificates for servers on loopback.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use std::{path::Path, sync::Arc};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in DER.
pub struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// The root certificate that clients of its servers must trust.
    pub fn root(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A TLS acceptor for a server named `localhost`.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.identity("localhost").acceptor()
    }

    /// A certificate for a server or client with this name or address.
    pub fn identity(&self, name: &str) -> Identity {
        self.sign(CertificateParams::new([name.to_owned()]).unwrap())
    }

    pub fn expired(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().to_vec(), key: key.serialize_der() }
    }

    /// Writes the root certificate.
    pub fn write(&self, file: &Path) {
        std::fs::write(file, pem("CERTIFICATE", &self.root())).unwrap();
    }
}

impl Identity {
    pub fn acceptor(self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(self.certificate)], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    pub fn write(&self, certificate: &Path, key: &Path) {
        std::fs::write(certificate, pem("CERTIFICATE", &self.certificate)).unwrap();
        std::fs::write(key, pem("PRIVATE KEY", &self.key)).unwrap();
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}
