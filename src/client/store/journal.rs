//! What happened to the connection, newest first, for whoever wants to know how it recovered.

use super::Transport;
use crate::model::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Live,
    Lost,
    /// What was missed meanwhile has been made up for.
    Resumed,
    /// To a lesser transport.
    FellBack,
    /// Back to a better one, without interruption.
    MovedUp,
    Resynced,
    Dropped,
    Paused,
    /// A button of the instrument panel has blocked a transport, or let it through again.
    Switched,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// This page's clock.
    pub at: Timestamp,
    pub what: What,
    pub words: String,
}

/// Entries kept.
const KEPT: usize = 40;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    pub fn note(&mut self, at: Timestamp, what: What, words: String) {
        self.entries.truncate(KEPT - 1);
        self.entries.insert(0, Entry { at, what, words });
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl What {
    /// As the page's `data-what`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Lost => "lost",
            Self::Resumed => "resumed",
            Self::FellBack => "fell-back",
            Self::MovedUp => "moved-up",
            Self::Resynced => "resynced",
            Self::Dropped => "dropped",
            Self::Paused => "paused",
            Self::Switched => "switched",
        }
    }
}

/// What is asked of the connection: by a person at the instrument panel, but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Drop,
    /// Blocks it, or lets it through again.
    Block(Transport, bool),
    /// Read nothing for ten seconds.
    Pause,
    Resync,
    /// Some part of the page looks at something else than before.
    Look,
}
