//! The binary form of a change: for an entity that the client already has, only the range of bytes that differs.
//!
//! Both sides have the same entity before the change (the revisions prove it) and serialize it to the same bytes, so a
//! common beginning and end need not be sent. Stopping a container costs under 200 bytes however long its labels are.
//! For the same reason an entity is identified by its position in its table, and a checksum detects a mismatch.

use super::{Diff, EventTimes};
use crate::model::{Change, EngineState, Entity, Key, Kind, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PackedChange {
    Put(Entity),
    Splice(Splice),
    Gone(Key),
}

/// The entity's encoding is the old one's first `keep_front` bytes, `middle`, and the old one's last `keep_back` bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Splice {
    kind: Kind,
    /// The position among the entities of its kind.
    place: u32,
    /// Checksum of the old encoding.
    checksum: u16,
    keep_front: u32,
    keep_back: u32,
    middle: Vec<u8>,
}

/// A diff without redundant data: the epoch is that of the connection, and times are relative to the timestamp.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackedDiff {
    pub from: u64,
    /// The number of revisions after `from`.
    pub steps: u32,
    pub timestamp: Timestamp,
    /// How many microseconds before `timestamp` the server had read the event, and how many before that the engine had
    /// stamped it.
    event: Option<(i64, i64)>,
    pub changes: Vec<PackedChange>,
}

impl PackedDiff {
    pub fn new(
        from: u64,
        to: u64,
        timestamp: Timestamp,
        event: Option<EventTimes>,
        changes: Vec<PackedChange>,
    ) -> Self {
        let before = |it: EventTimes| {
            let received = timestamp.micros() - it.received.micros();
            (received, it.received.micros() - it.engine.micros())
        };
        let steps = u32::try_from(to - from).unwrap_or(u32::MAX);
        Self { from, steps, timestamp, event: event.map(before), changes }
    }

    pub fn to(&self) -> u64 {
        self.from.saturating_add(u64::from(self.steps))
    }

    pub fn event(&self) -> Option<EventTimes> {
        let (received, engine) = self.event?;
        let received = self.timestamp.micros().saturating_sub(received);
        let engine = Timestamp::from_micros(received.saturating_sub(engine));
        Some(EventTimes { engine, received: Timestamp::from_micros(received) })
    }
}

impl From<Diff> for PackedDiff {
    /// Contains complete entities.
    fn from(diff: Diff) -> Self {
        let changes = diff.data.changes.into_iter().map(PackedChange::from).collect();
        Self::new(diff.from, diff.to, diff.timestamp, diff.event, changes)
    }
}

impl From<Change> for PackedChange {
    /// Contains the complete entity.
    fn from(change: Change) -> Self {
        match change {
            Change::Put(entity) => Self::Put(entity),
            Change::Gone(key) => Self::Gone(key),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Unpackable {
    #[error("the splice doesn't match the current state")]
    Misfit,
    #[error(transparent)]
    Postcard(#[from] postcard::Error),
}

/// Packing of changes, one after another, against the state before each.
pub struct Packed;

impl Packed {
    /// Packs `change` for a client whose state is `before`.
    pub fn pack(change: &Change, before: &EngineState) -> Result<PackedChange, postcard::Error> {
        let entity = match change {
            Change::Gone(key) => return Ok(PackedChange::Gone(key.clone())),
            Change::Put(entity) => entity,
        };
        let kind = entity.key().kind();
        let Some((place, before)) = before.find(&entity.key()) else {
            return Ok(PackedChange::Put(entity.clone()));
        };
        let old = postcard::to_allocvec(before)?;
        let new = postcard::to_allocvec(entity)?;
        let shorter = old.len().min(new.len());
        let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let back = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count().min(shorter - front);
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(PackedChange::Splice(Splice {
            kind,
            place: small(place),
            checksum: checksum(&old),
            keep_front: small(front),
            keep_back: small(back),
            middle: new[front..new.len() - back].to_vec(),
        }))
    }

    /// Returns the packed change, given the state before it.
    pub fn unpack(packed: PackedChange, state: &EngineState) -> Result<Change, Unpackable> {
        let splice = match packed {
            PackedChange::Put(entity) => return Ok(Change::Put(entity)),
            PackedChange::Gone(key) => return Ok(Change::Gone(key)),
            PackedChange::Splice(splice) => splice,
        };
        let old = state.nth(splice.kind, splice.place as usize).ok_or(Unpackable::Misfit)?;
        let old = postcard::to_allocvec(old)?;
        let (front, back) = (splice.keep_front as usize, splice.keep_back as usize);
        if checksum(&old) != splice.checksum || front.saturating_add(back) > old.len() {
            return Err(Unpackable::Misfit);
        }
        let mut new = old[..front].to_vec();
        new.extend_from_slice(&splice.middle);
        new.extend_from_slice(&old[old.len() - back..]);
        Ok(Change::Put(postcard::from_bytes(&new)?))
    }
}

/// Fletcher-16.
fn checksum(bytes: &[u8]) -> u16 {
    let (low, high) = bytes.iter().fold((0u16, 0u16), |(low, high), byte| {
        let low = (low + u16::from(*byte)) % 255;
        (low, (high + low) % 255)
    });
    high << 8 | low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Container, ContainerState,
        arbitrary::{change, changes, container},
    };
    use proptest::prelude::*;

    #[test]
    fn event_times_round_trip_through_a_packed_diff() {
        let at = Timestamp::from_micros;
        let event = Some(EventTimes { engine: at(5_000_000), received: at(4_999_900) });
        let packed = PackedDiff::new(7, 9, at(5_000_400), event, Vec::new());
        let packed: PackedDiff = postcard::from_bytes(&postcard::to_allocvec(&packed).unwrap()).unwrap();
        assert_eq!((packed.event(), packed.to()), (event, 9));
        // Reading a diff never overflows, whatever its values are.
        let absurd = PackedDiff { from: u64::MAX, steps: 1, event: Some((i64::MIN, i64::MIN)), ..packed };
        assert_eq!((absurd.to(), absurd.event().is_some()), (u64::MAX, true));
    }

    proptest! {
        #[test]
        fn change_round_trips_through_packing(before in changes(), change in change()) {
            let mut state = EngineState::default();
            for change in before {
                state.apply(change);
            }
            let packed = Packed::pack(&change, &state).unwrap();
            let bytes = postcard::to_allocvec(&packed).unwrap();
            let unpacked = Packed::unpack(postcard::from_bytes(&bytes).unwrap(), &state).unwrap();
            prop_assert_eq!(unpacked, change);
        }

        #[test]
        fn packed_stop_is_small_regardless_of_label_length(mut container in container(), label in "[a-z]{1000}") {
            container.labels.insert("long".into(), label);
            let mut stopped = container.clone();
            stopped.state = ContainerState::Exited;
            stopped.exit_code = Some(137);
            stopped.finished_at = Some(Timestamp::from_micros(1_795_237_596_123_456));
            let state = EngineState::from_iter([container.into()]);
            let packed = Packed::pack(&Change::Put(stopped.into()), &state).unwrap();
            prop_assert!(postcard::to_allocvec(&packed).unwrap().len() < 60);
        }

        #[test]
        fn splice_of_a_differing_entity_is_rejected(one in container()) {
            let mut changed = one.clone();
            changed.state = ContainerState::Dead;
            changed.exit_code = Some(1);
            let theirs = EngineState::from_iter([one.clone().into()]);
            let packed = Packed::pack(&Change::Put(changed.into()), &theirs).unwrap();
            let name = format!("{}x", one.name);
            let ours = EngineState::from_iter([Container { name, ..one }.into()]);
            prop_assert!(Packed::unpack(packed.clone(), &ours).is_err());
            prop_assert!(Packed::unpack(packed, &EngineState::default()).is_err());
        }
    }
}
