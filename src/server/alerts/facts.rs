//! What rules look at beside the state.

use crate::model::{Event, Key, Sample, Timestamp};
use std::collections::{HashMap, VecDeque};

/// What happened at a moment counts for so long, in seconds: a container that failed and runs again still did fail.
const RECENT: i64 = 60;

/// Starts remembered of each container, and for how many seconds: the longest that a rule may look back.
const STARTS: usize = 500;
const LONGEST: i64 = 86_400;

/// A figure older than this, in seconds, tells nothing of now.
const STALE: i64 = 30;

#[derive(Default)]
pub(super) struct Facts {
    samples: HashMap<Key, Sample>,
    starts: HashMap<Key, VecDeque<Timestamp>>,
    /// The latest time that it ended with a code other than 0, and the code.
    failures: HashMap<Key, (Timestamp, i64)>,
    /// By rule: the latest line that holds its text.
    lines: HashMap<(String, Key), (Timestamp, String)>,
    /// How full the engine's disk is, in percent.
    pub(super) disk: Option<u32>,
}

impl Facts {
    pub(super) fn take_event(&mut self, event: &Event) {
        // What users did is told by the engine too.
        if event.kind != "container" || event.actor.is_some() {
            return;
        }
        let Ok(id) = crate::model::ContainerId::new(&event.id) else { return };
        let key = Key::Container(event.host.clone(), id);
        match (event.action.as_str(), event.exit_code()) {
            ("start", _) => {
                let starts = self.starts.entry(key).or_default();
                if starts.len() == STARTS {
                    starts.pop_front();
                }
                starts.push_back(event.time);
            }
            ("die", Some(code)) if code != 0 => drop(self.failures.insert(key, (event.time, code))),
            ("destroy", _) => self.forget(&key),
            _ => {}
        }
    }

    pub(super) fn take_samples(&mut self, samples: Vec<Sample>) {
        for sample in samples {
            self.samples.insert(Key::Container(sample.host.clone(), sample.container_id.clone()), sample);
        }
    }

    pub(super) fn take_line(&mut self, rule: String, key: Key, at: Timestamp, line: String) {
        self.lines.insert((rule, key), (at, line));
    }

    /// A container is gone.
    fn forget(&mut self, key: &Key) {
        self.samples.remove(key);
        self.starts.remove(key);
        self.failures.remove(key);
        self.lines.retain(|(_, other), _| other != key);
    }

    pub(super) fn forget_the_old(&mut self, now: Timestamp) {
        let is_of = |time: Timestamp, seconds: i64| now.seconds() - time.seconds() < seconds;
        self.samples.retain(|_, sample| is_of(sample.timestamp, STALE));
        self.failures.retain(|_, (time, _)| is_of(*time, RECENT));
        self.lines.retain(|_, (time, _)| is_of(*time, RECENT));
        for starts in self.starts.values_mut() {
            while starts.front().is_some_and(|time| !is_of(*time, LONGEST)) {
                starts.pop_front();
            }
        }
        self.starts.retain(|_, starts| !starts.is_empty());
    }

    pub(super) fn sample(&self, key: &Key) -> Option<&Sample> {
        self.samples.get(key)
    }

    pub(super) fn starts_within(&self, key: &Key, seconds: u32, now: Timestamp) -> u32 {
        let since = now.seconds() - i64::from(seconds);
        let starts = self.starts.get(key).map(|starts| starts.iter().filter(|time| time.seconds() > since).count());
        starts.and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
    }

    pub(super) fn failure(&self, key: &Key) -> Option<i64> {
        self.failures.get(key).map(|(_, code)| *code)
    }

    pub(super) fn line(&self, rule: &str, key: &Key) -> Option<&str> {
        self.lines.get(&(rule.to_owned(), key.clone())).map(|(_, line)| line.as_str())
    }
}
