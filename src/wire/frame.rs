//! The messages of the protocol.

use super::{ActionError, PackedDiff};
use crate::model::{
    AlertState, Change, ContainerId, EngineState, Entity, Event, HistoryStatus, Host, HostId, Key, Kind, Load, Machine,
    Sample, Severity, Task, TaskId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The version that `hello` names; the subprotocols carry it too.
pub const PROTOCOL: u32 = 1;

/// Server → client. `S` is a complete state, `D` a diff and `T` a task, as the encoding writes them: [`Update`], [`Diff`] and
/// [`Task`] in JSON, [`Part`], [`PackedDiff`] and [`PackedTask`] in binary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerFrame<S = Update, D = Diff, T = Task> {
    Hello(Hello),
    EngineStateUpdate(S),
    EngineStateDiff(D),
    Ack(Ack),
    Pong(Pong),
    Error(WireError),
    Stats(Stats),
    EngineEvents(EngineEvents),
    EngineEvent(EngineEvent),
    Notice(Notice),
    Tasks(Tasks<T>),
    Task(T),
}

/// A frame of the binary encoding.
pub type PackedFrame = ServerFrame<Part, PackedDiff, PackedTask>;

impl ServerFrame {
    /// The same frame for the binary encoding; none for a complete state, which comes in parts there.
    pub fn packed(self) -> Option<PackedFrame> {
        Some(match self {
            Self::Hello(hello) => ServerFrame::Hello(hello),
            Self::EngineStateUpdate(_) => return None,
            Self::EngineStateDiff(diff) => ServerFrame::EngineStateDiff(diff.into()),
            Self::Ack(ack) => ServerFrame::Ack(ack),
            Self::Pong(pong) => ServerFrame::Pong(pong),
            Self::Error(error) => ServerFrame::Error(error),
            Self::Stats(stats) => ServerFrame::Stats(stats),
            Self::EngineEvents(events) => ServerFrame::EngineEvents(events),
            Self::EngineEvent(event) => ServerFrame::EngineEvent(event),
            Self::Notice(notice) => ServerFrame::Notice(notice),
            Self::Tasks(Tasks { version, tasks }) => {
                ServerFrame::Tasks(Tasks { version, tasks: tasks.iter().map(PackedTask::from).collect() })
            }
            Self::Task(task) => ServerFrame::Task(PackedTask::from(&task)),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    pub server_version: String,
    pub epoch: u64,
    pub engine: Option<Host>,
}

/// The complete state of the subscribed channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update {
    pub epoch: u64,
    pub revision: u64,
    pub timestamp: Timestamp,
    pub data: EngineState,
}

/// A piece of the complete state, small enough for any proxy: in the binary encoding a state comes in such pieces, one
/// after the other with nothing in between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub epoch: u64,
    pub revision: u64,
    pub timestamp: Timestamp,
    /// From 0; the first begins a state, whatever came before.
    pub number: u32,
    pub is_last: bool,
    pub entities: Vec<Entity>,
}

/// When what caused a change happened. In JSON two fields of the diff, null where no event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTimes {
    /// The engine's own time stamp of the event.
    pub engine: Timestamp,
    /// The server's clock when it had read the event.
    pub received: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    pub epoch: u64,
    pub from: u64,
    pub to: u64,
    /// The server's clock when the change was applied.
    pub timestamp: Timestamp,
    /// None where no event caused it.
    pub event: Option<EventTimes>,
    pub data: Changes,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    pub id: String,
    pub ok: bool,
    pub result: Option<Done>,
    pub error: Option<ActionError>,
}

impl Ack {
    pub fn of(id: String, outcome: Result<Done, ActionError>) -> Self {
        let ok = outcome.is_ok();
        let (result, error) = outcome.map_or_else(|error| (None, Some(error)), |done| (Some(done), None));
        Self { id, ok, result, error }
    }
}

/// What has come of an action that was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Of what it has made.
    pub id: Option<String>,
    /// Of the task that goes on with it.
    pub task: Option<TaskId>,
}

/// The server's clock and where its feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    pub nonce: u64,
    pub server_time: Timestamp,
    pub revision: u64,
    /// Changes that the reconcile found and no event had told, since the server's start.
    pub drift: u64,
    /// How many alerts fire.
    pub firing: u32,
}

/// Something that people are told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub level: Severity,
    pub text: String,
    /// The server's clock.
    pub at: Timestamp,
    /// Of an alert: what has become of it.
    pub alert: Option<AlertState>,
}

/// What of the containers asked for has a new sample. They are no part of the state: who misses one gets the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// The server's clock.
    pub timestamp: Timestamp,
    pub samples: Vec<Sample>,
    /// To those who asked for [`Channel::Loads`].
    pub loads: Vec<Load>,
    pub machines: Vec<Machine>,
}

impl Stats {
    pub fn nothing(timestamp: Timestamp) -> Self {
        Self { timestamp, samples: Vec::new(), loads: Vec::new(), machines: Vec::new() }
    }
}

/// The latest events, newest first: what a subscriber to [`Channel::Events`] is told at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineEvents {
    pub events: Vec<Event>,
    pub history: HistoryStatus,
}

/// One that has just happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineEvent {
    /// So many came before it that this client was too slow for.
    pub skipped: u64,
    pub event: Event,
}

/// Those that run and the latest that have ended, oldest first: what a subscriber to [`Channel::Tasks`] is told at once, and
/// instead of all that it was told before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tasks<T = Task> {
    /// Rises with every change of any of them.
    pub version: u64,
    pub tasks: Vec<T>,
}

/// A task for our own page: what it needs before anybody looks closer, and all of it for who does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedTask {
    pub id: TaskId,
    pub is_over: bool,
    whole: Vec<u8>,
}

impl From<&Task> for PackedTask {
    fn from(task: &Task) -> Self {
        let whole = postcard::to_allocvec(task).expect("tasks have a known length");
        Self { id: task.id, is_over: task.state.is_over(), whole }
    }
}

impl PackedTask {
    /// None when it is none of this version.
    pub fn unpack(&self) -> Option<Task> {
        postcard::from_bytes(&self.whole).ok()
    }
}

/// What the client sent was not understood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireError {
    pub kind: String,
    pub message: String,
}

/// Client → server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ClientFrame {
    Resume(Position),
    Subscribe(Subscription),
    Unsubscribe(Vec<Channel>),
    Action(ActionRequest),
    Ping { nonce: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    pub channels: Vec<Channel>,
    /// Of [`Channel::Stats`]: the containers, instead of those named before; none means all that run, those named not so
    /// closely.
    #[serde(default)]
    pub ids: Option<Vec<ContainerId>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    pub id: String,
    pub action: String,
    pub target: String,
    pub host: Option<HostId>,
    /// A JSON object.
    pub options: String,
}

/// A place in the stream of changes. Its text is `<epoch>-<revision>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    pub epoch: u64,
    pub revision: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.revision)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, revision) = text.split_once('-').ok_or(())?;
        Ok(Self { epoch: epoch.parse().map_err(|_| ())?, revision: revision.parse().map_err(|_| ())? })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Containers,
    Images,
    Volumes,
    Networks,
    /// Not of the state, like the next: see [`Stats`].
    Stats,
    Loads,
    /// What happens: see [`EngineEvents`].
    Events,
    /// What takes long: see [`Tasks`].
    Tasks,
}

impl Channel {
    const OF_THE_STATE: [Self; 4] = [Self::Containers, Self::Images, Self::Volumes, Self::Networks];

    pub fn is_of_the_state(self) -> bool {
        Self::OF_THE_STATE.contains(&self)
    }
}

/// The channels of the state that a client is subscribed to. Hosts come with any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels(u8);

impl Channels {
    pub const ALL: Self = Self(0b1111);

    pub const fn only(channel: Channel) -> Self {
        Self(1 << channel as u8)
    }

    #[must_use]
    pub fn with(self, channels: &[Channel]) -> Self {
        let channels = channels.iter().filter(|channel| channel.is_of_the_state());
        channels.fold(self, |all, channel| Self(all.0 | 1 << *channel as u8))
    }

    #[must_use]
    pub fn without(self, channels: &[Channel]) -> Self {
        channels.iter().fold(self, |all, channel| Self(all.0 & !(1 << *channel as u8)))
    }

    pub fn carry(self, key: &Key) -> bool {
        self.carry_kind(key.kind())
    }

    pub fn carry_kind(self, kind: Kind) -> bool {
        let channel = match kind {
            Kind::Host => return true,
            Kind::Container => Channel::Containers,
            Kind::Image => Channel::Images,
            Kind::Volume => Channel::Volumes,
            Kind::Network => Channel::Networks,
        };
        self.0 & 1 << channel as u8 != 0
    }
}

/// How frames are written on a socket: the subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Text messages, for everybody.
    Json,
    /// Binary messages, for our own page.
    Postcard,
}

impl Encoding {
    pub const ALL: [Self; 2] = [Self::Json, Self::Postcard];

    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "quaylight.v1.json",
            Self::Postcard => "quaylight.v1.postcard",
        }
    }
}

/// A message that is none of the protocol's, and why.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    pub reason: String,
}

impl Malformed {
    pub fn new(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}
