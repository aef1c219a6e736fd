//! Resource usage of containers: the latest figures and their history, for the containers the page subscribes to.
//!
//! Trends are separate from the state: they have no revision, and are dropped when the page no longer subscribes to
//! them.

use crate::{
    model::{ContainerId, Key, Load, Machine, Rates, Sample, Scope, Sorted, Timestamp},
    wire::{Channel, ClientFrame, Stats, Subscription},
};
use leptos::prelude::*;
use std::{collections::VecDeque, sync::Mutex};

/// Samples kept of each container: one minute, at a little more than one sample per second.
const KEPT: usize = 64;

/// The number of samples averaged for the rank by CPU.
const SMOOTH: usize = 5;

/// Age limit in seconds. Older figures say nothing about the present.
const STALE: i64 = 8;

/// The subscriptions of a page, all its parts together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// Containers on the screen, sampled closely.
    pub ids: Vec<ContainerId>,
    /// All running containers.
    pub all: bool,
    /// The total usage of hosts.
    pub loads: bool,
    /// And of projects.
    pub projects: bool,
    /// Engine events.
    pub events: bool,
    /// Long-running tasks.
    pub tasks: bool,
}

impl Subscriptions {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the frames that change the server's subscriptions from `self` to `wanted`.
    pub fn change_to(&self, wanted: &Self) -> Vec<ClientFrame> {
        let subscribe = |channel, ids| ClientFrame::Subscribe(Subscription { channels: vec![channel], ids });
        let mut frames = Vec::new();
        // Unsubscribing drops the ids, too.
        let forgets = self.all && !wanted.all;
        if forgets {
            frames.push(ClientFrame::Unsubscribe(vec![Channel::Stats]));
        }
        let known: &[ContainerId] = if forgets { &[] } else { &self.ids };
        if *known != *wanted.ids {
            frames.push(subscribe(Channel::Stats, Some(wanted.ids.clone())));
        }
        if wanted.all && !self.all {
            frames.push(subscribe(Channel::Stats, None));
        }
        if wanted.loads && (self.loads, self.projects) != (true, wanted.projects) {
            frames.push(subscribe(Channel::Loads, (!wanted.projects).then(Vec::new)));
        } else if self.loads && !wanted.loads {
            frames.push(ClientFrame::Unsubscribe(vec![Channel::Loads]));
        }
        match (self.events, wanted.events) {
            (false, true) => frames.push(subscribe(Channel::Events, None)),
            (true, false) => frames.push(ClientFrame::Unsubscribe(vec![Channel::Events])),
            _ => {}
        }
        match (self.tasks, wanted.tasks) {
            (false, true) => frames.push(subscribe(Channel::Tasks, None)),
            (true, false) => frames.push(ClientFrame::Unsubscribe(vec![Channel::Tasks])),
            _ => {}
        }
        frames
    }
}

/// Recent usage of one container.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    pub latest: Sample,
    /// `None` for a first sample: rates need two.
    pub rates: Option<Rates>,
    /// The last minute, oldest first: CPU in tenths of a percent of one core, memory in bytes.
    pub cpu: VecDeque<u32>,
    pub memory: VecDeque<u64>,
}

impl Trend {
    fn new(latest: Sample) -> Self {
        let mut it = Self { latest, rates: None, cpu: VecDeque::new(), memory: VecDeque::new() };
        it.note();
        it
    }

    fn push(&mut self, sample: Sample) {
        let gap = sample.timestamp.seconds() - self.latest.timestamp.seconds();
        // A sample that arrives twice is ignored. A much older one means that the server's clock was set back: if it
        // were ignored, the figures would stand still for as long.
        if sample.timestamp <= self.latest.timestamp && gap > -STALE {
            return;
        }
        let Some(rates) = Rates::between(&self.latest, &sample).filter(|_| gap < STALE) else {
            *self = Self::new(sample);
            return;
        };
        (self.rates, self.latest) = (Some(rates), sample);
        self.note();
    }

    fn note(&mut self) {
        if self.cpu.len() == KEPT {
            self.cpu.pop_front();
            self.memory.pop_front();
        }
        self.cpu.push_back((self.latest.cpu_percent * 10.0) as u32);
        self.memory.push_back(self.latest.memory_usage.unwrap_or_default());
    }
}

/// Total usage, from the latest message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loads {
    pub loads: Vec<Load>,
    pub machines: Vec<Machine>,
}

impl Loads {
    pub fn of(&self, scope: &Scope) -> Option<&Load> {
        self.loads.iter().find(|load| load.scope == *scope)
    }
}

/// A usage column that containers are sorted by, at its value when the list was last ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Cpu,
    Memory,
    Network,
    Block,
    Pids,
}

/// Usage figures of a container, indexed by [`Use`].
pub type Uses = [u64; 5];

type Signal = ArcRwSignal<Option<Trend>>;

#[derive(Default)]
pub(super) struct Trends {
    trends: Mutex<Sorted<Key, Signal>>,
    loads: ArcRwSignal<Loads>,
    /// The figures that lists are sorted by. They are updated seldom, so that rows stay where they are.
    ranks: Mutex<Sorted<Key, Uses>>,
    ranked: ArcTrigger,
    /// The number of parts of the page that have ever subscribed, and the current subscriptions by part.
    subscriptions: Mutex<(u32, Vec<(u32, Subscriptions)>)>,
}

impl Trends {
    pub(super) fn of(&self, key: &Key) -> Signal {
        let mut trends = self.trends.lock().expect("the lock isn't poisoned");
        if let Some(signal) = trends.get(key) {
            return signal.clone();
        }
        let signal = Signal::default();
        trends.insert(key.clone(), signal.clone());
        signal
    }

    pub(super) fn known<T>(&self, key: &Key, measure: fn(&Trend) -> T) -> Option<T> {
        let trends = self.trends.lock().expect("the lock isn't poisoned");
        trends.get(key)?.with_untracked(|trend| trend.as_ref().map(measure))
    }

    pub(super) fn loads(&self) -> ArcRwSignal<Loads> {
        self.loads.clone()
    }

    pub(super) fn take_in(&self, stats: Stats) {
        for sample in stats.samples {
            let key = Key::Container(sample.host.clone(), sample.container_id.clone());
            self.of(&key).update(|trend| match trend {
                Some(trend) => trend.push(sample),
                None => *trend = Some(Trend::new(sample)),
            });
        }
        if !stats.loads.is_empty() {
            self.loads.set(Loads { loads: stats.loads, machines: stats.machines });
        }
    }

    /// Drops figures that were not updated for a while, by the server's clock: an outdated figure would be misleading.
    pub(super) fn forget_the_old(&self, now: Timestamp) {
        let trends = self.trends.lock().expect("the lock isn't poisoned");
        let is_old = |trend: &Option<Trend>| {
            trend.as_ref().is_some_and(|it| now.seconds() - it.latest.timestamp.seconds() > STALE)
        };
        let old: Vec<Signal> =
            trends.iter().filter(|(_, it)| it.with_untracked(is_old)).map(|(_, it)| it.clone()).collect();
        drop(trends);
        old.iter().for_each(|signal| signal.set(None));
    }

    pub(super) fn gone(&self, key: &Key) {
        self.trends.lock().expect("the lock isn't poisoned").remove(key);
        self.ranks.lock().expect("the lock isn't poisoned").remove(key);
    }

    /// Ranks the containers by their current usage.
    pub(super) fn rank(&self) {
        let mut ranks = Sorted::default();
        let trends = self.trends.lock().expect("the lock isn't poisoned");
        for (key, trend) in trends.iter() {
            if let Some(uses) = trend.with_untracked(|it| it.as_ref().map(uses)) {
                ranks.insert(key.clone(), uses);
            }
        }
        drop(trends);
        *self.ranks.lock().expect("the lock isn't poisoned") = ranks;
        self.ranked.notify();
    }

    pub(super) fn track_ranks(&self) {
        self.ranked.track();
    }

    pub(super) fn ranked(&self, key: &Key, by: Use) -> Option<u64> {
        let ranks = self.ranks.lock().expect("the lock isn't poisoned");
        ranks.get(key).map(|uses| uses[by as usize])
    }

    /// Returns a number for a part of the page.
    pub(super) fn next_part(&self) -> u32 {
        let mut subscriptions = self.subscriptions.lock().expect("the lock isn't poisoned");
        subscriptions.0 += 1;
        subscriptions.0
    }

    /// Replaces the subscriptions of a part.
    pub(super) fn look(&self, part: u32, wanted: Subscriptions) {
        let mut subscriptions = self.subscriptions.lock().expect("the lock isn't poisoned");
        subscriptions.1.retain(|(other, _)| *other != part);
        if !wanted.is_nothing() {
            subscriptions.1.push((part, wanted));
        }
    }

    pub(super) fn subscriptions(&self) -> Subscriptions {
        let subscriptions = self.subscriptions.lock().expect("the lock isn't poisoned");
        let mut together = Subscriptions::default();
        for (_, subscriptions) in &subscriptions.1 {
            together.ids.extend(subscriptions.ids.iter().cloned());
            together.all |= subscriptions.all;
            together.loads |= subscriptions.loads;
            together.projects |= subscriptions.projects;
            together.events |= subscriptions.events;
        }
        together.ids.sort();
        together.ids.dedup();
        together
    }
}

fn uses(trend: &Trend) -> Uses {
    let Trend { latest, rates, .. } = trend;
    let rates = rates.unwrap_or_default();
    // Unknown figures rank last.
    let both = |one: Option<f64>, other: Option<f64>| (one.unwrap_or_default() + other.unwrap_or_default()) as u64;
    let network = both(rates.network_rx, rates.network_tx);
    let block = both(rates.block_read, rates.block_write);
    // A short peak moves no row.
    let latest_few: Vec<u64> = trend.cpu.iter().rev().take(SMOOTH).map(|it| u64::from(*it)).collect();
    let cpu = latest_few.iter().sum::<u64>() / latest_few.len().max(1) as u64;
    [cpu, latest.memory_usage.unwrap_or_default(), network, block, latest.pids.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HostId;

    fn sample(second: i64, cpu_percent: f64, network_rx: u64) -> Sample {
        Sample {
            host: HostId::new("local").unwrap(),
            container_id: ContainerId::new(&"a".repeat(64)).unwrap(),
            name: "web".into(),
            cpu_percent,
            memory_usage: Some(100),
            memory_limit: Some(1_000),
            memory_percent: Some(10.0),
            network_rx: Some(network_rx),
            network_tx: Some(0),
            block_read: Some(0),
            block_write: Some(0),
            pids: Some(3),
            timestamp: Timestamp::from_seconds(second),
        }
    }

    fn stats_of(sample: Sample) -> Stats {
        Stats { samples: vec![sample], ..Stats::nothing(Timestamp::default()) }
    }

    #[test]
    fn trend_keeps_the_latest_samples_and_resets_after_a_gap() {
        let trends = Trends::default();
        let trend = trends.of(&Key::Container(sample(0, 0.0, 0).host, sample(0, 0.0, 0).container_id));
        let of = |trend: &Signal| trend.with_untracked(|it| it.clone().unwrap());
        for second in 0..70 {
            trends.take_in(stats_of(sample(second, second as f64, second as u64 * 500)));
        }
        assert_eq!(
            (of(&trend).cpu.len(), of(&trend).cpu[0], of(&trend).rates.unwrap().network_rx),
            (KEPT, 60, Some(500.0))
        );
        // A repeated sample is ignored.
        trends.take_in(stats_of(sample(69, 1.0, 0)));
        assert_eq!(of(&trend).latest.cpu_percent, 69.0);
        // After a restart, or a time without subscription, the trend starts from scratch.
        trends.take_in(stats_of(sample(70, 1.0, 3)));
        assert_eq!((of(&trend).cpu.len(), of(&trend).rates), (1, None));
        trends.forget_the_old(Timestamp::from_seconds(75));
        assert!(trend.with_untracked(Option::is_some));
        trends.forget_the_old(Timestamp::from_seconds(79));
        assert!(trend.with_untracked(Option::is_none));
    }

    #[test]
    fn trend_restarts_when_the_server_clock_is_set_back() {
        let trends = Trends::default();
        let trend = trends.of(&Key::Container(sample(0, 0.0, 0).host, sample(0, 0.0, 0).container_id));
        for second in [7_200, 7_201, 3_600, 3_601] {
            trends.take_in(stats_of(sample(second, second as f64, second as u64 * 500)));
        }
        let trend = trend.with_untracked(|it| it.clone().unwrap());
        assert_eq!(
            (trend.latest.timestamp.seconds(), trend.cpu.len(), trend.rates.unwrap().network_rx),
            (3_601, 2, Some(500.0))
        );
    }

    #[test]
    fn page_subscription_is_the_union_of_its_parts() {
        let trends = Trends::default();
        let id = |digit: &str| ContainerId::new(&digit.repeat(64)).unwrap();
        let first = trends.next_part();
        trends.look(first, Subscriptions { ids: vec![id("b"), id("a")], ..Subscriptions::default() });
        let second = trends.next_part();
        trends.look(second, Subscriptions { ids: vec![id("a")], loads: true, ..Subscriptions::default() });
        assert_eq!(
            trends.subscriptions(),
            Subscriptions { ids: vec![id("a"), id("b")], loads: true, ..Subscriptions::default() }
        );
        trends.look(first, Subscriptions::default());
        assert_eq!(
            trends.subscriptions(),
            Subscriptions { ids: vec![id("a")], loads: true, ..Subscriptions::default() }
        );
    }

    #[test]
    fn changed_subscription_sends_only_the_difference() {
        let id = ContainerId::new(&"a".repeat(64)).unwrap();
        let (nothing, one) =
            (Subscriptions::default(), Subscriptions { ids: vec![id.clone()], ..Subscriptions::default() });
        let both = Subscriptions { all: true, ..one.clone() };
        let named = |ids: &[ContainerId]| {
            ClientFrame::Subscribe(Subscription { channels: vec![Channel::Stats], ids: Some(ids.to_vec()) })
        };
        assert_eq!(nothing.change_to(&nothing), []);
        assert_eq!(nothing.change_to(&one), [named(std::slice::from_ref(&id))]);
        assert_eq!(one.change_to(&nothing), [named(&[])]);
        assert_eq!(
            both.change_to(&Subscriptions { loads: true, ..one.clone() }),
            [
                ClientFrame::Unsubscribe(vec![Channel::Stats]),
                named(&[id]),
                ClientFrame::Subscribe(Subscription { channels: vec![Channel::Loads], ids: Some(vec![]) }),
            ]
        );
        assert_eq!(one.change_to(&both).len(), 1);
    }
}
