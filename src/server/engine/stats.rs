//! Stats of a running container: a stream of one line per second.

use super::{
    Call, Cpu, Engine, EngineError, Flow, Memory, READ_TIMEOUT, Reading,
    read::{Lines, or_default},
};
use crate::model::{ContainerId, Timestamp};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::sleep;

/// Polling interval for Podman, whose stream sends its next line only after 5 s.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Stream of readings. It ends when the container stops.
pub struct Readings {
    engine: Engine,
    id: ContainerId,
    /// None if the engine is polled instead.
    lines: Option<Lines>,
}

impl Engine {
    /// Returns one reading, without the previous sample, which takes the engine another second. Docker 20.10 needs a second
    /// even so. None if the container doesn't run.
    pub async fn reading(&self, id: &ContainerId) -> Result<Option<Reading>, EngineError> {
        let stats: Stats = self
            .reader
            .json(Call::ContainerStats, &format!("/containers/{id}/stats?stream=0&one-shot=1"), READ_TIMEOUT)
            .await?;
        Ok((stats.cpu_stats.system_cpu_usage > 0).then(|| stats.into()))
    }

    /// Streams readings: the first immediately, then one per second.
    pub async fn readings(&self, id: &ContainerId) -> Result<Readings, EngineError> {
        let path = format!("/containers/{id}/stats?stream=1");
        let lines = self.reader.lines(Call::ContainerStats, &path, READ_TIMEOUT).await?;
        Ok(Readings { engine: self.clone(), id: id.clone(), lines: Some(lines) })
    }
}

impl Readings {
    /// Returns the next reading. None at the end. Skips lines that are not readings. Cancel safe.
    pub async fn next(&mut self) -> Result<Option<Reading>, EngineError> {
        let Some(lines) = &mut self.lines else {
            sleep(ASK_EVERY).await;
            return self.engine.reading(&self.id).await;
        };
        while let Some(line) = lines.next().await? {
            match serde_json::from_slice::<Stats>(&line) {
                // A container that doesn't run is reported as zeros.
                Ok(stats) if stats.cpu_stats.system_cpu_usage > 0 => {
                    if stats.is_podmans() {
                        self.lines = None;
                    }
                    return Ok(Some(stats.into()));
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "skipped an invalid line of container stats"),
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
    /// None on the host network, which is not measured.
    networks: Option<BTreeMap<String, Interface>>,
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
    /// Podman only.
    #[serde(deserialize_with = "or_default")]
    cpu: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CpuUsage {
    #[serde(deserialize_with = "or_default")]
    total_usage: u64,
    /// One value per core. Missing with cgroup v2.
    #[serde(deserialize_with = "or_default")]
    percpu_usage: Vec<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MemoryStats {
    /// Missing, or 0, if the kernel doesn't account memory: a running container uses some.
    usage: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    limit: u64,
    #[serde(deserialize_with = "or_default")]
    stats: MemoryDetails,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MemoryDetails {
    /// cgroup v1 only.
    total_inactive_file: Option<u64>,
    /// The value with cgroup v2. Also present with cgroup v1, where it excludes child cgroups.
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
    io_service_bytes_recursive: Option<Vec<BlockEntry>>,
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
    current: Option<u64>,
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
        let moved = |entries: &[BlockEntry], op: &str| {
            entries.iter().filter(|entry| entry.op.eq_ignore_ascii_case(op)).map(|entry| entry.value).sum()
        };
        let at = it.read.unwrap_or_default();
        // The engine's formula is (used / whole machine) * cores. Podman's value for the whole machine is only the time in use,
        // so wall-clock time replaces it.
        let one_core = if it.is_podmans() {
            u64::try_from(at.micros()).unwrap_or_default() * 1_000
        } else {
            it.cpu_stats.system_cpu_usage / cores.max(1)
        };
        let MemoryDetails { total_inactive_file, inactive_file } = it.memory_stats.stats;
        Self {
            at,
            cpu: Cpu { used: it.cpu_stats.cpu_usage.total_usage, one_core },
            memory: it.memory_stats.usage.filter(|usage| *usage > 0).map(|usage| Memory {
                usage,
                inactive_file: total_inactive_file.or(inactive_file).unwrap_or_default(),
                limit: it.memory_stats.limit,
            }),
            network: it.networks.map(|networks| Flow {
                inward: networks.values().map(|it| it.rx_bytes).sum(),
                outward: networks.values().map(|it| it.tx_bytes).sum(),
            }),
            block: it
                .blkio_stats
                .io_service_bytes_recursive
                .map(|entries| Flow { inward: moved(&entries, "read"), outward: moved(&entries, "write") }),
            pids: it.pids_stats.current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Docker 20.10 on cgroup v1, shortened.
    const V1: &str = r#"{"read":"2026-11-21T12:00:01.5Z","preread":"2026-11-21T12:00:00.5Z","pids_stats":{"current":3},
        "blkio_stats":{"io_service_bytes_recursive":[{"major":254,"minor":0,"op":"Read","value":4096},
        {"major":254,"minor":0,"op":"Write","value":8192},{"major":254,"minor":0,"op":"Total","value":12288}],"sectors_recursive":[]},
        "cpu_stats":{"cpu_usage":{"total_usage":500,"percpu_usage":[400,100]},"system_cpu_usage":2000,"online_cpus":2},
        "memory_stats":{"usage":1000,"stats":{"inactive_file":7,"total_inactive_file":200},"limit":4000},
        "networks":{"eth0":{"rx_bytes":10,"tx_bytes":20},"eth1":{"rx_bytes":1,"tx_bytes":2}},"name":"/web-1","id":"x"}"#;

    #[test]
    fn docker_stats_line_is_parsed() {
        let reading: Reading = serde_json::from_str::<Stats>(V1).unwrap().into();
        assert_eq!(reading.cpu, Cpu { used: 500, one_core: 1_000 });
        assert_eq!(reading.memory, Some(Memory { usage: 1_000, inactive_file: 200, limit: 4_000 }));
        assert_eq!(reading.network, Some(Flow { inward: 11, outward: 22 }));
        assert_eq!((reading.block, reading.pids), (Some(Flow { inward: 4_096, outward: 8_192 }), Some(3)));
        assert_eq!(reading.at.to_string(), "2026-11-21T12:00:01.500Z");
    }

    #[test]
    fn null_or_missing_stats_are_unknown_not_zero() {
        let podmans = |second: u32, used: u64| {
            let text = format!(
                r#"{{"read":"2026-11-30T07:11:{second}Z","cpu_stats":{{"cpu_usage":{{"total_usage":{used}}},"system_cpu_usage":7901,"online_cpus":2,"cpu":0}}}}"#
            );
            Reading::from(serde_json::from_str::<Stats>(&text).unwrap()).cpu
        };
        let (before, after) = (podmans(32, 0), podmans(34, 1_000_000_000));
        assert_eq!((after.used, after.one_core - before.one_core), (1_000_000_000, 2_000_000_000));
        // From Docker 20.10 on cgroup v2 without the memory, block I/O and process controllers, shortened.
        let text = r#"{"read":null,"networks":null,"pids_stats":{},"blkio_stats":{"io_service_bytes_recursive":null},
            "memory_stats":{"stats":{"anon":0,"inactive_file":0}},"cpu_stats":{"system_cpu_usage":1}}"#;
        let reading: Reading = serde_json::from_str::<Stats>(text).unwrap().into();
        assert_eq!((reading.memory, reading.network, reading.block, reading.pids), (None, None, None, None));
        assert_eq!(reading.cpu.one_core, 1);
    }
}
