//! What one reading of all that is looked at has brought.

use super::{Wanted, source::Source};
use crate::{
    model::{Container, Key, Load, Machine, Rates, Sample, Scope, Timestamp},
    wire::Stats,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// As many of those that use most go with the loads, for each of CPU and memory.
const TOP: usize = 5;

#[derive(Debug, Default)]
pub struct Round {
    pub(super) at: Timestamp,
    /// Those that are new.
    pub(super) samples: BTreeMap<Key, Sample>,
    pub(super) together: Option<Together>,
}

/// What goes to those who look at the whole.
#[derive(Debug, Default)]
pub(super) struct Together {
    loads: Vec<Load>,
    machines: Vec<Machine>,
    /// What uses most, whether its sample is new or not.
    top: Vec<(Key, Sample)>,
}

impl Round {
    /// None when there is nothing new.
    pub(super) fn seen_by(&self, wanted: &Wanted) -> Option<Stats> {
        let sees = |key: &Key| wanted.all || wanted.recorded || wanted.these.contains(key);
        let mut samples: Vec<Sample> =
            self.samples.iter().filter(|(key, _)| sees(key)).map(|(_, sample)| sample.clone()).collect();
        let together = self.together.as_ref().filter(|_| wanted.loads);
        if let Some(together) = together {
            let others = together.top.iter().filter(|(key, _)| !(sees(key) && self.samples.contains_key(key)));
            samples.extend(others.map(|(_, sample)| sample.clone()));
        }
        let is_told = |load: &&Load| wanted.projects || load.scope == Scope::Host;
        let told = |it: &Together| (it.loads.iter().filter(is_told).cloned().collect(), it.machines.clone());
        let (loads, machines): (Vec<_>, Vec<_>) = together.map(told).unwrap_or_default();
        let is_empty = samples.is_empty() && loads.is_empty() && machines.is_empty();
        (!is_empty).then_some(Stats { timestamp: self.at, samples, loads, machines })
    }
}

impl Together {
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
                load.memory_usage += sample.memory_usage;
                load.rates.add(rates);
                load.pids += sample.pids;
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
    Load { host, scope, containers: 0, cpu_percent: 0.0, memory_usage: 0, rates: Rates::default(), pids: 0 }
}
