//! Change feed: numbered batches of changes, each encoded at most once for all clients.

use crate::{
    model::{Change, EngineState, Timestamp},
    wire::{Changes, Diff, EventTimes, Packed, PackedChange, PackedDiff, ServerFrame, binary, json},
};
use axum::{body::Bytes, extract::ws::Utf8Bytes};
use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

/// Batches kept for clients that reconnect. A client that missed more starts over with the complete state.
const KEPT: usize = 1024;

/// Maximum changes in all kept batches: each change holds an entity as it was. Beyond this, the complete state is the faster
/// way.
const KEPT_CHANGES: usize = 4 * 1024;

/// One step of the state: from one revision to the next.
pub struct Batch {
    pub from: u64,
    pub to: u64,
    pub timestamp: Timestamp,
    pub event: Option<EventTimes>,
    /// Every entity that changed, including its usage. For JSON clients.
    pub changes: Vec<Change>,
    /// The changes that caused the batch, each packed against the state before it: the reducer of Quaylight's own page derives
    /// the rest.
    packed: Vec<PackedChange>,
    json: OnceLock<Utf8Bytes>,
    binary: OnceLock<Bytes>,
    sent: AtomicBool,
}

impl Batch {
    pub fn diff(&self, epoch: u64) -> Diff {
        let data = Changes { changes: self.changes.clone() };
        Diff { epoch, from: self.from, to: self.to, timestamp: self.timestamp, event: self.event, data }
    }

    /// The message for JSON clients that subscribe to every channel.
    pub fn json(&self, epoch: u64) -> Utf8Bytes {
        let encode = || json::encode_server(&ServerFrame::EngineStateDiff(self.diff(epoch))).into();
        self.json.get_or_init(encode).clone()
    }

    /// The frame of the message for Quaylight's own page.
    pub fn binary(&self) -> Bytes {
        let encode = || {
            let diff = PackedDiff::new(self.from, self.to, self.timestamp, self.event, self.packed.clone());
            binary::encode_server(&ServerFrame::EngineStateDiff(diff)).into()
        };
        self.binary.get_or_init(encode).clone()
    }

    /// True only for the first caller, the first to send the batch. Later calls only read.
    pub fn is_first_sent(&self) -> bool {
        !self.sent.load(Relaxed) && !self.sent.swap(true, Relaxed)
    }
}

/// Applies changes to a state and collects them into a batch.
pub(super) struct Step<'a> {
    state: &'a mut EngineState,
    packed: Vec<PackedChange>,
    touched: Vec<crate::model::Key>,
}

impl<'a> Step<'a> {
    pub(super) fn on(state: &'a mut EngineState) -> Self {
        Self { state, packed: Vec::new(), touched: Vec::new() }
    }

    pub(super) fn state(&self) -> &EngineState {
        self.state
    }

    /// Applies a change. Returns whether it changed anything.
    pub(super) fn apply(&mut self, change: Change) -> bool {
        let packed = Packed::pack(&change, self.state);
        let touched = self.state.apply(change);
        if touched.is_empty() {
            return false;
        }
        self.packed.push(packed.expect("entities have no maps with unknown length"));
        self.touched.extend(touched);
        true
    }

    /// None when nothing changed.
    pub(super) fn into_batch(mut self, from: u64, timestamp: Timestamp, event: Option<EventTimes>) -> Option<Batch> {
        if self.packed.is_empty() {
            return None;
        }
        self.touched.sort();
        self.touched.dedup();
        let changes = self.touched.into_iter().map(|key| match self.state.get(&key) {
            Some(entity) => Change::Put(entity.clone()),
            None => Change::Gone(key),
        });
        Some(Batch {
            from,
            to: from + 1,
            timestamp,
            event,
            changes: changes.collect(),
            packed: self.packed,
            json: OnceLock::new(),
            binary: OnceLock::new(),
            sent: AtomicBool::new(false),
        })
    }
}

/// The latest batches, for clients that reconnect.
#[derive(Default)]
pub(super) struct Ring {
    batches: VecDeque<Arc<Batch>>,
    /// Number of changes in all batches.
    changes: usize,
}

impl Ring {
    pub(super) fn push(&mut self, batch: Arc<Batch>) {
        self.changes += batch.changes.len();
        self.batches.push_back(batch);
        while self.batches.len() > KEPT || self.changes > KEPT_CHANGES {
            let Some(oldest) = self.batches.pop_front() else { break };
            self.changes -= oldest.changes.len();
        }
    }

    /// The batches after `revision`; none if they are no longer kept.
    pub(super) fn since(&self, revision: u64, latest: u64) -> Option<Vec<Arc<Batch>>> {
        if revision == latest {
            return Some(Vec::new());
        }
        let start = self.batches.binary_search_by_key(&revision, |batch| batch.from).ok()?;
        Some(self.batches.range(start..).cloned().collect())
    }
}

/// The latest epoch of this process.
static EPOCH: AtomicU64 = AtomicU64::new(0);

/// Returns an epoch that is never used twice, below 2^53: the start time in milliseconds, and ten random bits in case the clock
/// is set back.
pub(super) fn new_epoch(now: Timestamp) -> u64 {
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    let epoch = millis << 10 | u64::from(rand::random::<u16>() & 0x3ff);
    let previous = EPOCH.fetch_max(epoch, Relaxed);
    // Another one of the same millisecond.
    if previous < epoch { epoch } else { EPOCH.fetch_add(1, Relaxed) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerId, Entity, arbitrary};
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };

    /// A batch that adds this number of containers.
    fn batch(state: &mut EngineState, from: u64, containers: usize) -> Arc<Batch> {
        let one = arbitrary::container().new_tree(&mut TestRunner::deterministic()).unwrap().current();
        let mut step = Step::on(state);
        for number in 0..containers {
            let id = ContainerId::new(&format!("{from:032x}{number:032x}")).unwrap();
            let it = crate::model::Container { id, ..one.clone() };
            step.apply(Change::Put(Entity::from(it)));
        }
        Arc::new(step.into_batch(from, Timestamp::default(), None).unwrap())
    }

    #[test]
    fn backlog_for_reconnecting_clients_is_bounded() {
        let (mut state, mut ring) = (EngineState::default(), Ring::default());
        for from in 0..3 {
            ring.push(batch(&mut state, from, 1_500));
        }
        assert!(ring.changes <= KEPT_CHANGES);
        assert!(ring.since(0, 3).is_none(), "the oldest batch was dropped");
        assert_eq!(ring.since(1, 3).map(|it| it.len()), Some(2));
        // A batch larger than the limit: a client that missed it starts over.
        ring.push(batch(&mut state, 3, KEPT_CHANGES + 1));
        assert_eq!((ring.changes, ring.since(3, 4).is_none(), ring.since(4, 4).map(|it| it.len())), (0, true, Some(0)));
        for from in 4..4 + KEPT as u64 + 1 {
            ring.push(batch(&mut state, from, 1));
        }
        assert_eq!(ring.batches.len(), KEPT);
    }
}
