//! Metrics of containers.

use super::exposition::{Exposition, Kind, Labels};
use crate::{
    model::{Container, ContainerState, EngineState, Key},
    server::{engine::Reading, stats::Stats},
};
use std::{collections::BTreeMap, fmt::Display, sync::Arc, time::Duration};

/// Longest scrape interval for which all containers stay sampled between scrapes.
const SCRAPES: Duration = Duration::from_secs(90);

pub(super) fn write(text: &mut Exposition, state: &EngineState, stats: &Stats) {
    counts(text, state);
    let containers: Vec<_> = state.containers().map(Labelled::new).collect();
    let help = "State of the container. Always 1; other states have no sample.";
    of_each(text, Kind::Gauge, "quaylight_container_state", help, &containers, |it| {
        Some((it.labels.and("state", it.container.state.as_str()), 1))
    });
    let help = "Health status of a container with a health check. Always 1; other statuses have no sample.";
    of_each(text, Kind::Gauge, "quaylight_container_health", help, &containers, |it| {
        Some((it.labels.and("health", it.container.health?.as_str()), 1))
    });
    let help = "Restarts by the restart policy. The engine resets this when the container is started manually.";
    of_each(text, Kind::Counter, "quaylight_container_restarts_total", help, &containers, |it| {
        Some((it.labels.clone(), it.container.restart_count?))
    });
    usage(text, &containers, &stats.counters(SCRAPES));
}

/// Usage of the running containers, as last sampled. Missing in the first scrape.
fn usage(text: &mut Exposition, containers: &[Labelled<'_>], counters: &BTreeMap<Key, Reading>) {
    let of = |it: &Labelled<'_>| {
        let key = Key::Container(it.container.host.clone(), it.container.id.clone());
        Some((it.labels.clone(), *counters.get(&key)?))
    };
    let known: Vec<(Labels, Reading)> = containers.iter().filter_map(of).collect();
    let mut each = |kind, name, help, value: &dyn Fn(&Reading) -> Option<f64>| {
        let mut family = text.family(kind, name, help);
        for (labels, reading) in &known {
            if let Some(value) = value(reading) {
                family.sample(labels, value);
            }
        }
    };
    use Kind::{Counter, Gauge};
    let name = "quaylight_container_cpu_seconds_total";
    each(Counter, name, "CPU time used by the container, in seconds.", &|it| Some(it.cpu.used as f64 / 1e9));
    let name = "quaylight_container_memory_usage_bytes";
    let help = "Memory used by the container, excluding inactive page cache, as in docker stats.";
    each(Gauge, name, help, &|it| Some(it.memory?.in_use() as f64));
    let name = "quaylight_container_memory_limit_bytes";
    each(Gauge, name, "Memory limit of the container, or the host's total memory without a limit.", &|it| {
        Some(it.memory?.limit as f64)
    });
    let name = "quaylight_container_network_receive_bytes_total";
    each(Counter, name, "Bytes received by the container.", &|it| Some(it.network?.inward as f64));
    let name = "quaylight_container_network_transmit_bytes_total";
    each(Counter, name, "Bytes sent by the container.", &|it| Some(it.network?.outward as f64));
    let name = "quaylight_container_block_read_bytes_total";
    each(Counter, name, "Bytes read from block devices by the container.", &|it| Some(it.block?.inward as f64));
    let name = "quaylight_container_block_write_bytes_total";
    each(Counter, name, "Bytes written to block devices by the container.", &|it| Some(it.block?.outward as f64));
    let name = "quaylight_container_pids";
    each(Gauge, name, "Processes and threads of the container.", &|it| Some(it.pids? as f64));
}

/// Includes states without a container: a missing sample can't be compared with 0.
fn counts(text: &mut Exposition, state: &EngineState) {
    let mut family = text.family(Kind::Gauge, "quaylight_containers", "Number of containers in each state.");
    for host in state.hosts() {
        let mut counts = [0_u64; ContainerState::ALL.len()];
        for container in state.containers().filter(|it| it.host == host.id) {
            counts[container.state as usize] += 1;
        }
        for state in ContainerState::ALL {
            let labels = Labels::of("host", host.id.as_str()).and("state", state.as_str());
            family.sample(&labels, counts[state as usize]);
        }
    }
}

struct Labelled<'a> {
    container: &'a Container,
    labels: Labels,
}

impl<'a> Labelled<'a> {
    fn new(container: &'a Arc<Container>) -> Self {
        let labels = Labels::of("host", container.host.as_str())
            .and("name", &container.name)
            .and("id", container.id.short())
            .and("project", container.project().unwrap_or_default());
        Self { container, labels }
    }
}

/// Writes a sample for each container for which `sample` returns one.
fn of_each<V: Display>(
    text: &mut Exposition,
    kind: Kind,
    name: &'static str,
    help: &'static str,
    containers: &[Labelled<'_>],
    sample: impl Fn(&Labelled<'_>) -> Option<(Labels, V)>,
) {
    let mut family = text.family(kind, name, help);
    for (labels, value) in containers.iter().filter_map(sample) {
        family.sample(&labels, value);
    }
}
