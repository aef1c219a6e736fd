//! TCP connections that detect a lost peer.

use super::{CONNECT_TIMEOUT, unreachable};
use crate::message;
use crate::server::engine::EngineError;
use socket2::{SockRef, TcpKeepalive};
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

/// TCP keepalive: idle time before the first probe, time between probes, and unanswered probes until the peer counts as lost.
const PROBE_AFTER: Duration = Duration::from_secs(5);
const PROBE_EVERY: Duration = Duration::from_secs(5);
const PROBES: u32 = 2;

/// The connection breaks if sent data is not acknowledged within this time.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// Connects to `authority`, a host and port.
pub(super) async fn open(authority: &str) -> Result<TcpStream, EngineError> {
    let connect = timeout(CONNECT_TIMEOUT, TcpStream::connect(authority)).await;
    let stream = connect.map_err(|_| EngineError::Unreachable(message!("{authority} isn't responding", authority)))?;
    let stream = stream.map_err(unreachable)?;
    let _ = stream.set_nodelay(true);
    detect_loss(&stream);
    Ok(stream)
}

/// Enables keepalive. A machine that is switched off, or a cable that is pulled, closes no connection: without probes, a
/// silent event stream would stay open forever.
fn detect_loss(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let probes = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_EVERY).with_retries(PROBES);
    let set = socket.set_tcp_keepalive(&probes).and_then(|()| socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
    if let Err(error) = set {
        tracing::debug!(%error, "failed to enable TCP keepalive: a lost connection may go undetected");
    }
}
