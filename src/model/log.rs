//! What containers write, line by line.

use super::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Which of the containers that are read together, by its place among them.
    pub source: u16,
    /// The engine's clock when it took the line.
    pub at: Timestamp,
    pub stream: LogStream,
    /// Without its end. What is no UTF-8 is replaced by U+FFFD.
    pub text: String,
    /// Bytes of the line that are left out: it is longer than anybody reads.
    pub cut: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Everything of a container with a terminal.
    Stdout,
    Stderr,
    /// Not written by the container: what became of it, as Quaylight says it.
    Note,
}

/// Bytes of a line that are kept.
pub const LONGEST_LINE: usize = 32 * 1024;
