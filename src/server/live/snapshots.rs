//! Snapshots: the complete state as messages, encoded once for all clients that start over at the same time.
//!
//! After a restart every open page requests it at once. Nothing is kept once the last of them has it.

use super::follower::Payload;
use crate::{
    model::{EngineState, Entity, Kind, Timestamp},
    wire::{Encoding, Part, Position, ServerFrame, Update, binary, json},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
};

/// Bytes after which a part of the binary state is full: proxies and slow connections pass messages of this size, and each
/// socket keeps a buffer of the longest message sent on it.
const FULL: usize = 16 * 1024;

/// By epoch: each view of the state has its own.
#[derive(Clone, Default)]
pub struct Snapshots(Arc<Mutex<HashMap<u64, [Latest; Encoding::ALL.len()]>>>);

/// The clients that still send the snapshot keep it alive.
type Latest = Option<(Position, Weak<Snapshot>)>;

pub(super) struct Snapshot {
    pub(super) position: Position,
    pub(super) timestamp: Timestamp,
    /// In order. JSON has one message, the binary encoding as many as needed.
    pub(super) messages: Vec<Payload>,
}

impl Snapshots {
    /// The snapshot of all channels of `state` at `position`.
    pub(super) fn of(
        &self,
        state: &EngineState,
        position: Position,
        encoding: Encoding,
        now: Timestamp,
    ) -> Arc<Snapshot> {
        let mut all = self.0.lock().expect("the lock isn't poisoned");
        let is_alive = |latest: &Latest| latest.as_ref().is_some_and(|(_, snapshot)| snapshot.strong_count() > 0);
        all.retain(|epoch, latest| *epoch == position.epoch || latest.iter().any(is_alive));
        let latest = &mut all.entry(position.epoch).or_default()[encoding as usize];
        let known = latest.as_ref().filter(|(at, _)| *at == position).and_then(|(_, snapshot)| snapshot.upgrade());
        known.unwrap_or_else(|| {
            let snapshot = Arc::new(Snapshot::new(state, position, encoding, now));
            *latest = Some((position, Arc::downgrade(&snapshot)));
            snapshot
        })
    }
}

impl Snapshot {
    pub(super) fn new(state: &EngineState, position: Position, encoding: Encoding, now: Timestamp) -> Self {
        let Position { epoch, revision } = position;
        let messages = match encoding {
            Encoding::Json => {
                let update = Update { epoch, revision, timestamp: now, data: state.clone() };
                vec![Payload::Text(json::encode_server(&ServerFrame::EngineStateUpdate(update)).into())]
            }
            Encoding::Postcard => {
                let parts = in_parts(state);
                let last = parts.len() - 1;
                let message = |(number, entities)| {
                    let is_last = number == last;
                    let number = u32::try_from(number).unwrap_or(u32::MAX);
                    let part = Part { epoch, revision, timestamp: now, number, is_last, entities };
                    Payload::Binary(binary::encode_server(&ServerFrame::EngineStateUpdate(part)).into())
                };
                parts.into_iter().enumerate().map(message).collect()
            }
        };
        Self { position, timestamp: now, messages }
    }
}

/// Splits the state into one or more parts, each until it is full. Entities precede those that use them.
fn in_parts(state: &EngineState) -> Vec<Vec<Entity>> {
    let mut parts = vec![Vec::new()];
    let mut size = 0;
    let order = [Kind::Host, Kind::Image, Kind::Volume, Kind::Network, Kind::Container];
    for entity in order.into_iter().flat_map(|kind| state.entities(kind)) {
        if size > FULL {
            parts.push(Vec::new());
            size = 0;
        }
        size += postcard::experimental::serialized_size(entity).unwrap_or_default();
        parts.last_mut().expect("there is at least one part").push(entity.clone());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arbitrary::container;
    use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

    #[test]
    fn large_snapshot_is_split_into_parts_that_restore_it() {
        let mut runner = TestRunner::deterministic();
        let containers = (0..500).map(|number| {
            let mut it = container().new_tree(&mut runner).unwrap().current();
            it.id = crate::model::ContainerId::new(&format!("{number:064x}")).unwrap();
            it.labels.insert("padding".into(), "x".repeat(500));
            Entity::from(it)
        });
        let state: EngineState = containers.collect();
        let position = Position { epoch: 1, revision: 2 };
        let snapshots = Snapshots::default();
        let snapshot = snapshots.of(&state, position, Encoding::Postcard, Timestamp::from_seconds(1));
        let mut together = Vec::new();
        for (number, message) in snapshot.messages.iter().enumerate() {
            let Payload::Binary(frame) = message else { panic!("expected a binary message") };
            assert!(frame.len() < 64 * 1024);
            let message = binary::stamped(frame, 0);
            let Ok((ServerFrame::EngineStateUpdate(part), 0, [])) = binary::decode_server(&message) else {
                panic!("expected a part of the snapshot")
            };
            assert_eq!((part.number as usize, part.is_last), (number, number + 1 == snapshot.messages.len()));
            together.extend(part.entities);
        }
        assert!(snapshot.messages.len() > 4);
        assert_eq!(together.into_iter().collect::<EngineState>(), state);
        assert!(Arc::ptr_eq(&snapshot, &snapshots.of(&state, position, Encoding::Postcard, Timestamp::default())));
    }
}
