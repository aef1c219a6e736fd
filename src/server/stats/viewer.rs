//! Somebody who looks: what at, and the samples of that.

use super::{Round, Stats};
use crate::model::Key;
use std::{collections::BTreeSet, sync::Arc};
use tokio::{sync::watch, time::Instant};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Each second.
    pub these: BTreeSet<Key>,
    /// All that run, the others less often.
    pub all: bool,
    /// What hosts use together, and what uses most.
    pub loads: bool,
    /// And projects: there may be thousands.
    pub projects: bool,
    /// All that costs next to nothing to read, seldom: for the history.
    pub recorded: bool,
}

impl Wanted {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Counts as a viewer until it is dropped.
pub struct Viewer {
    stats: Stats,
    wanted: Wanted,
    rounds: watch::Receiver<Arc<Round>>,
}

impl Viewer {
    pub(super) fn new(stats: Stats) -> Self {
        let rounds = stats.0.rounds.subscribe();
        Self { stats, wanted: Wanted::default(), rounds }
    }

    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Instead of what it looked at so far. What both hold is read on.
    pub fn look_at(&mut self, wanted: Wanted) {
        if wanted == self.wanted {
            return;
        }
        let mut looked_at = self.stats.looked_at();
        looked_at.enter(&wanted);
        looked_at.leave(&std::mem::replace(&mut self.wanted, wanted), Instant::now());
        drop(looked_at);
        self.stats.0.begun.notify_one();
    }

    /// What is new of what it looks at; none comes while it looks at nothing. Cancel safe.
    pub async fn next(&mut self) -> crate::wire::Stats {
        loop {
            // The sender lives as long as `stats`.
            let _ = self.rounds.changed().await;
            let round = self.rounds.borrow_and_update().clone();
            if let Some(seen) = round.seen_by(&self.wanted) {
                return seen;
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.look_at(Wanted::default());
    }
}
