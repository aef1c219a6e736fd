//! The messages of the protocol.

use super::{ActionError, PackedDiff};
use crate::model::{
    AlertState, Change, ContainerId, EngineState, Entity, Event, HistoryStatus, Host, HostId, Key, Kind, Load, Machine,
    Message, Sample, Severity, Task, TaskId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The protocol version in `hello`. The subprotocols contain it too.
pub const PROTOCOL: u32 = 1;

/// Server → client. `S` is a complete state, `D` a diff and `T` a task in the form of the encoding: [`Update`],
/// [`Diff`] and [`Task`] in JSON, [`Part`], [`PackedDiff`] and [`PackedTask`] in binary.
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
    /// The same frame for the binary encoding. `None` for a complete state, which is sent in parts there.
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

/// A part of the complete state, small enough for any proxy. In the binary encoding a state is sent as a sequence of
/// parts with nothing in between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub epoch: u64,
    pub revision: u64,
    pub timestamp: Timestamp,
    /// Counted from 0. The first part starts a new state, whatever was received before.
    pub number: u32,
    pub is_last: bool,
    pub entities: Vec<Entity>,
}

/// Times of the event that caused a change. In JSON these are two fields of the diff, null if there was no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTimes {
    /// The engine's timestamp of the event.
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
    /// `None` if no event caused it.
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

/// The result of an accepted action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The id of the created entity.
    pub id: Option<String>,
    /// The task in which the action continues.
    pub task: Option<TaskId>,
}

/// The server's clock and the position of its feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    pub nonce: u64,
    pub server_time: Timestamp,
    pub revision: u64,
    /// Changes since the server's start that the reconcile found and no event had announced.
    pub drift: u64,
    /// The number of firing alerts.
    pub firing: u32,
}

/// A notice for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub level: Severity,
    pub text: Message,
    /// The server's clock.
    pub at: Timestamp,
    /// The state of the alert, if the notice is about one.
    pub alert: Option<AlertState>,
}

/// The new samples of the subscribed containers. They are not part of the state: a client that misses one gets the
/// next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// The server's clock.
    pub timestamp: Timestamp,
    pub samples: Vec<Sample>,
    /// Only for subscribers of [`Channel::Loads`].
    pub loads: Vec<Load>,
    pub machines: Vec<Machine>,
}

impl Stats {
    pub fn nothing(timestamp: Timestamp) -> Self {
        Self { timestamp, samples: Vec::new(), loads: Vec::new(), machines: Vec::new() }
    }
}

/// The latest events, newest first: sent at once to a new subscriber of [`Channel::Events`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineEvents {
    pub events: Vec<Event>,
    pub history: HistoryStatus,
}

/// An event that has just happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineEvent {
    /// The number of events dropped before it because this client was too slow.
    pub skipped: u64,
    pub event: Event,
}

/// The running tasks and those that ended recently, oldest first. Sent at once to a new subscriber of
/// [`Channel::Tasks`], and replaces all tasks sent before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tasks<T = Task> {
    /// Incremented with every change of any task.
    pub version: u64,
    pub tasks: Vec<T>,
}

/// A task for the project's own page: the fields that every view needs, and the encoded task for those that show it.
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
    /// Returns `None` if the task is not of this version.
    pub fn unpack(&self) -> Option<Task> {
        postcard::from_bytes(&self.whole).ok()
    }
}

/// An error about an invalid message from the client.
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
    /// For [`Channel::Stats`]: the containers to sample closely. Replaces those named before. `None` means all running
    /// containers, with those named before sampled less closely.
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

/// A position in the feed of changes. Its text is `<epoch>-<revision>`.
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
    /// This channel and the next are not part of the state: see [`Stats`].
    Stats,
    Loads,
    /// Engine events: see [`EngineEvents`].
    Events,
    /// Long-running tasks: see [`Tasks`].
    Tasks,
}

impl Channel {
    const OF_THE_STATE: [Self; 4] = [Self::Containers, Self::Images, Self::Volumes, Self::Networks];

    pub fn is_of_the_state(self) -> bool {
        Self::OF_THE_STATE.contains(&self)
    }
}

/// The channels of the state that a client is subscribed to. Hosts are sent with any of them.
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

/// The encoding of frames on a socket, selected by the subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Text messages, for any client.
    Json,
    /// Binary messages, for the project's own page.
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

/// The reason why a message is not valid in this protocol.
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
