//! What a log's own socket carries: see `server/streams/logs.rs`. Binary only, for our own page; others ask by HTTP.

use crate::model::{ContainerId, HostId, LogLine};
use serde::{Deserialize, Serialize};

/// Server → page. The page says nothing: it closes the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogFrame {
    /// The containers whose lines come, by the numbers in `LogLine::source`; again when another has taken one's place.
    Sources(Vec<LogSource>),
    Lines(Vec<LogLine>),
    /// So many lines came before the next ones that this client was too slow for.
    Skipped(u64),
    /// How far a search through everything has come.
    Searched(Searched),
    /// Nothing more comes; why, if it is a failure.
    End(Option<String>),
    /// Nothing was written before the lines that were sent.
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
    /// There are more hits than are sent.
    pub is_cut: bool,
}

pub fn encode(frame: &LogFrame) -> Vec<u8> {
    postcard::to_allocvec(frame).expect("frames have a known length")
}

pub fn decode(bytes: &[u8]) -> Option<LogFrame> {
    postcard::from_bytes(bytes).ok()
}
