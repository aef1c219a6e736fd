//! Numbered batches of changes, each encoded at most once for all who want it.

use crate::{
    model::{Change, EngineState, Timestamp},
    wire::{Changes, Diff, EventTimes, Packed, PackedChange, PackedDiff, ServerFrame, binary, json},
};
use axum::{body::Bytes, extract::ws::Utf8Bytes};
use std::{
    collections::VecDeque,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Batches kept for clients that come back; a client that missed more starts over with the state.
const KEPT: usize = 1024;

/// One step of the state: from one revision to the next.
pub struct Batch {
    pub from: u64,
    pub to: u64,
    pub timestamp: Timestamp,
    pub event: Option<EventTimes>,
    /// Every entity that is other than before, usage included: what JSON clients get.
    pub changes: Vec<Change>,
    /// What caused it, each packed against the state before it: our page's reducer finds the rest itself.
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

    /// As message for JSON clients that want every channel.
    pub fn json(&self, epoch: u64) -> Utf8Bytes {
        let encode = || json::encode_server(&ServerFrame::EngineStateDiff(self.diff(epoch))).into();
        self.json.get_or_init(encode).clone()
    }

    /// As the frame of a message for our own page.
    pub fn binary(&self) -> Bytes {
        let encode = || {
            let diff = PackedDiff::new(self.from, self.to, self.timestamp, self.event, self.packed.clone());
            binary::encode_server(&ServerFrame::EngineStateDiff(diff)).into()
        };
        self.binary.get_or_init(encode).clone()
    }

    /// True once: for the first who sends it. The others only read.
    pub fn is_first_sent(&self) -> bool {
        !self.sent.load(Relaxed) && !self.sent.swap(true, Relaxed)
    }
}

/// Applies changes to a state and gathers the batch they make.
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

    /// Whether it changed anything.
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

/// The latest batches, for clients that come back.
#[derive(Default)]
pub(super) struct Ring(VecDeque<std::sync::Arc<Batch>>);

impl Ring {
    pub(super) fn push(&mut self, batch: std::sync::Arc<Batch>) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(batch);
    }

    /// What leads on from `revision`; none when it is no longer known how.
    pub(super) fn since(&self, revision: u64, latest: u64) -> Option<Vec<std::sync::Arc<Batch>>> {
        if revision == latest {
            return Some(Vec::new());
        }
        let start = self.0.binary_search_by_key(&revision, |batch| batch.from).ok()?;
        Some(self.0.range(start..).cloned().collect())
    }
}

/// Never the same twice, below 2^53: the start's milliseconds and a few random bits against a clock set back.
pub(super) fn new_epoch(now: Timestamp) -> u64 {
    let millis = u64::try_from(now.millis()).unwrap_or_default();
    millis << 10 | u64::from(rand::random::<u16>() & 0x3ff)
}
