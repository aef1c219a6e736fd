//! `GET /ws`: the socket of the protocol.

use super::{
    Outcome,
    events::Listener,
    follower::{Follower, Payload},
    hello, pong,
    sessions::Transport,
    tasks, usage,
};
use crate::{
    server::{app::App, auth::Caller, http::Problem, named::perform_named, stats::Viewer},
    wire::{
        Ack, ActionError, ActionRequest, Channel, Channels, ClientFrame, Encoding, ErrorKind, Malformed, Notice,
        Position, ServerFrame, WireError, binary, json, routes,
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
    sync::{broadcast, mpsc},
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
    let place = app.sessions.enter(Transport::WebSocket);
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
    viewer: Viewer,
    events: Listener,
    tasks: tasks::Listener,
    notices: broadcast::Receiver<Notice>,
}

/// The socket can't be written to any more.
struct Gone;

impl Session {
    fn new(app: App, encoding: Encoding, position: Option<Position>, quiet: bool, socket: WebSocket) -> Self {
        let follower = Follower::new(app.clone(), encoding, Channels::ALL, position);
        let (sink, stream) = socket.split();
        let acks = mpsc::channel(ACTIONS_AT_ONCE);
        let (caller, viewer, notices) = (Caller::local_admin(), app.stats.viewer(), app.alerts.notices());
        let (events, tasks) = (Listener::new(app.history.clone()), tasks::Listener::new(app.tasks.clone()));
        let unanswered = false;
        Self { app, caller, encoding, follower, quiet, unanswered, sink, stream, acks, viewer, events, tasks, notices }
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
                // What the containers use that it looks at.
                stats = self.viewer.next() => self.say(ServerFrame::Stats(stats)).await?,
                // What happens, when it asked to hear of it.
                event = self.events.next() => self.say(ServerFrame::EngineEvent(event)).await?,
                // How far is what takes long, when it asked.
                task = self.tasks.next() => self.say(ServerFrame::Task(task)).await?,
                // Something that everybody is told. Who is too late for it finds it among the events.
                notice = self.notices.recv() => if let Ok(notice) = notice {
                    self.say(ServerFrame::Notice(notice)).await?;
                },
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
            Ok(ClientFrame::Subscribe(subscription)) => {
                self.viewer.look_at(usage::and(self.viewer.wanted(), &subscription, &self.app));
                let channels = subscription.channels;
                if channels.contains(&Channel::Events) {
                    let current = self.events.begin();
                    self.say(ServerFrame::EngineEvents(current)).await?;
                }
                if channels.contains(&Channel::Tasks) {
                    let current = self.tasks.begin();
                    self.say(ServerFrame::Tasks(current)).await?;
                }
                if channels.iter().any(|channel| channel.is_of_the_state()) {
                    self.follower.set_channels(self.follower.channels().with(&channels));
                }
            }
            Ok(ClientFrame::Unsubscribe(channels)) => {
                self.viewer.look_at(usage::without(self.viewer.wanted(), &channels));
                if channels.contains(&Channel::Events) {
                    self.events.end();
                }
                if channels.contains(&Channel::Tasks) {
                    self.tasks.end();
                }
                if channels.iter().any(|channel| channel.is_of_the_state()) {
                    self.follower.set_channels(self.follower.channels().without(&channels));
                }
            }
            Ok(ClientFrame::Ping { nonce }) => {
                self.say(pong(&self.app, nonce)).await?;
            }
            Ok(ClientFrame::Action(request)) => self.act(request).await?,
            Err(Malformed { reason }) => {
                self.say(ServerFrame::Error(WireError { kind: "malformed".into(), message: reason })).await?;
            }
        }
        Ok(())
    }

    /// Starts the action; its ack comes when it has ended, and nothing waits for it.
    async fn act(&mut self, request: ActionRequest) -> Result<(), Gone> {
        let Ok(place) = self.acks.0.clone().try_reserve_owned() else {
            let error = ActionError::new(ErrorKind::Conflict, "Too many actions under way on this socket");
            return self.say(ServerFrame::Ack(Ack::of(request.id, Err(error)))).await;
        };
        let (app, caller) = (self.app.clone(), self.caller.clone());
        tokio::spawn(async move {
            let ActionRequest { id, action, target, host, options } = request;
            let done = perform_named(&app, &caller, host, (&action, &target, &options)).await;
            place.send(Ack::of(id, done));
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

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}
