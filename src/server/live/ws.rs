//! `GET /ws`: the WebSocket of the protocol.

use super::{
    Outcome,
    events::Listener,
    follower::{Follower, Payload},
    hello, pong,
    socket::{self, GOING_AWAY, Gone, Socket},
    tasks, usage,
};
use crate::{
    message,
    server::{app::App, auth::Caller, dispatch::dispatch, problem::Problem, state::Reader, stats::StatsSubscription},
    wire::{
        Ack, ActionError, ActionRequest, Channel, Channels, ClientFrame, Encoding, ErrorKind, Malformed, Notice,
        Position, ServerFrame, WireError, binary, json,
    },
};
use axum::{
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{Message, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::sync::{broadcast, mpsc};

/// Maximum concurrent actions of one socket; more are answered with an error.
const ACTIONS_AT_ONCE: usize = 64;

#[derive(Deserialize)]
pub struct SocketQuery {
    epoch: Option<u64>,
    rev: Option<u64>,
    /// Token for the handshake of a self-test: see `handshakes.rs`.
    probe: Option<String>,
    /// The server sends no pings, to show which hop closes a silent socket.
    #[serde(default)]
    quiet: bool,
}

pub async fn socket(
    State(app): State<App>,
    caller: Caller,
    Query(known): Query<SocketQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let outcome = if upgrade.is_ok() { Outcome::Upgraded } else { Outcome::NoUpgrade };
    if let Some(token) = &known.probe {
        app.handshakes.note(token, outcome, &headers, app.clock);
    }
    let Ok(request) = upgrade else {
        let detail = message!(
            "This endpoint requires a WebSocket upgrade, but the request has none. If a proxy strips the \
            Upgrade and Connection headers, configure it to forward them."
        );
        return Problem::new(StatusCode::UPGRADE_REQUIRED, "WebSocket upgrade required", detail).into_response();
    };
    let request = request.protocols(Encoding::ALL.map(Encoding::subprotocol));
    let chosen = request.selected_protocol().and_then(|chosen| chosen.to_str().ok());
    let encoding = if chosen == Some(Encoding::Postcard.subprotocol()) { Encoding::Postcard } else { Encoding::Json };
    let position = known.epoch.zip(known.rev).map(|(epoch, revision)| Position { epoch, revision });
    socket::upgrade(&app.clone(), caller.clone(), request, known.quiet, async move |socket| {
        Session::new(app, caller, (encoding, position), socket).run().await;
    })
}

struct Session {
    app: App,
    caller: Caller,
    reader: Reader,
    encoding: Encoding,
    follower: Follower,
    socket: Socket,
    acks: (mpsc::Sender<Ack>, mpsc::Receiver<Ack>),
    subscription: StatsSubscription,
    events: Listener,
    tasks: tasks::Listener,
    notices: broadcast::Receiver<Notice>,
}

impl Session {
    fn new(app: App, caller: Caller, (encoding, position): (Encoding, Option<Position>), socket: Socket) -> Self {
        let reader = app.state_for(&caller);
        let follower = Follower::new((app.clone(), reader.clone()), encoding, Channels::ALL, position);
        let acks = mpsc::channel(ACTIONS_AT_ONCE);
        let (subscription, notices) = (app.stats.subscribe(), app.alerts.notices());
        let (events, tasks) = (
            Listener::new(app.history.clone(), caller.clone()),
            tasks::Listener::new(app.tasks.clone(), caller.clone()),
        );
        Self { app, caller, reader, encoding, follower, socket, acks, subscription, events, tasks, notices }
    }

    async fn run(mut self) {
        if self.run_until_ended().await.is_ok() {
            self.socket.close(GOING_AWAY, "server shutting down").await;
        }
    }

    /// Serves the client until the socket is gone or the server shuts down.
    async fn run_until_ended(&mut self) -> Result<(), Gone> {
        self.say(hello(&self.reader)).await?;
        let sessions = self.app.sessions.clone();
        let closing = sessions.closing();
        tokio::pin!(closing);
        loop {
            tokio::select! {
                // Changes of the state. First, so that requests of the client never delay them.
                biased;
                sent = self.follower.next() => match sent {
                    Some(sent) => self.send(sent.message(self.app.clock.now())).await?,
                    None => return Ok(()),
                },
                // An action has ended.
                Some(ack) = self.acks.1.recv() => self.say(ServerFrame::Ack(ack)).await?,
                // Samples of the subscribed containers.
                stats = self.subscription.next() => {
                    if let Some(stats) = usage::visible(stats, &self.reader, &self.caller) {
                        self.say(ServerFrame::Stats(stats)).await?;
                    }
                }
                // Events, if subscribed.
                event = self.events.next() => self.say(ServerFrame::EngineEvent(event)).await?,
                // Progress of tasks, if subscribed.
                task = self.tasks.next() => self.say(ServerFrame::Task(task)).await?,
                // A notice to all clients. A client that is too slow for it finds it among the events.
                notice = self.notices.recv() => if let Some(notice) = notice.ok().and_then(|it| self.caller.see_notice(it)) {
                    self.say(ServerFrame::Notice(notice)).await?;
                },
                // A message from the client.
                message = self.socket.next() => self.on_message(message?).await?,
                () = &mut closing => return Ok(()),
            }
        }
    }

    async fn on_message(&mut self, message: Message) -> Result<(), Gone> {
        let heard = match &message {
            Message::Text(text) => json::decode_client(text),
            Message::Binary(bytes) if self.encoding == Encoding::Postcard => binary::decode_client(bytes),
            Message::Binary(_) => Err(Malformed::new("this socket uses JSON: send text messages")),
            _ => return Ok(()),
        };
        match heard {
            Ok(ClientFrame::Resume(position)) => self.follower.resume(position),
            Ok(ClientFrame::Subscribe(subscription)) => {
                let wanted = usage::and(self.subscription.wanted(), &subscription, &self.app);
                self.subscription.set(usage::allowed(wanted, &self.reader, &self.caller));
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
                self.subscription.set(usage::without(self.subscription.wanted(), &channels));
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
                self.say(pong(&self.app, (&self.caller, &self.reader), nonce)).await?;
            }
            Ok(ClientFrame::Action(request)) => self.act(request).await?,
            Err(Malformed { reason }) => {
                self.say(ServerFrame::Error(WireError { kind: "malformed".into(), message: reason })).await?;
            }
        }
        Ok(())
    }

    /// Starts the action. Its ack is sent when it has ended, and nothing waits for it.
    async fn act(&mut self, request: ActionRequest) -> Result<(), Gone> {
        let Ok(place) = self.acks.0.clone().try_reserve_owned() else {
            let error = ActionError::new(ErrorKind::Conflict, message!("Too many actions in progress on this socket"));
            return self.say(ServerFrame::Ack(Ack::of(request.id, Err(error)))).await;
        };
        let (app, caller) = (self.app.clone(), self.caller.clone());
        tokio::spawn(async move {
            let ActionRequest { id, action, target, host, options } = request;
            let done = dispatch(&app, &caller, host, (&action, &target, &options)).await;
            place.send(Ack::of(id, done));
        });
        Ok(())
    }

    async fn say(&mut self, frame: ServerFrame) -> Result<(), Gone> {
        let now = self.app.clock.now();
        self.send(Payload::of(frame, self.encoding).message(now, now)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.socket.send(message).await
    }
}
