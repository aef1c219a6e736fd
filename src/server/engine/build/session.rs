//! BuildKit session: a connection on which the engine requests credentials during a build.
//!
//! It is gRPC over HTTP/2 with reversed roles: we open the connection and act as the server. hyper provides HTTP/2. A gRPC
//! framework (tonic) was considered, but for two unary calls the few lines below suffice.

use super::super::{Credentials, DOCKER_HUB, EngineError, read::Reader};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Bytes, Frame, Incoming},
    header::HeaderValue,
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::TokioExecutor;
use prost::Message;
use std::{convert::Infallible, sync::Arc};
use tokio::task::JoinHandle;

const CREDENTIALS: &str = "/moby.filesync.v1.Auth/Credentials";

/// Health check that the engine sends every five seconds. Without a response it closes the session.
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// gRPC status codes.
const OK: &str = "0";
const INVALID_ARGUMENT: &str = "3";
const UNIMPLEMENTED: &str = "12";

/// Bytes before each message: a compression flag, and the length.
const PREFIX: usize = 5;

const LONGEST_MESSAGE: usize = 64 << 10;

/// An open session. Dropping it closes it.
pub(super) struct Session {
    id: String,
    serving: JoinHandle<()>,
}

impl Session {
    pub(super) async fn open(sender: &Reader, credentials: &[Credentials]) -> Result<Self, EngineError> {
        let id = format!("{:032x}", rand::random::<u128>());
        let headers = [
            ("X-Docker-Expose-Session-Uuid", &*id),
            ("X-Docker-Expose-Session-Name", "quaylight"),
            ("X-Docker-Expose-Session-Grpc-Method", CREDENTIALS),
            ("X-Docker-Expose-Session-Grpc-Method", HEALTH),
        ];
        let connection = sender.upgrade("/session", "h2c", &headers).await?;
        let credentials: Arc<[Credentials]> = credentials.into();
        let serving = tokio::spawn(async move {
            let service = service_fn(move |request| answer(credentials.clone(), request));
            let served = http2::Builder::new(TokioExecutor::new()).serve_connection(connection, service);
            if let Err(error) = served.await {
                tracing::debug!(%error, "build session failed");
            }
        });
        Ok(Self { id, serving })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone, PartialEq, Message)]
struct CredentialsRequest {
    #[prost(string, tag = "1")]
    host: String,
}

#[derive(Clone, PartialEq, Message)]
struct CredentialsResponse {
    #[prost(string, tag = "1")]
    username: String,
    #[prost(string, tag = "2")]
    secret: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthResponse {
    /// 1 is "serving".
    #[prost(int32, tag = "1")]
    status: i32,
}

type Body = StreamBody<futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn answer(credentials: Arc<[Credentials]>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let message = Limited::new(request.into_body(), LONGEST_MESSAGE).collect().await;
    let message = message.map(|body| body.to_bytes()).unwrap_or_default();
    let answer = match (path.as_str(), message.get(PREFIX..)) {
        (HEALTH, _) => Ok(HealthResponse { status: 1 }.encode_to_vec()),
        (CREDENTIALS, Some(message)) => match CredentialsRequest::decode(message) {
            Ok(asked) => Ok(credentials_for(&credentials, &asked.host).encode_to_vec()),
            Err(_) => Err(INVALID_ARGUMENT),
        },
        (CREDENTIALS, None) => Err(INVALID_ARGUMENT),
        _ => Err(UNIMPLEMENTED),
    };
    Ok(framed(answer))
}

fn framed(answer: Result<Vec<u8>, &'static str>) -> Response<Body> {
    let (message, code) = match answer {
        Ok(message) => (Some(message), OK),
        Err(code) => (None, code),
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    let mut frames = Vec::new();
    if let Some(message) = message {
        let length = u32::try_from(message.len()).expect("the response length fits in a u32");
        let framed = [&[0][..], &length.to_be_bytes(), &message].concat();
        frames.push(Ok(Frame::data(framed.into())));
    }
    frames.push(Ok(Frame::trailers(trailers)));
    let mut response = Response::new(StreamBody::new(futures::stream::iter(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

/// Returns empty credentials for an unknown registry: the engine then sends its request without any.
fn credentials_for(all: &[Credentials], host: &str) -> CredentialsResponse {
    // Docker Hub's registry has another host name than its credentials.
    let host = if host == "registry-1.docker.io" { DOCKER_HUB } else { host };
    let known = all.iter().find(|it| it.registry == host);
    known.map_or_else(CredentialsResponse::default, |it| CredentialsResponse {
        username: it.username.clone(),
        secret: it.password.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_match_the_requested_registry() {
        let of = |registry: &str| Credentials {
            username: format!("user of {registry}"),
            password: "secret".into(),
            registry: registry.into(),
        };
        let all = [of(DOCKER_HUB), of("127.0.0.1:5000")];
        assert_eq!(credentials_for(&all, "127.0.0.1:5000").username, "user of 127.0.0.1:5000");
        assert_eq!(credentials_for(&all, "registry-1.docker.io").username, format!("user of {DOCKER_HUB}"));
        assert_eq!(credentials_for(&all, "127.0.0.1"), CredentialsResponse::default());
    }
}
