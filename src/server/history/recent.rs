//! In-memory buffer of the latest events. Assigns their numbers and drops events that an engine repeats.
//!
//! Pages get these events while no file can be read, and they are written as soon as a file is writable again.

use crate::model::Event;
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

/// More than an engine repeats: Docker remembers 256 events.
const KEPT: usize = 600;

/// An event with its number, and the fingerprint that identifies it.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    pub(super) event: Arc<Event>,
    pub(super) fingerprint: i64,
}

#[derive(Debug, Default)]
pub(super) struct Recent {
    next: u64,
    /// Oldest first.
    events: VecDeque<Numbered>,
    /// The fingerprints of `events`.
    fingerprints: HashSet<i64>,
}

impl Recent {
    /// Numbers start at `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { next: first, ..Self::default() }
    }

    /// `None` if the event is known already.
    pub(super) fn take(&mut self, mut event: Event, fingerprint: Option<i64>) -> Option<Numbered> {
        let seq = self.next;
        // An event without a fingerprint can't be repeated: it gets one from its number, which is unique.
        let fingerprint = fingerprint.unwrap_or_else(|| fingerprint_of(&[b"number", &seq.to_le_bytes()]));
        if self.fingerprints.contains(&fingerprint) {
            return None;
        }
        self.next += 1;
        event.seq = seq;
        let numbered = Numbered { event: Arc::new(event), fingerprint };
        self.push(numbered.clone());
        Some(numbered)
    }

    fn push(&mut self, numbered: Numbered) {
        if self.events.len() == KEPT
            && let Some(oldest) = self.events.pop_front()
        {
            self.fingerprints.remove(&oldest.fingerprint);
        }
        self.fingerprints.insert(numbered.fingerprint);
        self.events.push_back(numbered);
    }

    /// Inserts the stored events before those that arrived since. Returns those of the latter that the file lacks.
    pub(super) fn behind(&mut self, kept: Vec<Numbered>, last: u64) -> Vec<Numbered> {
        self.next = self.next.max(last + 1);
        let kept_already: HashSet<i64> = kept.iter().map(|it| it.fingerprint).collect();
        let own: Vec<_> = std::mem::take(&mut self.events).into();
        let missing: Vec<_> = own.into_iter().filter(|it| !kept_already.contains(&it.fingerprint)).collect();
        self.fingerprints.clear();
        for numbered in kept.into_iter().chain(missing.iter().cloned()) {
            self.push(numbered);
        }
        missing
    }

    /// Newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.events.iter().rev().map(|it| &it.event)
    }

    pub(super) const KEPT: usize = KEPT;
}

/// 64-bit FNV-1a. It is stored in the file, so it must never change.
pub(super) fn fingerprint_of(parts: &[&[u8]]) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        part.iter().for_each(|byte| add(*byte));
        // A byte that never occurs in UTF-8 text: `ab, c` differs from `a, bc`.
        add(0xff);
    }
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostId, Labels, Timestamp};

    fn event(name: &str) -> Event {
        Event {
            seq: 0,
            host: HostId::new("local").unwrap(),
            time: Timestamp::from_seconds(1),
            kind: "container".into(),
            action: "start".into(),
            id: "0123456789ab".into(),
            name: name.into(),
            project: None,
            actor: None,
            error: None,
            message: None,
            attributes: Labels::default(),
        }
    }

    #[test]
    fn duplicate_event_is_dropped_without_a_sequence_number() {
        let mut recent = Recent::new(5);
        let seqs: Vec<_> = [Some(1), Some(2), Some(1), None, None]
            .into_iter()
            .map(|fingerprint| recent.take(event("web"), fingerprint).map(|it| it.event.seq))
            .collect();
        assert_eq!(seqs, [Some(5), Some(6), None, Some(7), Some(8)]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = Recent::new(0);
        for number in 0..10_000 {
            recent.take(event("web"), Some(number));
        }
        assert_eq!((recent.newest().count(), recent.fingerprints.len()), (KEPT, KEPT));
    }

    #[test]
    fn events_before_the_file_opened_are_merged_without_duplicates() {
        let mut file = Recent::new(100);
        let kept: Vec<_> = (0..3).filter_map(|number| file.take(event("old"), Some(number))).collect();
        let mut recent = Recent::new(1_000);
        recent.take(event("repeated"), Some(2));
        recent.take(event("new"), Some(3));
        let missing: Vec<_> = recent.behind(kept, 102).into_iter().map(|it| it.event.name.clone()).collect();
        assert_eq!(missing, ["new"]);
        let names: Vec<_> = recent.newest().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["new", "old", "old", "old"]);
        assert_eq!(recent.take(event("next"), None).unwrap().event.seq, 1_002);
    }

    #[test]
    fn fingerprint_is_stable_and_separates_its_parts() {
        assert_eq!(fingerprint_of(&[b"local", b"die"]), -1_791_511_987_298_271_846);
        assert_ne!(fingerprint_of(&[b"ab", b"c"]), fingerprint_of(&[b"a", b"bc"]));
    }
}
