//! Resource usage sampling: one sample per second of each running container, as long as there are subscriptions. Separate from
//! the state and lossy by design: a slow client gets the latest sample.

mod cgroup;
mod local_engine;
mod machine;
mod one_shot_limiter;
mod recorder;
mod source;
mod subscription;
mod tick;

pub use recorder::record;
pub use subscription::{StatsSubscription, SubscribedStats};
pub use tick::Tick;

use super::{clock::Clock, engine::Reading, hosts::Hosts, state::Reader};
use crate::model::{Container, ContainerState, Host, HostId, Key, Sample, Timestamp};
use cgroup::Kernel;
use local_engine::{LocalEngines, ThisMachine};
use machine::Machines;
use one_shot_limiter::OneShotLimiter;
use source::{SamplingTier, Source};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tick::HostLoads;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

/// Interval between two samples of closely watched containers. A little less than a second: if one tick is skipped on a busy
/// machine, the next sample still arrives within two seconds.
const EVERY: Duration = Duration::from_millis(950);

/// A sample needs two readings: a new subscription gets its first sample after this time, not after a second.
const SECOND_READ: Duration = Duration::from_millis(250);

/// A reader continues this long after its last subscription ended: scrolling back and forth must not reopen it each time.
const GRACE: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Clone)]
pub struct Stats(Arc<Shared>);

struct Shared {
    hosts: Hosts,
    reader: Reader,
    clock: Clock,
    subscriptions: Mutex<Subscriptions>,
    /// Notified when a subscription begins.
    begun: Notify,
    rounds: watch::Sender<Arc<Tick>>,
    kernel: Arc<Kernel>,
    here: ThisMachine,
    nearness: Mutex<LocalEngines>,
    /// The counters of the last readings.
    counters: Mutex<BTreeMap<Key, Reading>>,
}

/// Number of subscriptions for each container and each total.
#[derive(Default)]
struct Subscriptions {
    these: BTreeMap<Key, SubscriptionCount>,
    all: SubscriptionCount,
    loads: SubscriptionCount,
    projects: SubscriptionCount,
    recorded: SubscriptionCount,
    /// Until then, a one-time request counts as a subscription to all containers.
    asked_until: Option<Instant>,
}

#[derive(Default)]
struct SubscriptionCount {
    viewers: u32,
    /// When the last subscription ended.
    left: Option<Instant>,
}

impl SubscriptionCount {
    fn enter(&mut self) {
        self.viewers += 1;
        self.left = None;
    }

    fn leave(&mut self, now: Instant) {
        self.viewers -= 1;
        self.left = (self.viewers == 0).then_some(now);
    }

    fn is_over(&self, now: Instant) -> bool {
        self.viewers == 0 && self.left.is_none_or(|left| now - left >= GRACE)
    }
}

impl Subscriptions {
    fn enter(&mut self, wanted: &SubscribedStats) {
        for key in &wanted.these {
            self.these.entry(key.clone()).or_default().enter();
        }
        self.wholes(wanted).for_each(SubscriptionCount::enter);
    }

    fn leave(&mut self, wanted: &SubscribedStats, now: Instant) {
        for key in &wanted.these {
            self.these.get_mut(key).expect("the entry is kept while it has viewers").leave(now);
        }
        self.wholes(wanted).for_each(|count| count.leave(now));
    }

    fn wholes(&mut self, wanted: &SubscribedStats) -> impl Iterator<Item = &mut SubscriptionCount> {
        let SubscribedStats { all, loads, projects, recorded, these: _ } = wanted;
        let wholes = [
            (*all, &mut self.all),
            (*loads, &mut self.loads),
            (*projects, &mut self.projects),
            (*recorded, &mut self.recorded),
        ];
        wholes.into_iter().filter_map(|(is_wanted, count)| is_wanted.then_some(count))
    }

    /// The current subscriptions: which containers are read closely, and whether the others are read at all.
    fn now(&mut self) -> Close {
        let now = Instant::now();
        self.these.retain(|_, count| !count.is_over(now));
        Close {
            these: self.these.keys().cloned().collect(),
            others: !self.all.is_over(now)
                || !self.loads.is_over(now)
                || self.asked_until.is_some_and(|until| now < until),
            loads: !self.loads.is_over(now),
            projects: !self.projects.is_over(now),
            recorded: self.recorded.viewers > 0,
        }
    }
}

/// See [`Subscriptions::now`].
#[derive(Clone)]
struct Close {
    these: std::collections::BTreeSet<Key>,
    others: bool,
    loads: bool,
    projects: bool,
    recorded: bool,
}

impl Close {
    fn is_nothing(&self) -> bool {
        self.these.is_empty() && !self.others && !self.recorded
    }

    fn is_only_recorded(&self) -> bool {
        self.these.is_empty() && !self.others
    }

    /// None if no subscription includes the container.
    fn tier(&self, key: &Key) -> Option<SamplingTier> {
        if self.these.contains(key) {
            Some(SamplingTier::Close)
        } else if self.others {
            Some(SamplingTier::Other)
        } else {
            self.recorded.then_some(SamplingTier::Recorded)
        }
    }
}

/// All that is read while there are subscriptions.
struct Readers {
    sources: HashMap<Key, Source>,
    machines: Machines,
    /// One for each engine.
    limiter: BTreeMap<HostId, Arc<OneShotLimiter>>,
    /// Number of rounds so far.
    round: u64,
}

/// Which sources a round reads.
#[derive(Clone, Copy, PartialEq)]
enum Reads {
    Due,
    /// Sources that have no sample yet.
    Fresh,
}

impl Stats {
    pub fn new(hosts: Hosts, reader: Reader, clock: Clock) -> Self {
        let kernel = Arc::new(Kernel::new());
        Self(Arc::new(Shared {
            hosts,
            reader,
            clock,
            subscriptions: Mutex::default(),
            begun: Notify::new(),
            rounds: watch::Sender::default(),
            here: ThisMachine::read(kernel.memory()),
            kernel,
            nearness: Mutex::default(),
            counters: Mutex::default(),
        }))
    }

    /// The latest counters of all containers that have any. A caller that asks again within `again` gets fresh counters of all
    /// containers.
    pub fn counters(&self, again: Duration) -> BTreeMap<Key, Reading> {
        self.subscriptions().asked_until = Some(Instant::now() + again);
        self.0.begun.notify_one();
        self.0.counters.lock().expect("the lock isn't poisoned").clone()
    }

    pub fn subscribe(&self) -> StatsSubscription {
        StatsSubscription::new(self.clone())
    }

    /// Runs until dropped. Does nothing without subscriptions.
    pub async fn run(self) {
        let kernel = self.0.kernel.clone();
        loop {
            while self.subscriptions().now().is_nothing() {
                self.0.begun.notified().await;
            }
            self.sample_while_subscribed(&kernel).await;
        }
    }

    async fn sample_while_subscribed(&self, kernel: &Arc<Kernel>) {
        let mut readers =
            Readers { sources: HashMap::new(), machines: Machines::default(), limiter: BTreeMap::new(), round: 0 };
        let mut second_read: Option<Instant> = None;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let reads = tokio::select! {
                _ = ticks.tick() => Reads::Due,
                // A subscription begins or changes.
                () = self.0.begun.notified() => Reads::Fresh,
                () = sleep_until(second_read.unwrap_or_else(Instant::now)), if second_read.is_some() => Reads::Fresh,
            };
            let close = self.subscriptions().now();
            if close.is_nothing() {
                return;
            }
            if reads == Reads::Due && close.is_only_recorded() && !readers.is_time_to_record() {
                continue;
            }
            let was_second_read = second_read.take().is_some_and(|due| due <= Instant::now());
            let containers = self.containers(&close);
            let near = self.near();
            readers.machines.watch(near.first().cloned().filter(|_| close.loads));
            readers.open_and_close(&containers, &close, &self.0.hosts, &near, kernel);
            let round = readers.read(reads, &containers, &close, kernel, self.0.clock.now()).await;
            self.keep_counters(&readers.sources);
            if !was_second_read && readers.sources.values().any(Source::is_fresh) {
                second_read = Some(Instant::now() + SECOND_READ);
            }
            self.0.rounds.send_replace(Arc::new(round));
        }
    }

    fn keep_counters(&self, sources: &HashMap<Key, Source>) {
        let counters = sources.iter().filter_map(|(key, source)| Some((key.clone(), source.reading()?)));
        *self.0.counters.lock().expect("the lock isn't poisoned") = counters.collect();
    }

    /// The running containers that are subscribed.
    fn containers(&self, close: &Close) -> BTreeMap<Key, Arc<Container>> {
        self.0.reader.look(|state| {
            let running = state.containers().filter(|it| it.state == ContainerState::Running);
            let keyed = running.map(|it| (Key::Container(it.host.clone(), it.id.clone()), it));
            let subscribed = keyed.filter(|(key, _)| close.tier(key).is_some());
            subscribed.map(|(key, it)| (key, it.clone())).collect()
        })
    }

    /// Whether the engine runs on this machine: the kernel's files and the disk here are its own.
    pub fn is_local(&self, host: &HostId) -> bool {
        self.near().contains(host)
    }

    /// The hosts whose engine runs on this machine.
    fn near(&self) -> Vec<HostId> {
        let Shared { hosts, reader, kernel, here, nearness, .. } = &*self.0;
        let may_be = |host: &&Arc<Host>| hosts.get(&host.id).is_some_and(|it| it.endpoint().may_be_local());
        let candidates: Vec<_> = reader.look(|state| {
            let running = |host: &HostId| here.worth_looking_for(host, state);
            state.hosts().filter(may_be).map(|host| (host.clone(), running(&host.id))).collect()
        });
        let mut nearness = nearness.lock().expect("the lock isn't poisoned");
        let near = candidates.into_iter().filter(|(host, running)| nearness.is_local(host, here, kernel, running));
        near.map(|(host, _)| host.id.clone()).collect()
    }

    fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        self.0.subscriptions.lock().expect("the lock isn't poisoned")
    }
}

impl Readers {
    /// Whether this round records; counts the round if it doesn't. True while an engine is still queried, to check whether that
    /// is still needed.
    fn is_time_to_record(&mut self) -> bool {
        let asks = self.sources.values().any(Source::asks);
        let is_time = asks || (self.round + 1).is_multiple_of(SamplingTier::Recorded.rounds());
        self.round += u64::from(!is_time);
        is_time
    }

    fn open_and_close(
        &mut self,
        containers: &BTreeMap<Key, Arc<Container>>,
        close: &Close,
        hosts: &Hosts,
        near: &[HostId],
        kernel: &Kernel,
    ) {
        self.sources.retain(|key, source| {
            let wanted = containers.get(key).zip(close.tier(key));
            wanted.is_some_and(|(it, tier)| source.still_serves(it, tier))
        });
        for (key, container) in containers {
            let engine = hosts.get(&container.host);
            if let (false, Some(engine)) = (self.sources.contains_key(key), engine) {
                let limiter = self.limiter.entry(container.host.clone());
                let limiter = limiter.or_default();
                let tier = close.tier(key).unwrap_or(SamplingTier::Recorded);
                if let Some(source) =
                    Source::open(container, engine, near.contains(&container.host), kernel, tier, limiter)
                {
                    self.sources.insert(key.clone(), source);
                }
            }
        }
    }

    /// Reads the sources. Files are read on a thread that may block.
    async fn read(
        &mut self,
        reads: Reads,
        containers: &BTreeMap<Key, Arc<Container>>,
        close: &Close,
        kernel: &Arc<Kernel>,
        at: Timestamp,
    ) -> Tick {
        self.round += u64::from(reads == Reads::Due);
        let (round, wanted, kernel) = (self.round, close.clone(), kernel.clone());
        let mut sources = std::mem::take(&mut self.sources);
        let read = tokio::task::spawn_blocking(move || {
            let is_read = |key: &Key, source: &Source| match reads {
                Reads::Due => wanted.tier(key).is_some_and(|tier| source.is_due(tier, round)),
                Reads::Fresh => source.is_fresh(),
            };
            let due = sources.iter_mut().filter(|(key, source)| is_read(key, source));
            let readings: Vec<_> = due.filter_map(|(key, it)| Some((key.clone(), it.next(&kernel, at)?))).collect();
            (sources, readings)
        });
        let (sources, readings) = read.await.expect("reading files doesn't panic");
        self.sources = sources;
        let mut samples = BTreeMap::<Key, Sample>::new();
        for (key, (before, now)) in readings {
            let Some(sample) = containers.get(&key).and_then(|it| now.since(&before, it)) else { continue };
            if let Some(source) = self.sources.get_mut(&key) {
                source.keep(&sample);
            }
            samples.insert(key, sample);
        }
        let host_loads = (close.loads && reads == Reads::Due).then(|| {
            HostLoads::of(&self.sources, containers, self.machines.read().into_iter().collect(), close.projects)
        });
        Tick { at, samples, host_loads }
    }
}
