//! The high-rate lane: what running containers use, a sample a second for as long as somebody looks. Beside the state and
//! lossy by design: who is late gets the latest.

mod cgroup;
mod machine;
mod reading;
mod recorder;
mod round;
mod source;
mod turns;
mod viewer;

pub use reading::{Cpu, Flow, Memory, Reading};
pub use recorder::record;
pub use round::Round;
pub use viewer::{Viewer, Wanted};

use super::{clock::Clock, engine::EngineUrl, hosts::Hosts, state::Reader};
use crate::model::{Container, ContainerState, Host, HostId, Key, Sample, Timestamp};
use cgroup::Kernel;
use machine::Machines;
use round::Together;
use source::{Closeness, Source};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use turns::Turns;

/// Between two samples of what is looked at closely. A little less than a second: when one tick is passed over on a busy
/// machine, the next sample is still there within two.
const EVERY: Duration = Duration::from_millis(950);

/// A sample takes two readings: who begins to look has the first after this time, not after a second.
const SECOND_LOOK: Duration = Duration::from_millis(250);

/// A reader goes on for so long after its last viewer: scrolling back and forth must not open it anew each time.
const GRACE: Duration = Duration::from_secs(5);

/// Cheap to clone.
#[derive(Clone)]
pub struct Stats(Arc<Shared>);

struct Shared {
    hosts: Hosts,
    reader: Reader,
    clock: Clock,
    looked_at: Mutex<LookedAt>,
    /// Somebody begins to look.
    begun: Notify,
    rounds: watch::Sender<Arc<Round>>,
    /// As they were last read.
    counters: Mutex<BTreeMap<Key, Reading>>,
}

/// By whom what is looked at.
#[derive(Default)]
struct LookedAt {
    these: BTreeMap<Key, Look>,
    all: Look,
    loads: Look,
    projects: Look,
    recorded: Look,
    /// Until then somebody who asked once counts as one who looks at all.
    asked_until: Option<Instant>,
}

#[derive(Default)]
struct Look {
    viewers: u32,
    /// When the last viewer went.
    left: Option<Instant>,
}

impl Look {
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

impl LookedAt {
    fn enter(&mut self, wanted: &Wanted) {
        for key in &wanted.these {
            self.these.entry(key.clone()).or_default().enter();
        }
        self.wholes(wanted).for_each(Look::enter);
    }

    fn leave(&mut self, wanted: &Wanted, now: Instant) {
        for key in &wanted.these {
            self.these.get_mut(key).expect("kept while it has viewers").leave(now);
        }
        self.wholes(wanted).for_each(|look| look.leave(now));
    }

    fn wholes(&mut self, wanted: &Wanted) -> impl Iterator<Item = &mut Look> {
        let Wanted { all, loads, projects, recorded, these: _ } = wanted;
        let wholes = [
            (*all, &mut self.all),
            (*loads, &mut self.loads),
            (*projects, &mut self.projects),
            (*recorded, &mut self.recorded),
        ];
        wholes.into_iter().filter_map(|(is_wanted, look)| is_wanted.then_some(look))
    }

    /// What is looked at now: those to be read closely, and whether the others are read at all.
    fn now(&mut self) -> Close {
        let now = Instant::now();
        self.these.retain(|_, look| !look.is_over(now));
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

/// See [`LookedAt::now`].
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

    /// None of what nobody wants.
    fn closeness(&self, key: &Key) -> Option<Closeness> {
        if self.these.contains(key) {
            Some(Closeness::Close)
        } else if self.others {
            Some(Closeness::Other)
        } else {
            self.recorded.then_some(Closeness::Recorded)
        }
    }
}

/// All that is read, while somebody looks.
struct Readers {
    sources: HashMap<Key, Source>,
    machines: Machines,
    /// Of each engine.
    turns: BTreeMap<HostId, Arc<Turns>>,
    /// Rounds so far.
    round: u64,
}

/// Which sources a round reads.
#[derive(Clone, Copy, PartialEq)]
enum Reads {
    Due,
    /// Those that have never said anything.
    Fresh,
}

impl Stats {
    pub fn new(hosts: Hosts, reader: Reader, clock: Clock) -> Self {
        let (looked_at, begun, rounds) = (Mutex::default(), Notify::new(), watch::Sender::default());
        Self(Arc::new(Shared { hosts, reader, clock, looked_at, begun, rounds, counters: Mutex::default() }))
    }

    /// The latest counters of all that something is known of. Who asks again within `again` finds fresh ones of all.
    pub fn counters(&self, again: Duration) -> BTreeMap<Key, Reading> {
        self.looked_at().asked_until = Some(Instant::now() + again);
        self.0.begun.notify_one();
        self.0.counters.lock().expect("nobody panics while holding the counters").clone()
    }

    pub fn viewer(&self) -> Viewer {
        Viewer::new(self.clone())
    }

    /// Never ends by itself. With nobody looking it does nothing at all.
    pub async fn run(self) {
        let kernel = Arc::new(Kernel::new());
        loop {
            while self.looked_at().now().is_nothing() {
                self.0.begun.notified().await;
            }
            self.while_somebody_looks(&kernel).await;
        }
    }

    async fn while_somebody_looks(&self, kernel: &Arc<Kernel>) {
        let mut readers =
            Readers { sources: HashMap::new(), machines: Machines::default(), turns: BTreeMap::new(), round: 0 };
        let mut second_look: Option<Instant> = None;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let reads = tokio::select! {
                _ = ticks.tick() => Reads::Due,
                // Somebody begins to look at more.
                () = self.0.begun.notified() => Reads::Fresh,
                () = sleep_until(second_look.unwrap_or_else(Instant::now)), if second_look.is_some() => Reads::Fresh,
            };
            let close = self.looked_at().now();
            if close.is_nothing() {
                return;
            }
            if reads == Reads::Due && close.is_only_recorded() && !readers.is_time_to_record() {
                continue;
            }
            let was_second_look = second_look.take().is_some_and(|due| due <= Instant::now());
            let containers = self.containers(&close);
            readers.machines.watch(self.machine(kernel).filter(|_| close.loads));
            readers.open_and_close(&containers, &close, &self.0.hosts, kernel);
            let round = readers.read(reads, &containers, &close, kernel, self.0.clock.now()).await;
            self.keep_counters(&readers.sources);
            if !was_second_look && readers.sources.values().any(Source::is_fresh) {
                second_look = Some(Instant::now() + SECOND_LOOK);
            }
            self.0.rounds.send_replace(Arc::new(round));
        }
    }

    fn keep_counters(&self, sources: &HashMap<Key, Source>) {
        let counters = sources.iter().filter_map(|(key, source)| Some((key.clone(), source.reading()?)));
        *self.0.counters.lock().expect("nobody panics while holding the counters") = counters.collect();
    }

    /// Those that run and are looked at.
    fn containers(&self, close: &Close) -> BTreeMap<Key, Arc<Container>> {
        self.0.reader.look(|state| {
            let running = state.containers().filter(|it| it.state == ContainerState::Running);
            let keyed = running.map(|it| (Key::Container(it.host.clone(), it.id.clone()), it));
            let looked_at = keyed.filter(|(key, _)| close.closeness(key).is_some());
            looked_at.map(|(key, it)| (key, it.clone())).collect()
        })
    }

    /// The host that is this machine: an engine's socket may as well lead into a virtual one.
    fn machine(&self, kernel: &Kernel) -> Option<HostId> {
        let is_near = |id: &HostId| self.0.hosts.get(id).is_some_and(|it| matches!(it.url(), EngineUrl::Unix(_)));
        self.0.reader.look(|state| {
            let is_this = |host: &&Arc<Host>| host.engine.as_ref().is_some_and(|it| it.memory == kernel.memory());
            state.hosts().filter(is_this).map(|host| host.id.clone()).find(is_near)
        })
    }

    fn looked_at(&self) -> MutexGuard<'_, LookedAt> {
        self.0.looked_at.lock().expect("nobody panics while counting viewers")
    }
}

impl Readers {
    /// Counts the round where it isn't. An engine that is still asked is a reason to look who wants that.
    fn is_time_to_record(&mut self) -> bool {
        let asks = self.sources.values().any(Source::asks);
        let is_time = asks || (self.round + 1).is_multiple_of(Closeness::Recorded.rounds());
        self.round += u64::from(!is_time);
        is_time
    }

    fn open_and_close(
        &mut self,
        containers: &BTreeMap<Key, Arc<Container>>,
        close: &Close,
        hosts: &Hosts,
        kernel: &Kernel,
    ) {
        self.sources.retain(|key, source| {
            let wanted = containers.get(key).zip(close.closeness(key));
            wanted.is_some_and(|(it, closeness)| source.still_serves(it, closeness))
        });
        for (key, container) in containers {
            let engine = hosts.get(&container.host);
            if let (false, Some(engine)) = (self.sources.contains_key(key), engine) {
                let turns = self.turns.entry(container.host.clone());
                let turns = turns.or_default();
                let closeness = close.closeness(key).unwrap_or(Closeness::Recorded);
                if let Some(source) = Source::open(container, engine, kernel, closeness, turns) {
                    self.sources.insert(key.clone(), source);
                }
            }
        }
    }

    /// Files are read on a thread that may wait.
    async fn read(
        &mut self,
        reads: Reads,
        containers: &BTreeMap<Key, Arc<Container>>,
        close: &Close,
        kernel: &Arc<Kernel>,
        at: Timestamp,
    ) -> Round {
        self.round += u64::from(reads == Reads::Due);
        let (round, wanted, kernel) = (self.round, close.clone(), kernel.clone());
        let mut sources = std::mem::take(&mut self.sources);
        let read = tokio::task::spawn_blocking(move || {
            let is_read = |key: &Key, source: &Source| match reads {
                Reads::Due => wanted.closeness(key).is_some_and(|closeness| source.is_due(closeness, round)),
                Reads::Fresh => source.is_fresh(),
            };
            let due = sources.iter_mut().filter(|(key, source)| is_read(key, source));
            let readings: Vec<_> = due.filter_map(|(key, it)| Some((key.clone(), it.next(&kernel, at)?))).collect();
            (sources, readings)
        });
        let (sources, readings) = read.await.expect("reading files does not panic");
        self.sources = sources;
        let mut samples = BTreeMap::<Key, Sample>::new();
        for (key, (before, now)) in readings {
            let Some(sample) = containers.get(&key).and_then(|it| now.since(&before, it)) else { continue };
            if let Some(source) = self.sources.get_mut(&key) {
                source.keep(&sample);
            }
            samples.insert(key, sample);
        }
        let together = (close.loads && reads == Reads::Due).then(|| {
            Together::of(&self.sources, containers, self.machines.read().into_iter().collect(), close.projects)
        });
        Round { at, samples, together }
    }
}
