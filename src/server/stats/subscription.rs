//! Stats subscription: selects containers and totals, and receives their samples.

use super::{Stats, Tick};
use crate::model::Key;
use std::{collections::BTreeSet, sync::Arc};
use tokio::{sync::watch, time::Instant};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscribedStats {
    /// Sampled every second.
    pub these: BTreeSet<Key>,
    /// All running containers. Those not in `these` are sampled less often.
    pub all: bool,
    /// Total usage of each host, and the containers that use most.
    pub loads: bool,
    /// Total usage of each project too: there may be thousands.
    pub projects: bool,
    /// All containers that cost next to nothing to read, at a low rate: for the history.
    pub recorded: bool,
}

impl SubscribedStats {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Counts as a subscription until it is dropped.
pub struct StatsSubscription {
    stats: Stats,
    wanted: SubscribedStats,
    rounds: watch::Receiver<Arc<Tick>>,
}

impl StatsSubscription {
    pub(super) fn new(stats: Stats) -> Self {
        let rounds = stats.0.rounds.subscribe();
        Self { stats, wanted: SubscribedStats::default(), rounds }
    }

    pub fn wanted(&self) -> &SubscribedStats {
        &self.wanted
    }

    /// Replaces the selection. Containers in both the old and the new one are read without a break.
    pub fn set(&mut self, wanted: SubscribedStats) {
        if wanted == self.wanted {
            return;
        }
        let mut subscriptions = self.stats.subscriptions();
        subscriptions.enter(&wanted);
        subscriptions.leave(&std::mem::replace(&mut self.wanted, wanted), Instant::now());
        drop(subscriptions);
        self.stats.0.begun.notify_one();
    }

    /// Waits for new samples of the selection; pending while it is empty. Cancel safe.
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

impl Drop for StatsSubscription {
    fn drop(&mut self) {
        self.set(SubscribedStats::default());
    }
}
