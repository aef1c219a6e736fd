//! What a running container uses, at a moment; and what all of a project or a machine use together.

use super::{ContainerId, HostId, Timestamp};
use serde::{Deserialize, Serialize};

/// Counters since the container's start, in bytes, where nothing else is said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub host: HostId,
    pub container_id: ContainerId,
    pub name: String,
    /// Of one core, over the time since the sample before, as `docker stats` says it: two busy cores are 200.
    pub cpu_percent: f64,
    /// Without the page cache that the kernel would give up first, as the docker command counts.
    pub memory_usage: u64,
    /// The machine's memory where the container has no limit.
    pub memory_limit: u64,
    pub memory_percent: f64,
    pub network_rx: u64,
    pub network_tx: u64,
    pub block_read: u64,
    pub block_write: u64,
    pub pids: u64,
    pub timestamp: Timestamp,
}

/// What the running containers of a project or a host use together, as far as they are known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub host: HostId,
    pub scope: Scope,
    /// How many of them there are figures of.
    pub containers: u32,
    /// Of one core.
    pub cpu_percent: f64,
    /// Bytes.
    pub memory_usage: u64,
    pub rates: Rates,
    pub pids: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All containers of the host.
    Host,
    /// Those of a Compose project; none of those that belong to no project.
    Project(Option<String>),
}

/// Bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Rates {
    pub network_rx: f64,
    pub network_tx: f64,
    pub block_read: f64,
    pub block_write: f64,
}

impl Rates {
    /// Between two samples of one container. None when a start lies between them, and its counters began anew.
    pub fn between(before: &Sample, after: &Sample) -> Option<Self> {
        let seconds = (after.timestamp.micros() - before.timestamp.micros()) as f64 / 1e6;
        let rate = |counter: fn(&Sample) -> u64| {
            let moved = counter(after).checked_sub(counter(before))?;
            (seconds > 0.0).then(|| moved as f64 / seconds)
        };
        Some(Self {
            network_rx: rate(|it| it.network_rx)?,
            network_tx: rate(|it| it.network_tx)?,
            block_read: rate(|it| it.block_read)?,
            block_write: rate(|it| it.block_write)?,
        })
    }

    pub fn add(&mut self, other: &Self) {
        self.network_rx += other.network_rx;
        self.network_tx += other.network_tx;
        self.block_read += other.block_read;
        self.block_write += other.block_write;
    }
}

/// What a machine uses in all, containers or not. Known of the machine that Quaylight runs on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub host: HostId,
    /// Of all cores together: 100 is all that there is.
    pub cpu_percent: f64,
    pub cpus: u32,
    /// Bytes that are not available to programs.
    pub memory_usage: u64,
    /// Bytes.
    pub memory_total: u64,
}
