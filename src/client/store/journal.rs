//! Journal of the connection, newest first: shows how the page recovered from interruptions.

use super::Transport;
use crate::model::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionChange {
    Live,
    Lost,
    /// The missed changes have been applied.
    Resumed,
    /// Fell back to a lesser transport.
    FellBack,
    /// Upgraded to a better transport, without interruption.
    Upgraded,
    Resynced,
    Dropped,
    Paused,
    /// A transport was blocked or unblocked by a button of the instrument panel.
    Switched,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// By this page's clock.
    pub at: Timestamp,
    pub what: ConnectionChange,
    pub words: String,
}

/// Maximum number of entries.
const KEPT: usize = 40;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    pub fn note(&mut self, at: Timestamp, what: ConnectionChange, words: String) {
        self.entries.truncate(KEPT - 1);
        self.entries.insert(0, Entry { at, what, words });
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl ConnectionChange {
    /// The value of `data-what` on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Lost => "lost",
            Self::Resumed => "resumed",
            Self::FellBack => "fell-back",
            Self::Upgraded => "moved-up",
            Self::Resynced => "resynced",
            Self::Dropped => "dropped",
            Self::Paused => "paused",
            Self::Switched => "switched",
        }
    }
}

/// Commands to the connection. All but the last are sent by buttons of the instrument panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Drop,
    /// Blocks the transport, or unblocks it.
    Block(Transport, bool),
    /// Pauses reading for ten seconds.
    Pause,
    Resync,
    /// The page's subscriptions have changed.
    Look,
}
