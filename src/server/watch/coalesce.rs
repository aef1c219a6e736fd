//! Read coalescing: all hints for a subject that is being read cause one more read after the current one.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// Tracks which subjects wait to be read, which are being read, and which got hints meanwhile. `M` is the data that hints
/// carry.
pub(super) struct Coalesce<S, M> {
    waiting: VecDeque<S>,
    entries: HashMap<S, Entry<M>>,
    reading: usize,
    at_once: usize,
}

struct Entry<M> {
    /// Data of the hints that the next read answers.
    meta: Option<M>,
    reading: bool,
    /// A provisional fact arrived after the read began: the answer may be older than the fact.
    overtaken: bool,
}

pub(super) struct Answered {
    /// The answer must be dropped: a fact is newer, and another read follows.
    pub(super) overtaken: bool,
}

impl<S: Clone + Eq + Hash, M> Coalesce<S, M> {
    pub(super) fn new(at_once: usize) -> Self {
        Self { waiting: VecDeque::new(), entries: HashMap::new(), reading: 0, at_once }
    }

    /// Requests a read of the subject. The first hint's `meta` is kept until a read takes it.
    pub(super) fn hint(&mut self, subject: S, meta: M, is_fact: bool) {
        match self.entries.get_mut(&subject) {
            Some(entry) => {
                entry.overtaken |= is_fact && entry.reading;
                entry.meta.get_or_insert(meta);
            }
            None => {
                self.waiting.push_back(subject.clone());
                self.entries.insert(subject, Entry { meta: Some(meta), reading: false, overtaken: false });
            }
        }
    }

    /// The next subject to read, if the limit of concurrent reads allows one more.
    pub(super) fn start(&mut self) -> Option<(S, M)> {
        if self.reading == self.at_once {
            return None;
        }
        let subject = self.waiting.pop_front()?;
        let entry = self.entries.get_mut(&subject)?;
        entry.reading = true;
        self.reading += 1;
        let meta = entry.meta.take()?;
        Some((subject, meta))
    }

    /// Marks the read of `subject` as ended.
    pub(super) fn finish(&mut self, subject: &S) -> Answered {
        self.reading -= 1;
        let Some(entry) = self.entries.get_mut(subject) else {
            return Answered { overtaken: false };
        };
        let overtaken = std::mem::take(&mut entry.overtaken);
        entry.reading = false;
        if entry.meta.is_some() {
            self.waiting.push_back(subject.clone());
        } else {
            self.entries.remove(subject);
        }
        Answered { overtaken }
    }

    /// Whether the subject waits to be read or is being read.
    pub(super) fn is_pending(&self, subject: &S) -> bool {
        self.entries.contains_key(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn many_hints_during_a_read_cause_one_more_read() {
        let mut reads = Coalesce::new(4);
        reads.hint("web", 1, false);
        assert_eq!(reads.start(), Some(("web", 1)));
        for meta in 2..50 {
            reads.hint("web", meta, false);
        }
        assert_eq!(reads.start(), None);
        assert!(!reads.finish(&"web").overtaken);
        assert_eq!(reads.start(), Some(("web", 2)));
        reads.finish(&"web");
        assert_eq!(reads.start(), None);
        assert!(!reads.is_pending(&"web"));
    }

    #[test]
    fn read_overtaken_by_a_newer_fact_is_discarded() {
        let mut reads = Coalesce::new(4);
        reads.hint("web", (), true);
        reads.start();
        reads.hint("web", (), true);
        assert!(reads.finish(&"web").overtaken);
        reads.start();
        assert!(!reads.finish(&"web").overtaken);
    }

    proptest! {
        /// Whatever the order of hints and answers, the last hint of each subject is followed by a read that began after it: no
        /// change is missed.
        #[test]
        fn every_hint_is_followed_by_a_read(steps in proptest::collection::vec((0..5u8, any::<bool>()), 1..200)) {
            let mut reads = Coalesce::new(2);
            let mut in_flight = Vec::new();
            let mut last_hint = [0usize; 5];
            let mut last_start = [0usize; 5];
            let mut time = 0;
            let mut begin = |reads: &mut Coalesce<u8, ()>, in_flight: &mut Vec<u8>, time: usize| {
                while let Some((subject, ())) = reads.start() {
                    last_start[subject as usize] = time;
                    in_flight.push(subject);
                }
            };
            for (subject, answer) in steps {
                time += 1;
                if answer && !in_flight.is_empty() {
                    let done = in_flight.remove(subject as usize % in_flight.len());
                    reads.finish(&done);
                } else {
                    reads.hint(subject, (), false);
                    last_hint[subject as usize] = time;
                }
                begin(&mut reads, &mut in_flight, time);
                prop_assert!(in_flight.len() <= 2);
            }
            while let Some(done) = in_flight.pop() {
                time += 1;
                reads.finish(&done);
                begin(&mut reads, &mut in_flight, time);
            }
            for subject in 0..5 {
                prop_assert!(last_start[subject] >= last_hint[subject]);
            }
        }
    }
}
