//! What the engine counts of a running container: a line a second, for as long as one reads.

use super::{
    Call, Engine, EngineError, READ_PATIENCE,
    read::{Lines, or_default},
};
use crate::{
    model::{ContainerId, Timestamp},
    server::stats::{Cpu, Flow, Memory, Reading},
};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::sleep;

/// Podman writes its next line after 5 s: it is asked each time.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Ends with the container's run.
pub struct Readings {
    engine: Engine,
    id: ContainerId,
    /// None where the engine is asked instead.
    lines: Option<Lines>,
}

impl Engine {
    /// One, without the sample before, which takes the engine a second more. Docker 20.10 needs a second for it even so.
    /// None when the container doesn't run.
    pub async fn reading(&self, id: &ContainerId) -> Result<Option<Reading>, EngineError> {
        let stats: Stats = self
            .reader
            .json(Call::ContainerStats, &format!("/containers/{id}/stats?stream=0&one-shot=1"), READ_PATIENCE)
            .await?;
        Ok((stats.cpu_stats.system_cpu_usage > 0).then(|| stats.into()))
    }

    /// The first comes at once, and then one each second.
    pub async fn readings(&self, id: &ContainerId) -> Result<Readings, EngineError> {
        let path = format!("/containers/{id}/stats?stream=1");
        let lines = self.reader.lines(Call::ContainerStats, &path, READ_PATIENCE).await?;
        Ok(Readings { engine: self.clone(), id: id.clone(), lines: Some(lines) })
    }
}

impl Readings {
    /// None at the end. A line that is no reading is passed over. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Reading>, EngineError> {
        let Some(lines) = &mut self.lines else {
            sleep(ASK_EVERY).await;
            return self.engine.reading(&self.id).await;
        };
        while let Some(line) = lines.next().await? {
            match serde_json::from_slice::<Stats>(&line) {
                // What doesn't run is told as zeros.
                Ok(stats) if stats.cpu_stats.system_cpu_usage > 0 => {
                    if stats.is_podmans() {
                        self.lines = None;
                    }
                    return Ok(Some(stats.into()));
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "passed over a line of a container's stats"),
            }
        }
        Ok(None)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Stats {
    #[serde(deserialize_with = "or_default")]
    read: Option<Timestamp>,
    #[serde(deserialize_with = "or_default")]
    cpu_stats: CpuStats,
    #[serde(deserialize_with = "or_default")]
    memory_stats: MemoryStats,
    #[serde(deserialize_with = "or_default")]
    networks: BTreeMap<String, Interface>,
    #[serde(deserialize_with = "or_default")]
    blkio_stats: BlockStats,
    #[serde(deserialize_with = "or_default")]
    pids_stats: Pids,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CpuStats {
    #[serde(deserialize_with = "or_default")]
    cpu_usage: CpuUsage,
    #[serde(deserialize_with = "or_default")]
    system_cpu_usage: u64,
    #[serde(deserialize_with = "or_default")]
    online_cpus: u64,
    /// Podman's alone.
    #[serde(deserialize_with = "or_default")]
    cpu: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CpuUsage {
    #[serde(deserialize_with = "or_default")]
    total_usage: u64,
    /// One for each core; missing with cgroup v2.
    #[serde(deserialize_with = "or_default")]
    percpu_usage: Vec<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MemoryStats {
    #[serde(deserialize_with = "or_default")]
    usage: u64,
    #[serde(deserialize_with = "or_default")]
    limit: u64,
    #[serde(deserialize_with = "or_default")]
    stats: MemoryDetails,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MemoryDetails {
    /// With cgroup v1.
    total_inactive_file: Option<u64>,
    /// With cgroup v2; with v1 without the groups below.
    inactive_file: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Interface {
    #[serde(deserialize_with = "or_default")]
    rx_bytes: u64,
    #[serde(deserialize_with = "or_default")]
    tx_bytes: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BlockStats {
    #[serde(deserialize_with = "or_default")]
    io_service_bytes_recursive: Vec<BlockEntry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BlockEntry {
    #[serde(deserialize_with = "or_default")]
    op: String,
    #[serde(deserialize_with = "or_default")]
    value: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pids {
    #[serde(deserialize_with = "or_default")]
    current: u64,
}

impl Stats {
    fn is_podmans(&self) -> bool {
        self.cpu_stats.cpu.is_some()
    }
}

impl From<Stats> for Reading {
    fn from(it: Stats) -> Self {
        let cores = match it.cpu_stats.online_cpus {
            0 => it.cpu_stats.cpu_usage.percpu_usage.len() as u64,
            cores => cores,
        };
        let moved = |op: &str| {
            let entries = it.blkio_stats.io_service_bytes_recursive.iter();
            entries.filter(|entry| entry.op.eq_ignore_ascii_case(op)).map(|entry| entry.value).sum()
        };
        let at = it.read.unwrap_or_default();
        // The engine's formula is (used / of the whole machine) * cores. Of the whole machine Podman says what was in use.
        let one_core = if it.is_podmans() {
            u64::try_from(at.micros()).unwrap_or_default() * 1_000
        } else {
            it.cpu_stats.system_cpu_usage / cores.max(1)
        };
        let MemoryDetails { total_inactive_file, inactive_file } = it.memory_stats.stats;
        Self {
            at,
            cpu: Cpu { used: it.cpu_stats.cpu_usage.total_usage, one_core },
            memory: Memory {
                usage: it.memory_stats.usage,
                inactive_file: total_inactive_file.or(inactive_file).unwrap_or_default(),
                limit: it.memory_stats.limit,
            },
            network: Flow {
                inward: it.networks.values().map(|it| it.rx_bytes).sum(),
                outward: it.networks.values().map(|it| it.tx_bytes).sum(),
            },
            block: Flow { inward: moved("read"), outward: moved("write") },
            pids: it.pids_stats.current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Docker 20.10 wrote it on cgroup v1, shortened.
    const V1: &str = r#"{"read":"2026-11-21T12:00:01.5Z","preread":"2026-11-21T12:00:00.5Z","pids_stats":{"current":3},
        "blkio_stats":{"io_service_bytes_recursive":[{"major":254,"minor":0,"op":"Read","value":4096},
        {"major":254,"minor":0,"op":"Write","value":8192},{"major":254,"minor":0,"op":"Total","value":12288}],"sectors_recursive":[]},
        "cpu_stats":{"cpu_usage":{"total_usage":500,"percpu_usage":[400,100]},"system_cpu_usage":2000,"online_cpus":2},
        "memory_stats":{"usage":1000,"stats":{"inactive_file":7,"total_inactive_file":200},"limit":4000},
        "networks":{"eth0":{"rx_bytes":10,"tx_bytes":20},"eth1":{"rx_bytes":1,"tx_bytes":2}},"name":"/web-1","id":"x"}"#;

    #[test]
    fn a_line_of_docker_is_a_reading() {
        let reading: Reading = serde_json::from_str::<Stats>(V1).unwrap().into();
        assert_eq!(reading.cpu, Cpu { used: 500, one_core: 1_000 });
        assert_eq!(reading.memory, Memory { usage: 1_000, inactive_file: 200, limit: 4_000 });
        assert_eq!(reading.network, Flow { inward: 11, outward: 22 });
        assert_eq!((reading.block, reading.pids), (Flow { inward: 4_096, outward: 8_192 }, 3));
        assert_eq!(reading.at.to_string(), "2026-11-21T12:00:01.500Z");
    }

    #[test]
    fn what_is_null_or_missing_counts_as_nothing() {
        let podmans = |second: u32, used: u64| {
            let text = format!(
                r#"{{"read":"2026-11-30T07:11:{second}Z","cpu_stats":{{"cpu_usage":{{"total_usage":{used}}},"system_cpu_usage":7901,"online_cpus":2,"cpu":0}}}}"#
            );
            Reading::from(serde_json::from_str::<Stats>(&text).unwrap()).cpu
        };
        let (before, after) = (podmans(32, 0), podmans(34, 1_000_000_000));
        assert_eq!((after.used, after.one_core - before.one_core), (1_000_000_000, 2_000_000_000));
        let text = r#"{"read":null,"networks":null,"blkio_stats":{"io_service_bytes_recursive":null},"cpu_stats":{"system_cpu_usage":1}}"#;
        let reading: Reading = serde_json::from_str::<Stats>(text).unwrap().into();
        assert_eq!((reading.network, reading.block, reading.cpu.one_core), (Flow::default(), Flow::default(), 1));
    }
}
