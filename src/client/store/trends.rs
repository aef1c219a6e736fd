//! What the page knows of what containers use: for what it looks at the latest figures and how they came about.
//!
//! Beside the state: no revision counts them, and what nobody looks at any more is forgotten.

use crate::{
    model::{ContainerId, Key, Load, Machine, Rates, Sample, Scope, Sorted, Timestamp},
    wire::{Channel, ClientFrame, Stats, Subscription},
};
use leptos::prelude::*;
use std::{collections::VecDeque, sync::Mutex};

/// Samples kept of each container: a minute, at a little more than one a second.
const KEPT: usize = 64;

/// Samples that a rank by CPU is the mean of.
const SMOOTH: usize = 5;

/// Figures older than this, in seconds, tell nothing of now.
const STALE: i64 = 8;

/// What a page looks at, all its parts together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looks {
    /// Closely: what is on the screen.
    pub ids: Vec<ContainerId>,
    /// All that run.
    pub all: bool,
    /// What hosts use together.
    pub loads: bool,
    /// And projects.
    pub projects: bool,
    /// What happens.
    pub events: bool,
    /// What takes long.
    pub tasks: bool,
}

impl Looks {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What has to be said to a server that knows these so that it knows `wanted`.
    pub fn change_to(&self, wanted: &Self) -> Vec<ClientFrame> {
        let subscribe = |channel, ids| ClientFrame::Subscribe(Subscription { channels: vec![channel], ids });
        let mut frames = Vec::new();
        // It takes the ids along.
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

/// What one container has used of late.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    pub latest: Sample,
    pub rates: Rates,
    /// The latest minute, oldest first: tenths of a percent of one core, and bytes.
    pub cpu: VecDeque<u32>,
    pub memory: VecDeque<u64>,
}

impl Trend {
    fn new(latest: Sample) -> Self {
        let mut it = Self { latest, rates: Rates::default(), cpu: VecDeque::new(), memory: VecDeque::new() };
        it.note();
        it
    }

    fn push(&mut self, sample: Sample) {
        // A sample that comes twice is the same one.
        if sample.timestamp <= self.latest.timestamp {
            return;
        }
        let gap = sample.timestamp.seconds() - self.latest.timestamp.seconds();
        let Some(rates) = Rates::between(&self.latest, &sample).filter(|_| gap < STALE) else {
            *self = Self::new(sample);
            return;
        };
        (self.rates, self.latest) = (rates, sample);
        self.note();
    }

    fn note(&mut self) {
        if self.cpu.len() == KEPT {
            self.cpu.pop_front();
            self.memory.pop_front();
        }
        self.cpu.push_back((self.latest.cpu_percent * 10.0) as u32);
        self.memory.push_back(self.latest.memory_usage);
    }
}

/// What is used together, as the latest message said it.
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

/// A column that containers are sorted by as they used it when the list was last put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Cpu,
    Memory,
    Network,
    Block,
    Pids,
}

/// Figures of a container, as `Use` counts them.
pub type Uses = [u64; 5];

type Signal = ArcRwSignal<Option<Trend>>;

#[derive(Default)]
pub(super) struct Trends {
    trends: Mutex<Sorted<Key, Signal>>,
    loads: ArcRwSignal<Loads>,
    /// As lists are sorted by them: they change seldom, so that rows stay where they are.
    ranks: Mutex<Sorted<Key, Uses>>,
    ranked: ArcTrigger,
    /// How many parts of the page have ever looked, and those that do, with what at.
    looks: Mutex<(u32, Vec<(u32, Looks)>)>,
}

impl Trends {
    pub(super) fn of(&self, key: &Key) -> Signal {
        let mut trends = self.trends.lock().expect("nobody panics while holding the trends");
        if let Some(signal) = trends.get(key) {
            return signal.clone();
        }
        let signal = Signal::default();
        trends.insert(key.clone(), signal.clone());
        signal
    }

    pub(super) fn known(&self, key: &Key, measure: fn(&Trend) -> u64) -> Option<u64> {
        let trends = self.trends.lock().expect("nobody panics while holding the trends");
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

    /// What has not been told for a while, as of the server's clock: a figure that stands still would lie.
    pub(super) fn forget_the_old(&self, now: Timestamp) {
        let trends = self.trends.lock().expect("nobody panics while holding the trends");
        let is_old = |trend: &Option<Trend>| {
            trend.as_ref().is_some_and(|it| now.seconds() - it.latest.timestamp.seconds() > STALE)
        };
        let old: Vec<Signal> =
            trends.iter().filter(|(_, it)| it.with_untracked(is_old)).map(|(_, it)| it.clone()).collect();
        drop(trends);
        old.iter().for_each(|signal| signal.set(None));
    }

    pub(super) fn gone(&self, key: &Key) {
        self.trends.lock().expect("nobody panics while holding the trends").remove(key);
        self.ranks.lock().expect("nobody panics while holding the ranks").remove(key);
    }

    /// Lists that are sorted by what is used are put in order anew.
    pub(super) fn rank(&self) {
        let mut ranks = Sorted::default();
        let trends = self.trends.lock().expect("nobody panics while holding the trends");
        for (key, trend) in trends.iter() {
            if let Some(uses) = trend.with_untracked(|it| it.as_ref().map(uses)) {
                ranks.insert(key.clone(), uses);
            }
        }
        drop(trends);
        *self.ranks.lock().expect("nobody panics while holding the ranks") = ranks;
        self.ranked.notify();
    }

    pub(super) fn track_ranks(&self) {
        self.ranked.track();
    }

    pub(super) fn ranked(&self, key: &Key, by: Use) -> Option<u64> {
        let ranks = self.ranks.lock().expect("nobody panics while holding the ranks");
        ranks.get(key).map(|uses| uses[by as usize])
    }

    /// A number for a part of the page.
    pub(super) fn next_part(&self) -> u32 {
        let mut looks = self.looks.lock().expect("nobody panics while holding the looks");
        looks.0 += 1;
        looks.0
    }

    /// Instead of what that part looked at so far.
    pub(super) fn look(&self, part: u32, wanted: Looks) {
        let mut looks = self.looks.lock().expect("nobody panics while holding the looks");
        looks.1.retain(|(other, _)| *other != part);
        if !wanted.is_nothing() {
            looks.1.push((part, wanted));
        }
    }

    pub(super) fn looks(&self) -> Looks {
        let looks = self.looks.lock().expect("nobody panics while holding the looks");
        let mut together = Looks::default();
        for (_, looks) in &looks.1 {
            together.ids.extend(looks.ids.iter().cloned());
            together.all |= looks.all;
            together.loads |= looks.loads;
            together.projects |= looks.projects;
            together.events |= looks.events;
        }
        together.ids.sort();
        together.ids.dedup();
        together
    }
}

fn uses(trend: &Trend) -> Uses {
    let Trend { latest, rates, .. } = trend;
    let network = (rates.network_rx + rates.network_tx) as u64;
    let block = (rates.block_read + rates.block_write) as u64;
    // A moment's peak moves no row.
    let latest_few: Vec<u64> = trend.cpu.iter().rev().take(SMOOTH).map(|it| u64::from(*it)).collect();
    let cpu = latest_few.iter().sum::<u64>() / latest_few.len().max(1) as u64;
    [cpu, latest.memory_usage, network, block, latest.pids]
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
            memory_usage: 100,
            memory_limit: 1_000,
            memory_percent: 10.0,
            network_rx,
            network_tx: 0,
            block_read: 0,
            block_write: 0,
            pids: 3,
            timestamp: Timestamp::from_seconds(second),
        }
    }

    fn told(sample: Sample) -> Stats {
        Stats { samples: vec![sample], ..Stats::nothing(Timestamp::default()) }
    }

    #[test]
    fn a_trend_is_a_minute_of_samples_without_gaps() {
        let trends = Trends::default();
        let trend = trends.of(&Key::Container(sample(0, 0.0, 0).host, sample(0, 0.0, 0).container_id));
        let of = |trend: &Signal| trend.with_untracked(|it| it.clone().unwrap());
        for second in 0..70 {
            trends.take_in(told(sample(second, second as f64, second as u64 * 500)));
        }
        assert_eq!((of(&trend).cpu.len(), of(&trend).cpu[0], of(&trend).rates.network_rx), (KEPT, 60, 500.0));
        // The same again is nothing new.
        trends.take_in(told(sample(69, 1.0, 0)));
        assert_eq!(of(&trend).latest.cpu_percent, 69.0);
        // A start in between, or nobody looked: it begins anew.
        trends.take_in(told(sample(70, 1.0, 3)));
        assert_eq!(of(&trend).cpu.len(), 1);
        trends.forget_the_old(Timestamp::from_seconds(75));
        assert!(trend.with_untracked(Option::is_some));
        trends.forget_the_old(Timestamp::from_seconds(79));
        assert!(trend.with_untracked(Option::is_none));
    }

    #[test]
    fn a_page_looks_at_what_its_parts_look_at() {
        let trends = Trends::default();
        let id = |digit: &str| ContainerId::new(&digit.repeat(64)).unwrap();
        let first = trends.next_part();
        trends.look(first, Looks { ids: vec![id("b"), id("a")], ..Looks::default() });
        let second = trends.next_part();
        trends.look(second, Looks { ids: vec![id("a")], loads: true, ..Looks::default() });
        assert_eq!(trends.looks(), Looks { ids: vec![id("a"), id("b")], loads: true, ..Looks::default() });
        trends.look(first, Looks::default());
        assert_eq!(trends.looks(), Looks { ids: vec![id("a")], loads: true, ..Looks::default() });
    }

    #[test]
    fn a_server_is_told_what_is_other_than_it_knows() {
        let id = ContainerId::new(&"a".repeat(64)).unwrap();
        let (nothing, one) = (Looks::default(), Looks { ids: vec![id.clone()], ..Looks::default() });
        let both = Looks { all: true, ..one.clone() };
        let named = |ids: &[ContainerId]| {
            ClientFrame::Subscribe(Subscription { channels: vec![Channel::Stats], ids: Some(ids.to_vec()) })
        };
        assert_eq!(nothing.change_to(&nothing), []);
        assert_eq!(nothing.change_to(&one), [named(std::slice::from_ref(&id))]);
        assert_eq!(one.change_to(&nothing), [named(&[])]);
        assert_eq!(
            both.change_to(&Looks { loads: true, ..one.clone() }),
            [
                ClientFrame::Unsubscribe(vec![Channel::Stats]),
                named(&[id]),
                ClientFrame::Subscribe(Subscription { channels: vec![Channel::Loads], ids: Some(vec![]) }),
            ]
        );
        assert_eq!(one.change_to(&both).len(), 1);
    }
}
