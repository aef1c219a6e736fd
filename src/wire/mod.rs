//! The only place for what crosses the network: frames, their two encodings, and the routes. See docs/protocol.md.

pub mod binary;
mod error;
mod frame;
#[cfg(feature = "ssr")]
pub mod json;
mod pack;
pub mod routes;
mod seed;
pub mod text;

pub use error::{ActionError, ErrorKind};
pub use frame::{
    Ack, ActionRequest, Changes, Channel, Channels, ClientFrame, Diff, Encoding, EventTimes, Hello, Malformed,
    PROTOCOL, PackedFrame, Part, Pong, Position, ServerFrame, Update, WireError,
};
pub use pack::{Packed, PackedChange, PackedDiff};
pub use seed::{Seed, Totals};
