//! Frames of the log sockets: see `server/streams/logs.rs`. Binary only, for the project's own page. Other clients read
//! logs over HTTP.

use crate::model::{ContainerId, HostId, LogLine, Message};
use serde::{Deserialize, Serialize};

/// Server → page. The page sends no frames: it closes the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFrame {
    /// The containers of the lines that follow, by the numbers in `LogLine::source`. Sent again when a container is
    /// replaced by another.
    Sources(Vec<LogSource>),
    Lines(Vec<LogLine>),
    /// The number of lines dropped before the next ones because this client was too slow.
    Skipped(u64),
    /// Progress of a search through the complete log.
    Searched(Searched),
    /// End of the stream, with the reason if it is a failure.
    End(Option<Message>),
    /// There are no lines before those that were sent.
    Whole,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSource {
    pub host: HostId,
    pub id: ContainerId,
    pub name: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    pub lines: u64,
    pub hits: u64,
    /// There are more hits than those sent.
    pub is_cut: bool,
}

pub fn encode(frame: &LogFrame) -> Vec<u8> {
    postcard::to_allocvec(frame).expect("frames have a known length")
}

pub fn decode(bytes: &[u8]) -> Option<LogFrame> {
    postcard::from_bytes(bytes).ok()
}
