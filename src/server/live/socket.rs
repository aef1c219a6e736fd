//! WebSocket upgrade: the only constructor of sockets, with message limits, connection limit and detection of dead peers.

use super::sessions::Transport;
use crate::{
    server::{app::App, auth::Caller},
    wire::{Encoding, NOT_SIGNED_IN, routes::LONGEST_MESSAGE},
};
use axum::{
    body::Bytes,
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    response::Response,
};
use futures::{FutureExt, future::BoxFuture};
use std::{
    future::{Future, pending},
    time::Duration,
};
use tokio::time::{Instant, Interval, interval_at, timeout};

/// A client that accepts no byte for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Size of the read buffer, kept for as long as the socket lives: clients send little.
const READ_BUFFER: usize = 4 * 1024;

/// Ping interval. Proxies close sockets that are silent for a minute. A client that was silent from one ping to the next is
/// gone: its socket may be half open, or the client doesn't read from it.
const PING_EVERY: Duration = Duration::from_secs(20);

/// A socket without server pings that received nothing for this long is dead. Longer than what proxies allow.
const QUIET_TIMEOUT: Duration = Duration::from_secs(600);

const SIGNED_OUT: &str = "not signed in";

pub const GOING_AWAY: u16 = 1001;
const TRY_AGAIN_LATER: u16 = 1013;

/// A socket with a place within the connection limit, and with a peer that is known to be alive.
pub struct Socket {
    inner: WebSocket,
    pings: Interval,
    heard: Instant,
    /// A ping was sent, and nothing was received since.
    unanswered: bool,
    is_quiet: bool,
    /// Completes when the caller is signed out. `None` without a session, and after that.
    signed_out: Option<BoxFuture<'static, ()>>,
}

/// The peer no longer accepts messages, or no longer sends any.
#[derive(Debug)]
pub struct Gone;

/// Serves the socket until `serve` returns. Closes it with 1013 if all places are taken, and with 4001 when the caller is
/// signed out.
pub fn upgrade<F>(
    app: &App,
    caller: Caller,
    upgrade: WebSocketUpgrade,
    is_quiet: bool,
    serve: impl FnOnce(Socket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send,
{
    let place = app.sessions.enter(Transport::WebSocket);
    upgrade
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .on_upgrade(async move |inner| {
            let mut socket = Socket::new(inner, is_quiet, caller);
            if place.is_none() {
                socket.close(TRY_AGAIN_LATER, "too many connections").await;
                return;
            }
            serve(socket).await;
            drop(place);
        })
}

/// Accepts the socket only to close it with 4001: a browser's page sees a close code, but not an HTTP status.
pub fn refuse_upgrade(upgrade: WebSocketUpgrade) -> Response {
    // A browser that gets none of the protocols it offered sees no close code.
    let upgrade = upgrade.protocols(Encoding::ALL.map(Encoding::subprotocol));
    upgrade.on_upgrade(async |mut socket| {
        let frame = CloseFrame { code: NOT_SIGNED_IN, reason: SIGNED_OUT.into() };
        let _ = timeout(CLOSE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
    })
}

async fn completed(future: &mut Option<BoxFuture<'static, ()>>) {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

impl Socket {
    fn new(inner: WebSocket, is_quiet: bool, caller: Caller) -> Self {
        let now = Instant::now();
        let pings = interval_at(now + PING_EVERY, PING_EVERY);
        let signed_out = caller.has_credential().then(|| caller.signed_out().boxed());
        Self { inner, pings, heard: now, unanswered: false, is_quiet, signed_out }
    }

    /// Receives the next text or binary message, and pings the peer meanwhile. Cancel safe. Closes the socket if it receives a
    /// malformed message or one over the size limit.
    pub async fn next(&mut self) -> Result<Message, Gone> {
        loop {
            tokio::select! {
                biased;
                // First: a client can't keep it from completing by sending messages.
                () = completed(&mut self.signed_out) => return Err(self.close_signed_out().await),
                message = self.inner.recv() => {
                    (self.heard, self.unanswered) = (Instant::now(), false);
                    match message {
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return Err(Gone),
                        Some(Ok(message)) => return Ok(message),
                        Some(Err(error)) => return Err(self.refuse(error).await),
                    }
                }
                // Shows proxies that the socket is alive, and the server that the client is.
                _ = self.pings.tick() => self.ping().await?,
            }
        }
    }

    /// Pings the peer without receiving from it. Returns only when it is gone.
    pub async fn keep_alive(&mut self) -> Gone {
        loop {
            tokio::select! {
                _ = self.pings.tick() => if self.send(Message::Ping(Bytes::new())).await.is_err() {
                    return Gone;
                },
                () = completed(&mut self.signed_out) => return self.close_signed_out().await,
            }
        }
    }

    async fn close_signed_out(&mut self) -> Gone {
        self.signed_out = None;
        self.close(NOT_SIGNED_IN, SIGNED_OUT).await;
        Gone
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        if self.unanswered || (self.is_quiet && self.heard.elapsed() >= QUIET_TIMEOUT) {
            return Err(Gone);
        }
        if !self.is_quiet {
            self.send(Message::Ping(Bytes::new())).await?;
            self.unanswered = true;
        }
        Ok(())
    }

    pub async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND_TIMEOUT, self.inner.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }

    pub async fn close(&mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code, reason: reason.into() };
        let _ = timeout(CLOSE_TIMEOUT, self.inner.send(Message::Close(Some(frame)))).await;
    }

    /// Closes the socket with the reason, if the protocol has a code for it.
    async fn refuse(&mut self, error: axum::Error) -> Gone {
        let (code, reason) = match error.into_inner().downcast_ref::<tungstenite::Error>() {
            Some(tungstenite::Error::Capacity(_)) => (1009, "message over 64 KiB"),
            Some(tungstenite::Error::Utf8(_)) => (1007, "text that is not UTF-8"),
            Some(tungstenite::Error::Protocol(_)) => (1002, "malformed frame"),
            _ => return Gone,
        };
        self.close(code, reason).await;
        Gone
    }
}
