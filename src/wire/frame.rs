//! The messages of the protocol.

use super::{ActionError, PackedDiff};
use crate::model::{ActionOptions, Change, EngineState, Entity, Host, HostId, Key, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The version that `hello` names; the subprotocols carry it too.
pub const PROTOCOL: u32 = 1;

/// Server → client. `S` is a complete state and `D` a diff, as the encoding writes them: [`Update`] and [`Diff`] in JSON,
/// [`Part`] and [`PackedDiff`] in binary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerFrame<S = Update, D = Diff> {
    Hello(Hello),
    EngineStateUpdate(S),
    EngineStateDiff(D),
    Ack(Ack),
    Pong(Pong),
    Error(WireError),
}

/// A frame of the binary encoding.
pub type PackedFrame = ServerFrame<Part, PackedDiff>;

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
    pub error: Option<ActionError>,
}

/// The server's clock and where its feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    pub nonce: u64,
    pub server_time: Timestamp,
    pub revision: u64,
    /// Changes that the reconcile found and no event had told, since the server's start.
    pub drift: u64,
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
    Subscribe(Vec<Channel>),
    Unsubscribe(Vec<Channel>),
    Action(ActionRequest),
    Ping { nonce: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRequest {
    pub id: String,
    pub action: String,
    pub target: String,
    pub host: Option<HostId>,
    #[serde(default)]
    pub options: ActionOptions,
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
}

/// The channels a client is subscribed to. Hosts come with any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channels(u8);

impl Channels {
    pub const ALL: Self = Self(0b1111);

    pub const fn only(channel: Channel) -> Self {
        Self(1 << channel as u8)
    }

    #[must_use]
    pub fn with(self, channels: &[Channel]) -> Self {
        channels.iter().fold(self, |all, channel| Self(all.0 | 1 << *channel as u8))
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
    /// The id of the action it was to be: somebody waits for its ack.
    pub action: Option<String>,
}

impl Malformed {
    pub fn new(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), action: None }
    }
}
