//! Requests to receivers of notifications.

use super::{NotifyError, Secret, WebUrl, error::one_line};
use crate::{
    message,
    server::web_client::{WebClient, innermost},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, header};
use rustls::pki_types::CertificateDer;

/// Limit for the body of an error response, in bytes.
const MOST_READ: usize = 2 * 1024;

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Outbound(WebClient);

impl From<WebClient> for Outbound {
    fn from(client: WebClient) -> Self {
        Self(client)
    }
}

impl Outbound {
    /// Trusts these authorities and no others.
    pub fn trusting(roots: Vec<CertificateDer<'static>>) -> Self {
        Self(WebClient::trusting(roots))
    }

    /// The trusted authorities, in DER.
    pub(super) fn roots(&self) -> &[CertificateDer<'static>] {
        self.0.roots()
    }

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
        let answer = self.0.send(request).await.map_err(|error| {
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
