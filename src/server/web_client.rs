//! HTTP client for other servers than engines: receivers of notifications, and OpenID providers.

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use std::{
    fmt::Display,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::time::timeout;

/// Limit for a body that is read as a whole, in bytes.
const LONGEST_BODY: usize = 1 << 20;

/// For a response that is read as a whole.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Cheap to clone. Created on first use: a machine's certificate authorities take a megabyte.
#[derive(Clone)]
pub struct WebClient(Arc<LazyLock<Shared, Box<dyn FnOnce() -> Shared + Send>>>);

struct Shared {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    roots: Vec<CertificateDer<'static>>,
}

impl Default for WebClient {
    /// Trusts the authorities of this machine: home users may have their own.
    fn default() -> Self {
        let of_this_machine = || {
            let found = rustls_native_certs::load_native_certs();
            if found.certs.is_empty() {
                tracing::warn!(errors = ?found.errors, "no CA certificates found: no server is reachable over TLS");
            }
            Shared::trusting(found.certs)
        };
        Self(Arc::new(LazyLock::new(Box::new(of_this_machine))))
    }
}

impl Shared {
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
        // A connection kept alive for the next request would be dead by then.
        let http = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https.wrap_connector(tcp));
        Self { http, roots }
    }
}

impl WebClient {
    /// Trusts these authorities and no others.
    pub fn trusting(roots: Vec<CertificateDer<'static>>) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(|| Shared::trusting(roots)))))
    }

    /// The trusted authorities, in DER.
    pub fn roots(&self) -> &[CertificateDer<'static>] {
        &self.0.roots
    }

    /// Redirects are not followed: they could lead anywhere, and lose the body on the way.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        self.0.http.request(request).await
    }

    /// The status and the body of the response.
    ///
    /// # Errors
    /// The cause, for a log: unreachable, slow, or with a body that breaks off or is longer than 1 MiB.
    pub async fn read(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        let address = request.uri().to_string();
        let failed = |cause: &dyn Display| format!("{address}: {cause}");
        let whole = async {
            let response = self.send(request).await.map_err(|error| failed(&innermost(&error)))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST_BODY).collect().await;
            Ok((status, body.map_err(|error| failed(&error))?.to_bytes()))
        };
        timeout(TIMEOUT, whole).await.unwrap_or_else(|_| Err(failed(&"no response in time")))
    }
}

/// The innermost cause of an error that wraps others.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
