//! Log lines of containers.

use super::{Message, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Index of the line's container among those that are read together.
    pub source: u16,
    /// The engine's clock when it received the line.
    pub at: Timestamp,
    pub stream: LogStream,
    /// Without the line break. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub text: String,
    /// Bytes truncated from the line, which is too long to be shown.
    pub cut: u32,
    /// The text of a note, before a page has translated it into `text`.
    pub note: Option<Box<Message>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// All output of a container with a terminal.
    Stdout,
    Stderr,
    /// Not written by the container: a note by Quaylight about the container's lifecycle.
    Note,
}

/// The maximum length of a line in bytes. The rest is truncated.
pub const LONGEST_LINE: usize = 32 * 1024;
