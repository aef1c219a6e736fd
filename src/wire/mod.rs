//! The network protocol: frames, their two encodings, and the routes. Everything that crosses the network is defined
//! here. See docs/protocol.md.

#[cfg(feature = "ssr")]
pub mod action;
pub mod binary;
#[cfg(feature = "ssr")]
pub mod described;
mod error;
mod frame;
#[cfg(feature = "ssr")]
pub mod json;
pub mod log;
mod pack;
pub mod routes;
mod seed;
pub mod text;

pub use error::{ActionError, ErrorKind};
pub use frame::{
    Ack, ActionRequest, Changes, Channel, Channels, ClientFrame, Diff, Done, Encoding, EngineEvent, EngineEvents,
    EventTimes, Hello, Malformed, Notice, PROTOCOL, PackedFrame, PackedTask, Part, Pong, Position, ServerFrame, Stats,
    Subscription, Tasks, Update, WireError,
};
pub use pack::{Packed, PackedChange, PackedDiff};
pub use seed::{PageSeed, Seed, Totals};

/// The close code of a WebSocket whose caller is not, or no longer, signed in.
pub const NOT_SIGNED_IN: u16 = 4001;

/// A header that identifies a repeated upload.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
