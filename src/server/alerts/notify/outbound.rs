//! Outbound HTTP client, and the certificate authorities it trusts.

use super::{
    NotifyError, Secret, WebUrl,
    error::{innermost, one_line},
};
use crate::message;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, body::Bytes, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use std::sync::{Arc, LazyLock};

/// Limit for the body of an error response, in bytes.
const MOST_READ: usize = 2 * 1024;

/// Cheap to clone. Created on first use: a machine's certificate authorities take a megabyte.
#[derive(Clone)]
pub struct Outbound(Arc<LazyLock<Way, Box<dyn FnOnce() -> Way + Send>>>);

struct Way {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    roots: Vec<CertificateDer<'static>>,
}

impl Default for Outbound {
    /// Trusts the authorities of this machine: home users may have their own.
    fn default() -> Self {
        let of_this_machine = || {
            let found = rustls_native_certs::load_native_certs();
            if found.certs.is_empty() {
                tracing::warn!(errors = ?found.errors, "no CA certificates found: can't send notifications over TLS");
            }
            Way::trusting(found.certs)
        };
        Self(Arc::new(LazyLock::new(Box::new(of_this_machine))))
    }
}

impl Way {
    fn trusting(roots: Vec<CertificateDer<'static>>) -> Self {
        let mut store = RootCertStore::empty();
        // A certificate that can't be parsed is not trusted.
        let roots: Vec<_> = roots.into_iter().filter(|root| store.add(root.clone()).is_ok()).collect();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions")
            .with_root_certificates(store)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let https = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
        // A connection kept alive for the next notification would be dead by then.
        let http = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https.wrap_connector(tcp));
        Self { http, roots }
    }
}

impl Outbound {
    /// Trusts these authorities and no others.
    pub fn trusting(roots: Vec<CertificateDer<'static>>) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(|| Way::trusting(roots)))))
    }

    /// The trusted authorities, in DER.
    pub(super) fn roots(&self) -> &[CertificateDer<'static>] {
        &self.0.roots
    }

    /// Redirects are not followed: they could lead anywhere, and lose the body on the way.
    pub(super) async fn post(
        &self,
        url: &WebUrl,
        token: Option<&Secret>,
        headers: &[(&'static str, String)],
        json: Vec<u8>,
    ) -> Result<(), NotifyError> {
        let place = || url.place();
        let mut request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, concat!("Quaylight/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(Full::from(json))
            .map_err(|_| NotifyError::Settings(message!("The URL or token contains invalid characters")))?;
        let answer = self.0.http.request(request).await.map_err(|error| {
            let cause = innermost(&error);
            // rustls errors are wrapped in `io::Error`, whose kind does not identify them.
            if cause.contains("certificate") || cause.contains("TLS") || cause.contains("HandshakeFailure") {
                NotifyError::Insecure { place: place(), cause }
            } else {
                NotifyError::Unreachable { place: place(), cause }
            }
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = Limited::new(answer.into_body(), MOST_READ).collect().await;
        let said = said.map(|body| one_line(&String::from_utf8_lossy(&body.to_bytes()))).unwrap_or_default();
        Err(NotifyError::Refused { place: place(), code: status.as_u16(), answer: said, lasting: is_lasting(status) })
    }
}

/// Whether a retry would get the same answer. Timeouts, "too early" and "too many requests" are temporary.
fn is_lasting(status: StatusCode) -> bool {
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !passes.contains(&status)
}
