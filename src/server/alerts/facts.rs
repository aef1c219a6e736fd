//! Inputs of rules besides the engine state: samples, failures, starts, log lines and disk usage.

use crate::{
    model::{Event, Key, Sample},
    server::clock::Moment,
};
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// How long an event counts: a container that failed and runs again still did fail.
const RECENT: Duration = Duration::from_secs(60);

/// Starts remembered per container, and for how long: the longest window a rule may have.
const STARTS: usize = 500;
const LONGEST: Duration = Duration::from_secs(86_400);

/// A sample older than this does not describe the present.
const STALE: Duration = Duration::from_secs(30);

/// All times are those of the steady clock: setting the system clock makes nothing older or younger.
#[derive(Default)]
pub(super) struct Facts {
    samples: HashMap<Key, (Duration, Sample)>,
    starts: HashMap<Key, VecDeque<Duration>>,
    /// The latest exit with a code other than 0: its time and the code.
    failures: HashMap<Key, (Duration, i64)>,
    /// By rule: the latest line that contains its text.
    lines: HashMap<(String, Key), (Duration, String)>,
    /// Usage of the engine's disk, in percent.
    pub(super) disk: Option<u32>,
}

impl Facts {
    /// `now` is the time of arrival: after a gap in the engine's events that may be later than the event itself.
    pub(super) fn take_event(&mut self, event: &Event, now: Moment) {
        // The engine emits its own event for each user action.
        if event.kind != "container" || event.actor.is_some() {
            return;
        }
        let Ok(id) = crate::model::ContainerId::new(&event.id) else { return };
        let key = Key::Container(event.host.clone(), id);
        let age = u64::try_from(now.at.micros().saturating_sub(event.time.micros())).unwrap_or_default();
        // An event from before the steady clock started is too old for any rule.
        let Some(time) = now.steady.checked_sub(Duration::from_micros(age)) else { return };
        match (event.action.as_str(), event.exit_code()) {
            ("start", _) => {
                let starts = self.starts.entry(key).or_default();
                if starts.len() == STARTS {
                    starts.pop_front();
                }
                starts.push_back(time);
            }
            ("die", Some(code)) if code != 0 => drop(self.failures.insert(key, (time, code))),
            // Podman 4 says `remove`.
            ("destroy" | "remove", _) => self.forget(&key),
            _ => {}
        }
    }

    pub(super) fn take_samples(&mut self, samples: Vec<Sample>, now: Moment) {
        for sample in samples {
            let key = Key::Container(sample.host.clone(), sample.container_id.clone());
            self.samples.insert(key, (now.steady, sample));
        }
    }

    pub(super) fn take_line(&mut self, rule: String, key: Key, now: Moment, line: String) {
        self.lines.insert((rule, key), (now.steady, line));
    }

    /// Drops what is stored for a removed container.
    fn forget(&mut self, key: &Key) {
        self.samples.remove(key);
        self.starts.remove(key);
        self.failures.remove(key);
        self.lines.retain(|(_, other), _| other != key);
    }

    pub(super) fn forget_the_old(&mut self, now: Moment) {
        let is_of = |time: Duration, last: Duration| now.steady.saturating_sub(time) < last;
        self.samples.retain(|_, (time, _)| is_of(*time, STALE));
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
        self.samples.get(key).map(|(_, sample)| sample)
    }

    pub(super) fn starts_within(&self, key: &Key, seconds: u32, now: Moment) -> u32 {
        let within = Duration::from_secs(u64::from(seconds));
        let is_within = |time: &&Duration| now.steady.saturating_sub(**time) < within;
        let starts = self.starts.get(key).map(|starts| starts.iter().filter(is_within).count());
        starts.and_then(|count| u32::try_from(count).ok()).unwrap_or_default()
    }

    pub(super) fn failure(&self, key: &Key) -> Option<i64> {
        self.failures.get(key).map(|(_, code)| *code)
    }

    pub(super) fn line(&self, rule: &str, key: &Key) -> Option<&str> {
        self.lines.get(&(rule.to_owned(), key.clone())).map(|(_, line)| line.as_str())
    }
}
