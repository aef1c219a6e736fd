//! Sampling tick: the result of one round of readings.

use super::{SubscribedStats, source::Source};
use crate::{
    model::{Container, Key, Load, Machine, Rates, Sample, Scope, Timestamp, combined},
    wire::Stats,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Number of top containers sent with the loads, for each of CPU and memory.
const TOP: usize = 5;

#[derive(Debug, Default)]
pub struct Tick {
    pub(super) at: Timestamp,
    /// New samples.
    pub(super) samples: BTreeMap<Key, Sample>,
    pub(super) host_loads: Option<HostLoads>,
}

/// Data for subscriptions to the loads.
#[derive(Debug, Default)]
pub(super) struct HostLoads {
    loads: Vec<Load>,
    machines: Vec<Machine>,
    /// The top containers, whether their sample is new or not.
    top: Vec<(Key, Sample)>,
}

impl Tick {
    /// What a subscription receives of this tick; none if there is nothing new.
    pub(super) fn seen_by(&self, wanted: &SubscribedStats) -> Option<Stats> {
        let sees = |key: &Key| wanted.all || wanted.recorded || wanted.these.contains(key);
        let mut samples: Vec<Sample> =
            self.samples.iter().filter(|(key, _)| sees(key)).map(|(_, sample)| sample.clone()).collect();
        let host_loads = self.host_loads.as_ref().filter(|_| wanted.loads);
        if let Some(host_loads) = host_loads {
            let others = host_loads.top.iter().filter(|(key, _)| !(sees(key) && self.samples.contains_key(key)));
            samples.extend(others.map(|(_, sample)| sample.clone()));
        }
        let is_included = |load: &&Load| wanted.projects || load.scope == Scope::Host;
        let included = |it: &HostLoads| (it.loads.iter().filter(is_included).cloned().collect(), it.machines.clone());
        let (loads, machines): (Vec<_>, Vec<_>) = host_loads.map(included).unwrap_or_default();
        let is_empty = samples.is_empty() && loads.is_empty() && machines.is_empty();
        (!is_empty).then_some(Stats { timestamp: self.at, samples, loads, machines })
    }
}

impl HostLoads {
    pub(super) fn of(
        sources: &HashMap<Key, Source>,
        containers: &BTreeMap<Key, Arc<Container>>,
        machines: Vec<Machine>,
        with_projects: bool,
    ) -> Self {
        let known = containers.iter().filter_map(|(key, container)| {
            let (sample, rates) = sources.get(key)?.latest()?;
            Some((key, container, sample, rates))
        });
        let known: Vec<_> = known.collect();
        let mut loads = BTreeMap::new();
        for (_, container, sample, rates) in &known {
            let project = || Scope::Project(container.project().map(str::to_owned));
            for scope in [Some(Scope::Host), with_projects.then(project)].into_iter().flatten() {
                let load = loads
                    .entry((container.host.clone(), scope))
                    .or_insert_with_key(|(host, scope)| nothing(host.clone(), scope.clone()));
                load.containers += 1;
                load.cpu_percent += sample.cpu_percent;
                load.memory_usage = combined(load.memory_usage, sample.memory_usage, u64::saturating_add);
                load.rates = load.rates.combined(rates, |sum, it| sum + it);
                load.pids += sample.pids.unwrap_or_default();
            }
        }
        let mut by_cpu: Vec<_> = known.iter().collect();
        by_cpu.sort_by(|a, b| b.2.cpu_percent.total_cmp(&a.2.cpu_percent));
        let mut by_memory: Vec<_> = known.iter().collect();
        by_memory.sort_by_key(|it| std::cmp::Reverse(it.2.memory_usage));
        let top: BTreeMap<Key, Sample> = (by_cpu.into_iter().take(TOP))
            .chain(by_memory.into_iter().take(TOP))
            .map(|(key, _, sample, _)| ((*key).clone(), (*sample).clone()))
            .collect();
        Self { loads: loads.into_values().collect(), machines, top: top.into_iter().collect() }
    }
}

fn nothing(host: crate::model::HostId, scope: Scope) -> Load {
    Load { host, scope, containers: 0, cpu_percent: 0.0, memory_usage: None, rates: Rates::default(), pids: 0 }
}
