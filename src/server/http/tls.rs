//! TLS of the listener, whose certificate files are read again when they change, and of the health check.

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

/// Interval at which connections look for changed files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// PEM files of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCertificate {
    /// The certificate, and those of the authorities between it and the root.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// # Errors
/// If a file can't be read, or the key isn't the certificate's.
pub fn acceptor(files: ServerCertificate) -> io::Result<TlsAcceptor> {
    let current = Arc::new(files.read().map_err(io::Error::other)?);
    let current = Current { version: files.version(), looked: Instant::now(), certificate: current };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Reloading { files, current: Mutex::new(current) }));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl ServerCertificate {
    fn read(&self) -> Result<CertifiedKey, String> {
        let read = |file: &Path| std::fs::read(file).map_err(|error| format!("can't read {}: {error}", file.display()));
        let (certificate, key) = (&self.certificate, &self.key);
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<_, _>>().unwrap_or_default();
        if chain.is_empty() {
            return Err(format!("{} contains no valid certificate in PEM format", certificate.display()));
        }
        let private = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|_| format!("{} contains no valid private key in PEM format", key.display()))?;
        CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| {
            format!("the key in {} doesn't fit the certificate in {}: {error}", key.display(), certificate.display())
        })
    }

    /// Differs after a change of a file.
    fn version(&self) -> Version {
        [&self.certificate, &self.key].map(|file| {
            let file = std::fs::metadata(file).ok()?;
            Some((file.modified().ok()?, file.len()))
        })
    }
}

type Version = [Option<(SystemTime, u64)>; 2];

struct Reloading {
    files: ServerCertificate,
    current: Mutex<Current>,
}

struct Current {
    certificate: Arc<CertifiedKey>,
    /// Of the files that were read last, valid or not.
    version: Version,
    looked: Instant,
}

impl Reloading {
    /// The certificate in the files. While they are invalid, such as between the changes of the two, the last valid one.
    fn certificate(&self) -> Arc<CertifiedKey> {
        let mut current = self.current.lock().expect("the lock isn't poisoned");
        if current.looked.elapsed() >= LOOK_EVERY {
            current.looked = Instant::now();
            let version = self.files.version();
            if version != current.version {
                current.version = version;
                match self.files.read() {
                    Ok(certificate) => {
                        current.certificate = Arc::new(certificate);
                        tracing::info!(file = %self.files.certificate.display(), "read the new TLS certificate");
                    }
                    Err(error) => tracing::warn!(%error, "keeping the previous TLS certificate"),
                }
            }
        }
        current.certificate.clone()
    }
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}

impl ResolvesServerCert for Reloading {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certificate())
    }
}

/// Connects the health check to its own server, which has no name here: any certificate is accepted, and nothing secret is sent.
pub async fn connect_unverified(address: IpAddr, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(ServerName::IpAddress(address.into()), stream).await
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
