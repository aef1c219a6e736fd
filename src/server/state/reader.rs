//! How everyone but the writer sees the state.

use super::feed::{Batch, Ring};
use crate::{model::EngineState, wire::Position};
use std::sync::{Arc, RwLock};
use tokio::sync::broadcast;

/// Batches a follower may be behind before it has to start over.
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
    /// Differences that only the reconcile found.
    pub(super) drift: u64,
}

impl Shared {
    pub(super) fn new(epoch: u64) -> Self {
        Self { truth: RwLock::default(), feed: broadcast::Sender::new(BEHIND), epoch }
    }
}

#[derive(Clone)]
pub struct Reader(Arc<Shared>);

/// Where a follower starts, and what comes then.
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

    /// Differences that only the reconcile found, since the start.
    pub fn drift(&self) -> u64 {
        self.read(|truth| truth.drift)
    }

    /// A look at the state, which must not take long: the writer waits for it.
    pub fn look<T>(&self, look: impl FnOnce(&EngineState) -> T) -> T {
        self.read(|truth| look(&truth.state))
    }

    /// A copy of the state, and its place in the feed. Cheap: entities are shared.
    pub fn snapshot(&self) -> (EngineState, Position) {
        self.read(|truth| (truth.state.clone(), Position { epoch: self.0.epoch, revision: truth.revision }))
    }

    /// What came after `position`; none when that is no longer known.
    pub fn since(&self, position: Position) -> Option<Vec<Arc<Batch>>> {
        (position.epoch == self.0.epoch)
            .then(|| self.read(|truth| truth.ring.since(position.revision, truth.revision)))?
    }

    /// From `position` on without a hole where that is possible, else from the state as it is now.
    pub fn follow(&self, position: Option<Position>) -> Follow {
        self.read(|truth| {
            let batches = self.0.feed.subscribe();
            let known = position.filter(|position| position.epoch == self.0.epoch);
            let missed = known.and_then(|position| truth.ring.since(position.revision, truth.revision));
            let start = missed.map_or_else(|| Start::State(truth.state.clone()), Start::Missed);
            Follow { start, position: Position { epoch: self.0.epoch, revision: truth.revision }, batches }
        })
    }

    fn read<T>(&self, look: impl FnOnce(&Truth) -> T) -> T {
        look(&self.0.truth.read().expect("nobody panics while holding the state"))
    }
}
