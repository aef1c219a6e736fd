//! Resource usage of a running container at a point in time, and the total of a project or a machine.

use super::{ContainerId, HostId, Timestamp};
use serde::{Deserialize, Serialize};

/// One sample. Counters are since the container's start, in bytes if not stated otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub host: HostId,
    pub container_id: ContainerId,
    pub name: String,
    /// Percent of one core since the previous sample, as `docker stats` shows it: two busy cores are 200.
    pub cpu_percent: f64,
    /// Without the page cache that the kernel would reclaim first, as the Docker CLI calculates it. `None` if the
    /// kernel has no memory accounting.
    pub memory_usage: Option<u64>,
    /// The machine's memory if the container has no limit.
    pub memory_limit: Option<u64>,
    pub memory_percent: Option<f64>,
    /// `None` if it can't be read or is not counted, for example on the host's network.
    pub network_rx: Option<u64>,
    pub network_tx: Option<u64>,
    pub block_read: Option<u64>,
    pub block_write: Option<u64>,
    pub pids: Option<u64>,
    pub timestamp: Timestamp,
}

/// Total usage of the running containers of a project or a host, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub host: HostId,
    pub scope: Scope,
    /// The number of containers with known figures.
    pub containers: u32,
    /// Percent of one core.
    pub cpu_percent: f64,
    /// Bytes, over the containers with known memory usage.
    pub memory_usage: Option<u64>,
    pub rates: Rates,
    /// Over the containers with a known number of processes.
    pub pids: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All containers of the host.
    Host,
    /// The containers of a Compose project. `None` means those without a project.
    Project(Option<String>),
}

/// Bytes per second. `None` if unknown.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Rates {
    pub network_rx: Option<f64>,
    pub network_tx: Option<f64>,
    pub block_read: Option<f64>,
    pub block_write: Option<f64>,
}

impl Rates {
    /// Rates between two samples of one container. `None` if the container restarted in between and its counters were
    /// reset.
    pub fn between(before: &Sample, after: &Sample) -> Option<Self> {
        let seconds = (after.timestamp.micros() - before.timestamp.micros()) as f64 / 1e6;
        if seconds <= 0.0 {
            return None;
        }
        let rate = |counter: fn(&Sample) -> Option<u64>| match counter(before).zip(counter(after)) {
            Some((before, after)) => Some(Some(after.checked_sub(before)? as f64 / seconds)),
            None => Some(None),
        };
        Some(Self {
            network_rx: rate(|it| it.network_rx)?,
            network_tx: rate(|it| it.network_tx)?,
            block_read: rate(|it| it.block_read)?,
            block_write: rate(|it| it.block_write)?,
        })
    }

    /// Combines each rate by `of`. If only one of both is known, it is used unchanged.
    #[must_use]
    pub fn combined(&self, other: &Self, of: impl Fn(f64, f64) -> f64) -> Self {
        let each = |rate: fn(&Self) -> Option<f64>| combined(rate(self), rate(other), &of);
        Self {
            network_rx: each(|it| it.network_rx),
            network_tx: each(|it| it.network_tx),
            block_read: each(|it| it.block_read),
            block_write: each(|it| it.block_write),
        }
    }
}

/// Combines both values by `of`, or returns the one that is known.
pub fn combined<T>(one: Option<T>, other: Option<T>, of: impl Fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(of(one, other)),
        (known, None) | (None, known) => known,
    }
}

/// Total usage of a machine, including processes outside of containers. Known only for the machine that Quaylight runs
/// on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub host: HostId,
    /// Percent of all cores together: 100 is the maximum.
    pub cpu_percent: f64,
    pub cpus: u32,
    /// Bytes that are not available to programs.
    pub memory_usage: u64,
    /// Bytes.
    pub memory_total: u64,
}
