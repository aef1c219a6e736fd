//! `GET /ws`: the socket of the protocol.

use super::{
    Outcome,
    follower::{Follower, Payload},
    hello, pong,
};
use crate::{
    model::Action,
    server::{app::App, auth::Caller, commands::perform, http::Problem},
    wire::{
        Ack, ActionError, ActionRequest, Channels, ClientFrame, Encoding, ErrorKind, Malformed, Position, ServerFrame,
        WireError, binary, json, routes,
    },
};
use axum::{
    body::Bytes,
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::{SinkExt, StreamExt, stream::SplitSink};
use serde::Deserialize;
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, interval_at, timeout},
};

/// A client that takes no byte for this long is gone.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

/// Bytes read at once, kept for as long as the socket lives: clients say little.
const READ_BUFFER: usize = 4 * 1024;

/// Proxies cut sockets that are silent for a minute. A client that was silent from one ping to the next is gone: its
/// socket may be half open, or nobody reads it.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Actions of one socket under way at once; more are answered with an error.
const ACTIONS_AT_ONCE: usize = 64;

const GOING_AWAY: u16 = 1001;
const TRY_AGAIN_LATER: u16 = 1013;

#[derive(Deserialize)]
pub struct Known {
    epoch: Option<u64>,
    rev: Option<u64>,
    /// Names the handshake of a self-test: see `handshakes.rs`.
    probe: Option<String>,
    /// The server sends no pings of its own: to see who cuts a silent socket.
    #[serde(default)]
    quiet: bool,
}

pub async fn socket(
    State(app): State<App>,
    Query(known): Query<Known>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let outcome = if upgrade.is_ok() { Outcome::Upgraded } else { Outcome::NoUpgrade };
    if let Some(token) = &known.probe {
        app.handshakes.note(token, outcome, &headers, app.clock);
    }
    let Ok(upgrade) = upgrade else {
        let detail = "This address is for WebSockets, and no upgrade arrived here. A proxy on the way may have taken it \
            out: it has to pass the headers Upgrade and Connection on.";
        return Problem::new(StatusCode::UPGRADE_REQUIRED, "No WebSocket upgrade", detail).into_response();
    };
    let upgrade = upgrade
        .protocols(Encoding::ALL.map(Encoding::subprotocol))
        .max_message_size(routes::LONGEST_MESSAGE)
        .max_frame_size(routes::LONGEST_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0);
    let chosen = upgrade.selected_protocol().and_then(|chosen| chosen.to_str().ok());
    let encoding = if chosen == Some(Encoding::Postcard.subprotocol()) { Encoding::Postcard } else { Encoding::Json };
    let position = known.epoch.zip(known.rev).map(|(epoch, revision)| Position { epoch, revision });
    let place = app.sessions.enter();
    upgrade.on_upgrade(async move |mut socket| {
        if place.is_none() {
            close(&mut socket, TRY_AGAIN_LATER, "too many connections").await;
            return;
        }
        Session::new(app, encoding, position, known.quiet, socket).run().await;
    })
}

struct Session {
    app: App,
    caller: Caller,
    encoding: Encoding,
    follower: Follower,
    quiet: bool,
    /// A ping was sent, and nothing came since.
    unanswered: bool,
    sink: SplitSink<WebSocket, Message>,
    stream: futures::stream::SplitStream<WebSocket>,
    acks: (mpsc::Sender<Ack>, mpsc::Receiver<Ack>),
}

/// The socket can't be written to any more.
struct Gone;

impl Session {
    fn new(app: App, encoding: Encoding, position: Option<Position>, quiet: bool, socket: WebSocket) -> Self {
        let follower = Follower::new(app.clone(), encoding, Channels::ALL, position);
        let (sink, stream) = socket.split();
        let acks = mpsc::channel(ACTIONS_AT_ONCE);
        Self { app, caller: Caller::local_admin(), encoding, follower, quiet, unanswered: false, sink, stream, acks }
    }

    async fn run(mut self) {
        if self.converse().await.is_ok() {
            let frame = CloseFrame { code: GOING_AWAY, reason: "server going away".into() };
            let _ = timeout(Duration::from_secs(1), self.sink.send(Message::Close(Some(frame)))).await;
        }
    }

    /// Until the socket is gone, or the server goes away.
    async fn converse(&mut self) -> Result<(), Gone> {
        self.say(hello(&self.app)).await?;
        let sessions = self.app.sessions.clone();
        let closing = sessions.closing();
        tokio::pin!(closing);
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        loop {
            tokio::select! {
                // What changed. First: what the client asks for never delays it.
                biased;
                sent = self.follower.next() => match sent {
                    Some(sent) => self.send(sent.message(self.app.clock.now())).await?,
                    None => return Ok(()),
                },
                // An action has ended.
                Some(ack) = self.acks.1.recv() => self.say(ServerFrame::Ack(ack)).await?,
                // What the client says.
                message = self.stream.next() => match message {
                    Some(Ok(message)) => self.hear(message).await?,
                    Some(Err(error)) => return self.refuse(error).await,
                    None => return Err(Gone),
                },
                // So that proxies see that the socket lives, and we that the client does.
                _ = pings.tick(), if !self.quiet => self.ping().await?,
                () = &mut closing => return Ok(()),
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        if std::mem::replace(&mut self.unanswered, true) {
            return Err(Gone);
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn hear(&mut self, message: Message) -> Result<(), Gone> {
        self.unanswered = false;
        let heard = match &message {
            Message::Text(text) => json::decode_client(text),
            Message::Binary(bytes) if self.encoding == Encoding::Postcard => binary::decode_client(bytes),
            Message::Binary(_) => Err(Malformed::new("this socket speaks JSON, in text messages")),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Gone),
        };
        match heard {
            Ok(ClientFrame::Resume(position)) => self.follower.resume(position),
            Ok(ClientFrame::Subscribe(channels)) => {
                self.follower.set_channels(self.follower.channels().with(&channels));
            }
            Ok(ClientFrame::Unsubscribe(channels)) => {
                self.follower.set_channels(self.follower.channels().without(&channels));
            }
            Ok(ClientFrame::Ping { nonce }) => {
                self.say(pong(&self.app, nonce)).await?;
            }
            Ok(ClientFrame::Action(request)) => self.act(request).await?,
            Err(Malformed { reason, action: Some(id) }) => {
                let error = ActionError::new(ErrorKind::Invalid, reason);
                self.say(ServerFrame::Ack(Ack { id, ok: false, error: Some(error) })).await?;
            }
            Err(Malformed { reason, action: None }) => {
                self.say(ServerFrame::Error(WireError { kind: "malformed".into(), message: reason })).await?;
            }
        }
        Ok(())
    }

    /// Starts the action; its ack comes when it has ended, and nothing waits for it.
    async fn act(&mut self, request: ActionRequest) -> Result<(), Gone> {
        let Ok(place) = self.acks.0.clone().try_reserve_owned() else {
            let error = ActionError::new(ErrorKind::Conflict, "Too many actions under way on this socket");
            return self.say(ServerFrame::Ack(Ack { id: request.id, ok: false, error: Some(error) })).await;
        };
        let (app, caller) = (self.app.clone(), self.caller.clone());
        tokio::spawn(async move {
            let id = request.id.clone();
            let done = act(&app, &caller, request).await;
            place.send(Ack { id, ok: done.is_ok(), error: done.err() });
        });
        Ok(())
    }

    async fn say(&mut self, frame: ServerFrame) -> Result<(), Gone> {
        let now = self.app.clock.now();
        self.send(Payload::of(frame, self.encoding).message(now, now)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND_PATIENCE, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }

    /// Says why before it closes, where the protocol has a code for it.
    async fn refuse(&mut self, error: axum::Error) -> Result<(), Gone> {
        let (code, reason) = match error.into_inner().downcast_ref::<tungstenite::Error>() {
            Some(tungstenite::Error::Capacity(_)) => (1009, "message over 64 KiB"),
            Some(tungstenite::Error::Utf8(_)) => (1007, "text that is not UTF-8"),
            Some(tungstenite::Error::Protocol(_)) => (1002, "malformed frame"),
            _ => return Err(Gone),
        };
        let _ = self.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        Err(Gone)
    }
}

async fn act(app: &App, caller: &Caller, request: ActionRequest) -> Result<(), ActionError> {
    let host = request.host.or_else(|| app.hosts.only().map(|engine| engine.host().clone()));
    let host = host.ok_or_else(|| ActionError::new(ErrorKind::Invalid, "Say which host is meant"))?;
    let action = Action::parse(host, &request.action, &request.target, request.options);
    let action = action.map_err(|error| ActionError::new(ErrorKind::Invalid, error.to_string()))?;
    perform(app, caller, action).await
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}
