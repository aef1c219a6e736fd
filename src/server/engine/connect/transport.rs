//! HTTP transport to one engine: connection pool and API version negotiation.

use super::{Connector, Endpoint};
use crate::model::Message;
use crate::server::engine::{EngineError, READ_TIMEOUT, version::ApiVersion};
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use http_body_util::{BodyExt, Empty, Limited, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, Uri,
    body::{Bytes, Incoming},
    header::{HOST, HeaderValue},
    http::uri::PathAndQuery,
};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::time::timeout;

/// Maximum number of idle connections in the pool, and how long they stay open.
const MAX_IDLE: usize = 8;
const IDLE: Duration = Duration::from_secs(20);

/// Bytes that each connection reads ahead of its consumer.
const READ_BUFFER: usize = 64 << 10;

/// Maximum size of the response to `/version`, in bytes.
const LONGEST_VERSION: usize = 1 << 20;

/// bollard's timeout for an action, in seconds: stopping a container waits for its processes.
const ACTION_TIMEOUT_S: u64 = 120;

/// Base URL of each request. Only the path matters: a [`Connector`] has a single endpoint.
const BASE: &str = "http://docker";

/// Body of a request.
pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

pub(crate) fn no_body() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Shared>);

struct Shared {
    connector: Connector,
    host: HeaderValue,
    client: Client<Connector, Body>,
    /// None until it is negotiated with the engine.
    version: Mutex<Option<Negotiated>>,
}

/// The negotiated API version, which prefixes the paths of requests.
#[derive(Clone, Copy)]
enum Negotiated {
    Version(ApiVersion),
    /// The engine reports no API version.
    Unversioned,
}

impl Transport {
    /// Opens no connection yet.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        let connector = Connector::new(endpoint);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.http1_max_buf_size(READ_BUFFER);
        // Without a timer an idle connection is closed only when the next request finds it, so the connections opened by
        // a burst of requests stayed open.
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(MAX_IDLE);
        Self(Arc::new(Shared {
            host: HeaderValue::from_str(connector.authority()).unwrap_or(HeaderValue::from_static("docker")),
            client: builder.build(connector.clone()),
            connector,
            version: Mutex::default(),
        }))
    }

    /// Sends a request. Prefixes its path with the negotiated version.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, EngineError> {
        let (mut parts, body) = request.into_parts();
        let version =
            if is_unversioned(parts.uri.path()) { Negotiated::Unversioned } else { self.negotiated().await? };
        parts.uri = version.uri(&parts.uri)?;
        parts.headers.insert(HOST, self.0.host.clone());
        Ok(self.0.client.request(Request::from_parts(parts, body)).await?)
    }

    /// Sets the version of later requests to the highest that both sides support.
    ///
    /// # Errors
    /// [`EngineError::Version`] if there is no common version.
    pub(crate) fn agree(&self, engine: EngineVersions<'_>) -> Result<(), EngineError> {
        let agreed = match engine.highest.parse() {
            Ok(highest) => Negotiated::Version(ApiVersion::common(highest, engine.lowest.parse().ok())?),
            Err(_) => Negotiated::Unversioned,
        };
        *self.version() = Some(agreed);
        Ok(())
    }

    /// Drops the state shared between connections, as it may be the reason that the engine does not answer.
    pub(crate) async fn reset(&self) {
        self.0.connector.reset().await;
    }

    /// Ends the SSH tunnel, if there is one. No request can be sent afterwards.
    pub(crate) async fn close(&self) {
        self.0.connector.close().await;
    }

    /// Creates a bollard client that sends its requests through this transport.
    pub(crate) fn docker(&self) -> Result<Docker, EngineError> {
        let transport = self.clone();
        let send = move |request: BollardRequest| {
            let transport = transport.clone();
            async move {
                let request = request.map(|body| body.map_err(std::io::Error::other).boxed_unsync());
                transport.send(request).await.map_err(|error| std::io::Error::other(error).into())
            }
        };
        Ok(Docker::connect_with_custom_transport(send, Some(BASE), ACTION_TIMEOUT_S, API_DEFAULT_VERSION)?)
    }

    async fn negotiated(&self) -> Result<Negotiated, EngineError> {
        if let Some(known) = *self.version() {
            return Ok(known);
        }
        let ask = async {
            let request = Request::get("/version").body(no_body());
            let request = request.map_err(|error| EngineError::Malformed(error.to_string()))?;
            let answer = Box::pin(self.send(request)).await?;
            let body = Limited::new(answer.into_body(), LONGEST_VERSION).collect().await;
            body.map(|it| it.to_bytes()).map_err(|error| EngineError::Broken(Message::verbatim(error)))
        };
        let body = timeout(READ_TIMEOUT, ask).await.map_err(|_| EngineError::Timeout)??;
        self.agree(EngineVersions::in_answer(&body))?;
        Ok(self.version().unwrap_or(Negotiated::Unversioned))
    }

    fn version(&self) -> MutexGuard<'_, Option<Negotiated>> {
        self.0.version.lock().expect("the lock isn't poisoned")
    }
}

/// The range of API versions that an engine reports.
#[derive(serde::Deserialize, Default)]
#[serde(default)]
pub(crate) struct EngineVersions<'a> {
    #[serde(rename = "ApiVersion")]
    pub(crate) highest: &'a str,
    #[serde(rename = "MinAPIVersion")]
    pub(crate) lowest: &'a str,
}

impl<'a> EngineVersions<'a> {
    fn in_answer(body: &'a [u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}

/// Whether a path is requested without a version, before one is negotiated.
fn is_unversioned(path: &str) -> bool {
    matches!(path, "/version" | "/_ping")
}

impl Negotiated {
    /// Builds the URI of a path, with the version as its prefix.
    fn uri(self, uri: &Uri) -> Result<Uri, EngineError> {
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let uri = match self {
            Self::Version(version) => format!("{BASE}/v{version}{path}"),
            Self::Unversioned => format!("{BASE}{path}"),
        };
        uri.parse().map_err(|_| EngineError::Malformed(format!("{path:?} isn't a valid path")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::{server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use std::convert::Infallible;
    use tokio::net::UnixListener;

    /// An engine that reports API versions and records the requested paths.
    struct FakeEngine {
        endpoint: Endpoint,
        versions: Arc<Mutex<&'static str>>,
        asked: Arc<Mutex<Vec<String>>>,
        _folder: tempfile::TempDir,
    }

    impl FakeEngine {
        fn start(versions: &'static str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let socket = folder.path().join("docker.sock");
            let listener = UnixListener::bind(&socket).unwrap();
            let (versions, asked) = (Arc::new(Mutex::new(versions)), Arc::new(Mutex::new(Vec::new())));
            let (current, heard) = (versions.clone(), asked.clone());
            let answer = move |request: Request<Incoming>| {
                let path = request.uri().to_string();
                heard.lock().unwrap().push(path.clone());
                let body = if path == "/version" { *current.lock().unwrap() } else { "{}" };
                async move { Ok::<_, Infallible>(Response::new(body.to_owned())) }
            };
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let service = service_fn(answer.clone());
                    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
            });
            Self { endpoint: Endpoint::Unix(socket), versions, asked, _folder: folder }
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock().unwrap())
        }
    }

    async fn get(transport: &Transport, path: &str) -> Result<Response<Incoming>, EngineError> {
        transport.send(Request::get(path).body(no_body()).unwrap()).await
    }

    #[tokio::test]
    async fn every_request_uses_the_negotiated_api_version() {
        let engine = FakeEngine::start(r#"{"ApiVersion": "1.55", "MinAPIVersion": "1.44"}"#);
        let transport = Transport::new(engine.endpoint.clone());
        get(&transport, "/containers/json?all=1").await.unwrap();
        get(&transport, "/_ping").await.unwrap();
        transport.docker().unwrap().inspect_exec("x").await.unwrap();
        assert_eq!(engine.asked(), ["/version", "/v1.51/containers/json?all=1", "/_ping", "/v1.51/exec/x/json"]);
    }

    #[tokio::test]
    async fn upgraded_engine_renegotiates_the_api_version() {
        let engine = FakeEngine::start(r#"{"ApiVersion": "1.41"}"#);
        let transport = Transport::new(engine.endpoint.clone());
        get(&transport, "/images/json").await.unwrap();
        transport.agree(EngineVersions { highest: "1.44", lowest: "1.24" }).unwrap();
        get(&transport, "/images/json").await.unwrap();
        assert_eq!(engine.asked(), ["/version", "/v1.41/images/json", "/v1.44/images/json"]);
        let error = transport.agree(EngineVersions { highest: "1.70", lowest: "1.60" }).unwrap_err();
        assert!(matches!(error, EngineError::Version(_)), "{error}");
    }

    #[tokio::test]
    async fn no_request_is_sent_without_a_common_api_version() {
        let engine = FakeEngine::start(r#"{"ApiVersion": "1.70", "MinAPIVersion": "1.60"}"#);
        let transport = Transport::new(engine.endpoint.clone());
        let error = get(&transport, "/info").await.unwrap_err();
        assert!(error.to_string().contains("requires API 1.60 or later"), "{error}");
        // bollard passes the error on.
        let error = EngineError::from(transport.docker().unwrap().inspect_exec("x").await.unwrap_err());
        assert!(matches!(error, EngineError::Version(_)), "{error}");
        assert_eq!(engine.asked(), ["/version", "/version"]);
        *engine.versions.lock().unwrap() = r#"{"ApiVersion": "1.51"}"#;
        get(&transport, "/info").await.unwrap();
        assert_eq!(engine.asked(), ["/version", "/v1.51/info"]);
    }

    #[tokio::test]
    async fn engine_without_a_version_gets_unversioned_requests() {
        let engine = FakeEngine::start("OK");
        let transport = Transport::new(engine.endpoint.clone());
        get(&transport, "/info").await.unwrap();
        assert_eq!(engine.asked(), ["/version", "/info"]);
    }
}
