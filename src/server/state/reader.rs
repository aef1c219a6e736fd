//! Read access to the state, for everything but the writer.

use super::feed::{Batch, Ring};
use crate::{
    model::{EngineState, HostId, HostStatus},
    wire::Position,
};
use std::sync::{Arc, RwLock};
use tokio::sync::broadcast;

/// Batches that a follower may be behind before it misses the oldest.
const BEHIND: usize = 256;

pub(super) struct Shared {
    pub(super) truth: RwLock<Truth>,
    pub(super) feed: broadcast::Sender<Arc<Batch>>,
    epoch: u64,
}

#[derive(Default)]
pub(super) struct Truth {
    pub(super) state: EngineState,
    pub(super) revision: u64,
    pub(super) ring: Ring,
    /// Number of differences that only the reconcile found.
    pub(super) drift: u64,
}

impl Truth {
    /// Adds the batch to the feed. The state must include it, and stay locked: a follower that also subscribes under the lock
    /// receives every batch after its snapshot, and none twice.
    pub(super) fn publish(&mut self, batch: Batch, feed: &broadcast::Sender<Arc<Batch>>) {
        self.revision = batch.to;
        let batch = Arc::new(batch);
        self.ring.push(batch.clone());
        let _ = feed.send(batch);
    }
}

impl Shared {
    pub(super) fn new(epoch: u64) -> Self {
        Self { truth: RwLock::default(), feed: broadcast::Sender::new(BEHIND), epoch }
    }
}

#[derive(Clone)]
pub struct Reader(Arc<Shared>);

/// Where a follower starts, and the batches that follow.
pub struct Follow {
    pub start: Start,
    pub position: Position,
    pub batches: broadcast::Receiver<Arc<Batch>>,
}

pub enum Start {
    State(EngineState),
    Missed(Vec<Arc<Batch>>),
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    pub fn position(&self) -> Position {
        Position { epoch: self.0.epoch, revision: self.read(|truth| truth.revision) }
    }

    /// Number of differences that only the reconcile found, since the start.
    pub fn drift(&self) -> u64 {
        self.read(|truth| truth.drift)
    }

    /// Reads the state. `look` must be quick: the writer waits for it.
    pub fn look<T>(&self, look: impl FnOnce(&EngineState) -> T) -> T {
        self.read(|truth| look(&truth.state))
    }

    /// A copy of the state, and its position in the feed. Cheap: entities are shared.
    pub fn snapshot(&self) -> (EngineState, Position) {
        self.read(|truth| (truth.state.clone(), Position { epoch: self.0.epoch, revision: truth.revision }))
    }

    /// The batches after `position`; none if they are no longer kept.
    pub fn since(&self, position: Position) -> Option<Vec<Arc<Batch>>> {
        (position.epoch == self.0.epoch)
            .then(|| self.read(|truth| truth.ring.since(position.revision, truth.revision)))?
    }

    /// Follows the feed from `position` without a gap if possible, otherwise from the current state.
    pub fn follow(&self, position: Option<Position>) -> Follow {
        self.read(|truth| {
            let batches = self.0.feed.subscribe();
            let known = position.filter(|position| position.epoch == self.0.epoch);
            let missed = known.and_then(|position| truth.ring.since(position.revision, truth.revision));
            let start = missed.map_or_else(|| Start::State(truth.state.clone()), Start::Missed);
            Follow { start, position: Position { epoch: self.0.epoch, revision: truth.revision }, batches }
        })
    }

    /// Returns when the engine of this host is unreachable: a stream from it would be silent for an unknown time.
    pub async fn until_unreachable(&self, host: &HostId) {
        let mut batches = self.0.feed.subscribe();
        while !self.is_unreachable(host) {
            // A lag is harmless: the loop reads the current state.
            if matches!(batches.recv().await, Err(broadcast::error::RecvError::Closed)) {
                std::future::pending::<()>().await;
            }
        }
    }

    pub fn is_unreachable(&self, host: &HostId) -> bool {
        self.look(|state| state.host(host).is_some_and(|host| host.status == HostStatus::Unreachable))
    }

    /// The result of `work`, or none if the host became unreachable first. That takes precedence over an error of `work`, which
    /// is then a consequence.
    pub async fn while_reachable<T>(&self, host: &HostId, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.until_unreachable(host) => None,
            done = work => Some(done),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Truth) -> T) -> T {
        look(&self.0.truth.read().expect("the lock isn't poisoned"))
    }
}
