//! Listener of the simulator, with connections that can be cut in the middle of a response.

use super::Place;
use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use futures::task::AtomicWaker;
use std::{
    fs, io,
    os::unix::{fs::FileTypeExt, net::UnixStream},
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, UnixListener},
    time::sleep,
};

pub struct SimListener {
    socket: Socket,
    connections: Connections,
}

enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl SimListener {
    /// Starts to listen and returns the URL.
    pub async fn open(place: &Place, connections: Connections) -> io::Result<(Self, String)> {
        let (socket, url) = match place {
            Place::Socket(path) => {
                remove_stale(path)?;
                (Socket::Unix(UnixListener::bind(path)?), format!("unix://{}", path.display()))
            }
            Place::Address(address) => {
                let listener = TcpListener::bind(address).await?;
                let url = format!("tcp://{}", listener.local_addr()?);
                (Socket::Tcp(listener), url)
            }
        };
        Ok((Self { socket, connections }, url))
    }
}

/// Removes a stale socket file. A socket that accepts connections belongs to another process and stays.
fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(file) = fs::symlink_metadata(path) else { return Ok(()) };
    if !file.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} isn't a socket", path.display())));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, format!("{} is already in use", path.display())));
    }
    fs::remove_file(path)
}

impl Listener for SimListener {
    type Io = CuttableStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (CuttableStream, Connection) {
        loop {
            let accepted: io::Result<Box<dyn Duplex>> = match &self.socket {
                Socket::Unix(listener) => listener.accept().await.map(|it| Box::new(it.0) as _),
                Socket::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                    let _ = stream.set_nodelay(true);
                    Box::new(stream) as _
                }),
            };
            match accepted {
                Ok(stream) => {
                    let connection = self.connections.add();
                    return (CuttableStream { stream, connection: connection.clone() }, connection);
                }
                // Out of file descriptors: retry once some are free.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Connection> {
        Ok(Connection::default())
    }
}

/// All open connections.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Vec<Weak<Cut>>>>);

impl Connections {
    fn add(&self) -> Connection {
        let connection = Connection::default();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|it| it.strong_count() > 0);
        open.push(Arc::downgrade(&connection.0));
        connection
    }

    pub fn cut_all(&self) {
        for open in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if let Some(cut) = open.upgrade() {
                Connection(cut).cut();
            }
        }
    }
}

/// A handle with which a request can cut its connection.
#[derive(Debug, Clone, Default)]
pub struct Connection(Arc<Cut>);

#[derive(Debug, Default)]
struct Cut {
    is_cut: AtomicBool,
    waker: AtomicWaker,
}

impl Connection {
    /// Resets the connection: nothing more is read or written.
    pub fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        self.0.waker.register(context.waker());
        if self.0.is_cut.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, SimListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, SimListener>) -> Self {
        stream.remote_addr().clone()
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub struct CuttableStream {
    stream: Box<dyn Duplex>,
    connection: Connection,
}

impl AsyncRead for CuttableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.connection.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.connection.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.connection.check(cx)?;
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
