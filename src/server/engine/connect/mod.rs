//! Connections to an engine: byte streams to its socket, opened only here.
//!
//! Lists, events, streams, terminals and bollard all send their requests through [`Transport`], so a kind of connection that
//! works for one works for all.

mod endpoint;
mod ssh;
mod tcp;
mod tls;
mod transport;

pub use endpoint::Endpoint;
pub use ssh::SshDestination;
pub use tls::TlsFiles;
pub(super) use transport::{Body, EngineVersions, Transport, no_body};

use super::EngineError;
use crate::model::Message;
use hyper::{
    Uri,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use ssh::Tunnel;
use std::{
    future::Future,
    io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tls::Tls;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
    time::timeout,
};
use tower_service::Service;

/// Timeout for the TCP connection and the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens connections to one engine's socket. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector(Arc<Target>);

enum Target {
    Unix(PathBuf),
    /// Host and port.
    Tcp(String),
    Tls(Tls),
    Ssh(Box<Tunnel>),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection to an engine's socket, over any kind of endpoint.
pub(super) struct Pipe(TokioIo<Box<dyn Stream>>);

impl Pipe {
    fn new(stream: impl Stream + 'static) -> Self {
        Self(TokioIo::new(Box::new(stream)))
    }
}

impl Connector {
    fn new(endpoint: Endpoint) -> Self {
        Self(Arc::new(match endpoint {
            Endpoint::Unix(path) => Target::Unix(path),
            Endpoint::Tcp(authority) => Target::Tcp(authority),
            Endpoint::Tls { authority, files } => Target::Tls(Tls::new(authority, files)),
            Endpoint::Ssh(destination) => Target::Ssh(Box::new(Tunnel::new(destination))),
        }))
    }

    async fn open(&self) -> Result<Pipe, EngineError> {
        match &*self.0 {
            Target::Unix(path) => Ok(Pipe::new(UnixStream::connect(path).await.map_err(unreachable)?)),
            Target::Tcp(authority) => Ok(Pipe::new(tcp::open(authority).await?)),
            Target::Tls(tls) => {
                let open = timeout(CONNECT_TIMEOUT, tls.open()).await;
                Ok(Pipe::new(open.map_err(|_| EngineError::Timeout)??))
            }
            Target::Ssh(tunnel) => Ok(Pipe::new(tunnel.open().await?)),
        }
    }

    /// Drops the state shared between connections, as it may be the reason that the engine does not answer.
    async fn reset(&self) {
        match &*self.0 {
            Target::Unix(_) | Target::Tcp(_) => {}
            Target::Tls(tls) => tls.reset(),
            Target::Ssh(tunnel) => tunnel.reset().await,
        }
    }

    /// Ends the SSH tunnel, if there is one.
    async fn close(&self) {
        if let Target::Ssh(tunnel) = &*self.0 {
            tunnel.close().await;
        }
    }

    /// The value of the `Host` header.
    fn authority(&self) -> &str {
        match &*self.0 {
            Target::Tcp(authority) => authority,
            Target::Tls(tls) => tls.authority(),
            Target::Unix(_) | Target::Ssh(_) => "docker",
        }
    }
}

fn unreachable(error: io::Error) -> EngineError {
    EngineError::Unreachable(Message::verbatim(error))
}

/// hyper's client opens its connections through this service.
impl Service<Uri> for Connector {
    type Response = Pipe;
    type Error = EngineError;
    type Future = Pin<Box<dyn Future<Output = Result<Pipe, EngineError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), EngineError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open().await })
    }
}

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }
}
