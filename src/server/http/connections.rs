//! Accept loop for TCP connections, with a time limit for TLS handshakes, request heads and idle time, and limits on the number of
//! connections in total and per client.
//!
//! `axum::serve` has neither, and builds the routing tables again for each connection, which took 200 KB for as long as the
//! connection was open.

use super::streaming::close_when_unread;
use crate::server::{auth::network, metrics::Counter, trusted_proxies::TrustedProxies};
use axum::Router;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Incoming},
    header::{self, HeaderValue},
    http::uri::Authority,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    error::Error,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Time limit for a TLS handshake, and for a request's head, including the wait for its first byte. So a keep-alive connection that stays idle for this
/// long is closed, too; a browser opens a new one when it needs one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(12);

/// Size limit of a request's head. A longer one is answered with 431.
const LONGEST_HEAD: usize = 64 * 1024;

/// File descriptors reserved for engines, the history and the site.
const SPARE_FILES: u64 = 512;

/// Maximum share of the connections that one client may have, as a divisor. The rest remains available to others.
const CLIENT_SHARE: usize = 2;

/// Pause after an accept error that does not concern a single connection, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Size of the accept queue. A connection that does not fit gets no answer, and the client retries after a second.
const BACKLOG: u32 = 4096;

/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;

/// Listens on `address`, with an accept queue that holds all tabs that reconnect at once after a restart.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The response for a connection over the limit.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\n\
    Content-Type: application/problem+json\r\nContent-Length: 107\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Too many connections\",\"detail\":\"Close other tabs or clients and try again.\"}";

/// The address of a request's connection: of the client, or of the proxy in front of the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The connection limit and the number of open connections. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    places: Arc<Semaphore>,
    most: usize,
    of_clients: OfClients,
    proxies: Arc<TrustedProxies>,
    refused: Arc<Counter>,
}

/// Number of open connections by client. Cheap to clone.
#[derive(Clone, Default)]
struct OfClients(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// The place of an open connection, until dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    of_client: Option<(OfClients, IpAddr)>,
}

impl OfClients {
    /// Counts a connection. Returns false if the client has `most` already.
    fn add(&self, client: IpAddr, most: usize) -> bool {
        let mut counts = self.counts();
        let count = counts.entry(client).or_default();
        if *count >= most {
            return false;
        }
        *count += 1;
        true
    }

    fn remove(&self, client: IpAddr) {
        let mut counts = self.counts();
        if let Some(count) = counts.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&client);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((of_clients, client)) = self.of_client.take() {
            of_clients.remove(client);
        }
    }
}

impl Connections {
    /// Limits connections to the number of files the process may open, minus the reserve. Trusted proxies may use all
    /// of them, since they connect for many clients.
    pub fn up_to(open_files: u64, proxies: Arc<TrustedProxies>) -> Self {
        let most = usize::try_from(open_files.saturating_sub(SPARE_FILES)).unwrap_or(usize::MAX).max(64);
        let most = most.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            of_clients: OfClients::default(),
            proxies,
            refused: Arc::default(),
        }
    }

    /// Takes a place for a connection of this client. None if all are taken, or the client's share is.
    fn enter(&self, client: IpAddr) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        // A client on this machine may be a proxy that is not configured as trusted.
        if client.to_canonical().is_loopback() || self.proxies.is_trusted(client) {
            return Some(Place { _permit: permit, of_client: None });
        }
        let client = network(client);
        let is_added = self.of_clients.add(client, self.most / CLIENT_SHARE);
        is_added.then(|| Place { _permit: permit, of_client: Some((self.of_clients.clone(), client)) })
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.most - self.places.available_permits()
    }

    /// The number of connections refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// Serves until `shutdown` completes, then waits up to `farewell` for the requests in progress. WebSockets close
    /// themselves on `shutdown`.
    pub async fn serve(
        &self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        router: Router,
        shutdown: impl Future<Output = ()>,
        farewell: Duration,
    ) {
        // Builds the routing tables once for all connections.
        let router = router.with_state::<()>(());
        // Not hyper-util's `auto` builder: it waits for the first byte without a timeout.
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(LONGEST_HEAD);
        let (close, closing) = watch::channel(());
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if concerns_one(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "can't accept connections");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(place) = self.enter(peer.ip()) else {
                self.refused.add(1);
                refuse(&stream);
                continue;
            };
            // A change is one small message: it must not wait for a second one.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "can't disable Nagle's algorithm");
            }
            close_when_unread(&stream);
            let stream = Placed { stream, _place: place };
            let routes = TowerToHyperService::new(router.clone());
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                routes.call(request)
            });
            let (http, closing) = (http.clone(), closing.clone());
            match tls.clone() {
                None => drop(tokio::spawn(serve(http, stream, service, closing))),
                Some(tls) => drop(tokio::spawn(serve_encrypted(tls, http, stream, service, closing))),
            }
        }
        drop((listener, closing));
        close.send_replace(());
        if timeout(farewell, close.closed()).await.is_err() {
            tracing::debug!("some requests didn't finish before the shutdown timeout");
        }
    }
}

/// Serves the requests of one connection, until it ends or the server stops.
async fn serve<S, R>(
    http: http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: S,
    mut closing: watch::Receiver<()>,
) where
    S: Service<Request<Incoming>, Response = Response<R>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    R: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = closing.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection closed with an error");
    }
}

/// Serves the requests of one connection after its TLS handshake. Unencrypted requests are redirected.
async fn serve_encrypted<S, R>(
    tls: TlsAcceptor,
    http: http1::Builder,
    stream: Placed,
    service: S,
    mut closing: watch::Receiver<()>,
) where
    S: Service<Request<Incoming>, Response = Response<R>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    R: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    enum Opened {
        Encrypted(Box<TlsStream<Placed>>),
        Unencrypted(Placed),
    }
    let handshake = async {
        let mut first = [0];
        stream.stream.peek(&mut first).await?;
        if first == [TLS_HANDSHAKE] {
            tls.accept(stream).await.map(|it| Opened::Encrypted(it.into()))
        } else {
            Ok(Opened::Unencrypted(stream))
        }
    };
    let ended = tokio::select! {
        ended = timeout(HEAD_TIMEOUT, handshake) => ended,
        _ = closing.changed() => return,
    };
    match ended {
        Ok(Ok(Opened::Encrypted(stream))) => serve(http, stream, service, closing).await,
        Ok(Ok(Opened::Unencrypted(stream))) => {
            serve(http, stream, service_fn(async |request| Ok::<_, Infallible>(to_https(&request))), closing).await
        }
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

/// The response to an unencrypted request: a browser that opens a page is sent on. A program would not notice that it sends its
/// token unencrypted.
fn to_https<B>(request: &Request<B>) -> Response<String> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
    let mut response = Response::new("This server uses HTTPS.\n".to_owned());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    let is_page = request.headers().get(header::ACCEPT).is_some_and(|it| it.as_bytes().starts_with(b"text/html"));
    if is_page
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && host.parse::<Authority>().is_ok()
        && let Ok(address) = HeaderValue::from_str(&format!("https://{host}{path}"))
    {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// Whether an accept error concerns a single connection, not the listener.
fn concerns_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Sends the refusal, if that is possible without waiting.
fn refuse(stream: &TcpStream) {
    let _ = stream.try_write(TOO_MANY);
}

/// A connection with its permit, which it keeps when it is upgraded to a WebSocket.
struct Placed {
    stream: TcpStream,
    _place: Place,
}

impl AsyncRead for Placed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn one_client_leaves_half_of_the_connections_to_others() {
        let proxies = TrustedProxies::new(&["192.0.2.9".into()]).unwrap();
        let connections = Connections::up_to(SPARE_FILES + 100, proxies.into());
        let enter = |address: &str| connections.enter(address.parse().unwrap());
        let open: Vec<_> = (0..60).filter_map(|number| enter(&format!("2001:db8::{number:x}"))).collect();
        assert_eq!((open.len(), connections.open()), (50, 50));
        assert!(
            enter("2001:db8::1").is_none() && enter("::ffff:192.0.2.1").is_some() && enter("2001:db8:1::1").is_some()
        );
        drop(open);
        assert!(enter("2001:db8::1").is_some());
        assert_eq!(connections.open(), 0);
        for exempt in ["127.0.0.1", "::1", "192.0.2.9"] {
            let open: Vec<_> = (0..120).filter_map(|_| enter(exempt)).collect();
            assert_eq!(open.len(), 100, "{exempt}");
        }
        assert!(connections.of_clients.counts().is_empty());
    }

    /// A client whose connection does not fit in the accept queue waits a second, which the test would notice.
    #[tokio::test]
    async fn accept_queue_holds_a_thousand_simultaneous_connections() {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let began = Instant::now();
        let connect = move || (0..1_000).map(|_| std::net::TcpStream::connect(address).unwrap()).collect::<Vec<_>>();
        let clients = tokio::task::spawn_blocking(connect).await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
        drop((clients, listener));
    }
}
