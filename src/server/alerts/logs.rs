//! The logs that rules listen to: one follower for each container that some rule names.

use crate::{
    model::{Condition, Container, ContainerState, EngineState, Key, Rule, Timestamp},
    server::{clock::Clock, hosts::Hosts},
};
use std::collections::BTreeMap;
use tokio::{sync::mpsc, task::JoinHandle};

/// Lines found that wait to be looked at.
const WAITING: usize = 256;

/// Longest part of a line that is repeated, in characters.
const LONGEST: usize = 300;

/// A line that holds a rule's text.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rule: String,
    pub(super) key: Key,
    pub(super) at: Timestamp,
    pub(super) line: String,
}

/// Rules, with the texts they look for.
type Texts = Vec<(String, String)>;

/// Since when a container runs, or ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Never,
    /// It runs, and was not inspected yet.
    Unknown,
    Since(Timestamp),
}

struct Follower {
    texts: Texts,
    run: Run,
    reading: JoinHandle<()>,
}

pub(super) struct Logs {
    hosts: Hosts,
    clock: Clock,
    followed: BTreeMap<Key, Follower>,
    /// Of all containers at the latest look; none before the first.
    runs: Option<BTreeMap<Key, Run>>,
    found: (mpsc::Sender<Found>, mpsc::Receiver<Found>),
}

impl Logs {
    pub(super) fn new(hosts: Hosts, clock: Clock) -> Self {
        Self { hosts, clock, followed: BTreeMap::new(), runs: None, found: mpsc::channel(WAITING) }
    }

    /// The next line that some rule looks for. Cancel safe.
    pub(super) async fn next(&mut self) -> Found {
        self.found.1.recv().await.expect("a sender is kept here")
    }

    /// Follows what these rules listen to in this state, and nothing else: from now on, and what began since the latest
    /// look from its beginning. Much of what goes wrong is said in the first moments, and may be all that is said.
    pub(super) fn follow(&mut self, rules: &[&Rule], state: &EngineState) {
        let listening: Vec<_> = rules.iter().filter_map(|rule| Some((*rule, text_of(rule)?))).collect();
        if listening.is_empty() {
            (self.runs, self.followed) = (None, BTreeMap::new());
            return;
        }
        let containers: BTreeMap<Key, &Container> =
            state.containers().map(|it| (Key::Container(it.host.clone(), it.id.clone()), &**it)).collect();
        self.followed.retain(|key, _| containers.contains_key(key));
        for (key, it) in &containers {
            let texts = listening.iter().filter(|(rule, _)| rule.scope.takes(it));
            let texts: Texts = texts.map(|(rule, text)| (rule.id.clone(), (*text).to_owned())).collect();
            if texts.is_empty() {
                self.followed.remove(key);
            } else if let Some(since) = self.since_when(key, it, &texts) {
                self.begin(key, run(it), texts, since);
            }
        }
        self.runs = Some(containers.into_iter().map(|(key, it)| (key, run(it))).collect());
    }

    /// From which moment on its log is to be read; none where it is, or has been.
    fn since_when(&self, key: &Key, it: &Container, texts: &Texts) -> Option<Timestamp> {
        let from_now_on = (it.state == ContainerState::Running).then(|| self.clock.now());
        match (self.followed.get(key), run(it)) {
            (Some(follower), _) if follower.texts != *texts => from_now_on,
            (Some(follower), _) if !follower.reading.is_finished() => None,
            (Some(follower), Run::Since(start)) if follower.run != run(it) => Some(start),
            (Some(_), _) => from_now_on,
            (None, Run::Since(start)) if self.is_new(key, run(it)) => Some(start),
            (None, _) => from_now_on,
        }
    }

    fn is_new(&self, key: &Key, run: Run) -> bool {
        let before = self.runs.as_ref().map(|runs| runs.get(key).copied().unwrap_or(Run::Never));
        before.is_some_and(|before| before != run && before != Run::Unknown)
    }

    fn begin(&mut self, key: &Key, run: Run, texts: Texts, since: Timestamp) {
        let reading = read(self.hosts.clone(), self.clock, key.clone(), texts.clone(), since, self.found.0.clone());
        self.followed.insert(key.clone(), Follower { texts, run, reading: tokio::spawn(reading) });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn text_of(rule: &Rule) -> Option<&str> {
    match &rule.condition {
        Condition::Log { text } => Some(text),
        _ => None,
    }
}

fn run(it: &Container) -> Run {
    match it.started_at {
        Some(start) => Run::Since(start),
        None if it.state == ContainerState::Running => Run::Unknown,
        None => Run::Never,
    }
}

/// Until the container ends, or its log can't be read.
async fn read(hosts: Hosts, clock: Clock, key: Key, texts: Texts, since: Timestamp, found: mpsc::Sender<Found>) {
    let Key::Container(host, id) = &key else { return };
    let Some(engine) = hosts.get(host) else { return };
    // Of a flood of lines the first are enough: a rule fires once.
    let each = |line: &str| {
        for (rule, _) in texts.iter().filter(|(_, text)| line.contains(text.as_str())) {
            let line = line.trim().chars().take(LONGEST).collect();
            let _ = found.try_send(Found { rule: rule.clone(), key: key.clone(), at: clock.now(), line });
        }
    };
    if let Err(error) = engine.follow_log(id, since, each).await {
        tracing::debug!(container.id = %id, %error, "no log of a container");
    }
}
