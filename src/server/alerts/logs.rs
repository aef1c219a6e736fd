//! Log followers for rules: one for each container that a log rule covers.

use crate::{
    model::{Condition, Container, ContainerId, ContainerState, EngineState, Key, Rule, Timestamp},
    server::{clock::Clock, hosts::Hosts, own_container},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

/// Matching lines queued for the evaluation.
const WAITING: usize = 256;

/// Longest part of a line that is quoted, in characters.
const LONGEST: usize = 300;

/// Containers whose logs are followed at once: each needs a connection to its engine.
const MOST_READ: usize = 200;

/// Shortest time from one read of a log to the next, if the first ended early. It doubles with each such failure. A log may be
/// unreadable (its driver stores nothing), and a container may start and end all the time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A line that contains a rule's text.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rule: String,
    pub(super) key: Key,
    pub(super) line: String,
}

/// Rule ids, with the texts they look for.
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
    begun: Instant,
    /// Backoff before the log is read again.
    pause: Duration,
    /// Where to resume reading once the backoff is over.
    unread: Option<Timestamp>,
}

pub(super) struct Logs {
    hosts: Hosts,
    clock: Clock,
    /// Never followed: matches are logged there, and would match again.
    own: Option<ContainerId>,
    followed: BTreeMap<Key, Follower>,
    /// The runs of all containers at the latest check; `None` before the first.
    runs: Option<BTreeMap<Key, Run>>,
    found: (mpsc::Sender<Found>, mpsc::Receiver<Found>),
}

impl Logs {
    pub(super) fn new(hosts: Hosts, clock: Clock) -> Self {
        let own = own_container::id();
        Self { hosts, clock, own, followed: BTreeMap::new(), runs: None, found: mpsc::channel(WAITING) }
    }

    /// The next line that matches a rule. Cancel-safe.
    pub(super) async fn next(&mut self) -> Found {
        self.found.1.recv().await.expect("the channel stays open: self holds a sender")
    }

    /// Follows the logs that these rules cover in this state, and no others. A log is read from now on; that of a container
    /// started since the latest check is read from its beginning, since much of what goes wrong is logged at startup and may be
    /// all that is logged.
    pub(super) fn follow(&mut self, rules: &[&Rule], state: &EngineState) {
        let listening: Vec<_> = rules.iter().filter_map(|rule| Some((*rule, text_of(rule)?))).collect();
        if listening.is_empty() {
            (self.runs, self.followed) = (None, BTreeMap::new());
            return;
        }
        let containers: BTreeMap<Key, &Container> =
            state.containers().map(|it| (Key::Container(it.host.clone(), it.id.clone()), &**it)).collect();
        self.followed.retain(|key, _| containers.contains_key(key));
        let mut being_read = self.followed.values().filter(|it| !it.reading.is_finished()).count();
        for (key, it) in &containers {
            let texts = listening.iter().filter(|(rule, _)| rule.scope.takes(it));
            let texts: Texts = texts.map(|(rule, text)| (rule.id.clone(), (*text).to_owned())).collect();
            if texts.is_empty() || self.own.as_ref() == Some(&it.id) {
                self.followed.remove(key);
            } else if let Some(since) = self.since_when(key, it, &texts) {
                let is_soon =
                    self.followed.get(key).is_some_and(|it| it.texts == texts && it.begun.elapsed() < it.pause);
                match self.followed.get_mut(key) {
                    Some(follower) if is_soon || being_read >= MOST_READ => {
                        follower.unread.get_or_insert(since);
                    }
                    None if being_read >= MOST_READ => {
                        tracing::debug!(container.id = %it.id, "too many logs are followed: this one is skipped");
                    }
                    _ => {
                        self.begin(key, run(it), texts, since);
                        being_read += 1;
                    }
                }
            }
        }
        self.runs = Some(containers.into_iter().map(|(key, it)| (key, run(it))).collect());
    }

    /// The time from which to read its log; `None` if it is being read, or has been.
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
        let before = self.followed.remove(key).filter(|it| it.texts == texts);
        let since = before.as_ref().and_then(|it| it.unread).unwrap_or(since);
        let pause = match before {
            // A follower that lived long has no recent failures.
            Some(before) if before.begun.elapsed() < LONGEST_PAUSE * 2 => (before.pause * 2).min(LONGEST_PAUSE),
            _ => FIRST_PAUSE,
        };
        let reading = read(self.hosts.clone(), key.clone(), texts.clone(), since, self.found.0.clone());
        let reading = tokio::spawn(reading);
        let follower = Follower { texts, run, reading, begun: Instant::now(), pause, unread: None };
        self.followed.insert(key.clone(), follower);
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

/// Runs until the container ends, or its log can't be read.
async fn read(hosts: Hosts, key: Key, texts: Texts, since: Timestamp, found: mpsc::Sender<Found>) {
    let Key::Container(host, id) = &key else { return };
    let Some(engine) = hosts.get(host) else { return };
    // In a flood of lines the first are enough: a rule fires once.
    let each = |line: &str| {
        for (rule, _) in texts.iter().filter(|(_, text)| line.contains(text.as_str())) {
            let line = line.trim().chars().take(LONGEST).collect();
            let _ = found.try_send(Found { rule: rule.clone(), key: key.clone(), line });
        }
    };
    if let Err(error) = engine.follow_log(id, since, each).await {
        tracing::debug!(container.id = %id, %error, "can't follow a container's log");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{AlertScope, Change, HostId, Severity, arbitrary},
        server::engine::Engine,
    };
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };

    fn rule() -> Rule {
        Rule {
            id: "rule".into(),
            name: "rule".into(),
            is_on: true,
            condition: Condition::Log { text: "panic".into() },
            scope: AlertScope { name: String::new(), project: String::new() },
            severity: Severity::Warning,
            duration: 0,
            cooldown: 0,
            channels: Vec::new(),
            silenced_until: None,
            since: Timestamp::default(),
        }
    }

    fn running(count: usize) -> (EngineState, Vec<ContainerId>) {
        let mut state = EngineState::default();
        let ids: Vec<_> = (0..count).map(|number| ContainerId::new(&format!("{number:064x}")).unwrap()).collect();
        let container = arbitrary::container().new_tree(&mut TestRunner::deterministic()).unwrap().current();
        for id in &ids {
            let started_at = Some(Timestamp::from_seconds(1));
            let host = HostId::new("local").unwrap();
            let it =
                Container { host, id: id.clone(), state: ContainerState::Running, started_at, ..container.clone() };
            state.apply(Change::Put(it.into()));
        }
        (state, ids)
    }

    /// There is no engine, so no log can be read.
    fn logs() -> Logs {
        let engine = Engine::new(HostId::new("local").unwrap(), "unix:///nowhere/docker.sock".parse().unwrap());
        Logs { own: None, ..Logs::new(Hosts::new([engine]), Clock::SYSTEM) }
    }

    fn being_read(logs: &Logs) -> impl Iterator<Item = &Follower> {
        logs.followed.values().filter(|it| !it.reading.is_finished())
    }

    /// Follows once a second, as the evaluation does. Returns how many reads began.
    async fn look_for(seconds: u64, logs: &mut Logs, state: &EngineState) -> usize {
        let mut begun = 0;
        for _ in 0..seconds {
            logs.follow(&[&rule()], state);
            begun += being_read(logs).count();
            while being_read(logs).next().is_some() {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        begun
    }

    /// Bug: the log was read again each second for each container.
    #[tokio::test(start_paused = true)]
    async fn unreadable_log_is_retried_with_backoff() {
        let ((state, _), mut logs) = (running(10), logs());
        assert!(look_for(60, &mut logs, &state).await <= 10 * 7);
        assert!(look_for(600, &mut logs, &state).await <= 10 * 11);
        assert!(look_for(120, &mut logs, &state).await >= 10, "but it is");
    }

    #[tokio::test(start_paused = true)]
    async fn lines_written_during_the_backoff_are_read_after_it() {
        let ((mut state, ids), mut logs) = (running(1), logs());
        look_for(1, &mut logs, &state).await;
        let key = Key::Container(HostId::new("local").unwrap(), ids[0].clone());
        let restarted = |at| {
            let old = state.containers().next().unwrap();
            Change::Put(Container { started_at: Some(Timestamp::from_seconds(at)), ..(**old).clone() }.into())
        };
        let (first, second) = (restarted(100), restarted(200));
        logs.followed.get_mut(&key).unwrap().pause = LONGEST_PAUSE;
        state.apply(first);
        logs.follow(&[&rule()], &state);
        state.apply(second);
        logs.follow(&[&rule()], &state);
        assert_eq!(being_read(&logs).count(), 0);
        assert_eq!(logs.followed[&key].unread, Some(Timestamp::from_seconds(100)));
        tokio::time::sleep(LONGEST_PAUSE).await;
        logs.follow(&[&rule()], &state);
        assert_eq!((being_read(&logs).count(), logs.followed[&key].unread), (1, None));
    }

    #[tokio::test]
    async fn followed_logs_are_capped_and_exclude_the_own_log() {
        let ((state, ids), mut logs) = (running(MOST_READ + 10), logs());
        logs.own = Some(ids[0].clone());
        logs.follow(&[&rule()], &state);
        assert_eq!(logs.followed.len(), MOST_READ);
        assert!(logs.followed.keys().all(|key| !matches!(key, Key::Container(_, id) if *id == ids[0])));
    }
}
