//! Counters of a container, and the sample that two readings of them make.

use crate::model::{Container, Sample, Timestamp};

/// As the kernel or the engine counts since the container's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    pub at: Timestamp,
    pub cpu: Cpu,
    pub memory: Memory,
    pub network: Flow,
    pub block: Flow,
    pub pids: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cpu {
    /// Nanoseconds of all cores that the container had.
    pub used: u64,
    /// What `used` would be, had it had all of one core all the time. Of the same clock as `used`.
    pub one_core: u64,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    pub usage: u64,
    /// Page cache not used of late: part of `usage`, and the first that the kernel takes back.
    pub inactive_file: u64,
    pub limit: u64,
}

/// Bytes in (received, read) and out (sent, written).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    pub inward: u64,
    pub outward: u64,
}

impl Memory {
    /// As the docker command counts: `calculateMemUsageUnixNoCache`.
    pub fn in_use(&self) -> u64 {
        if self.inactive_file < self.usage { self.usage - self.inactive_file } else { self.usage }
    }
}

impl Reading {
    /// None where `before` is of another run of the container: counters begin anew with each start.
    pub fn since(&self, before: &Self, container: &Container) -> Option<Sample> {
        let used = self.cpu.used.checked_sub(before.cpu.used)?;
        let one_core = self.cpu.one_core.checked_sub(before.cpu.one_core).filter(|it| *it > 0)?;
        let memory_usage = self.memory.in_use();
        Some(Sample {
            host: container.host.clone(),
            container_id: container.id.clone(),
            name: container.name.clone(),
            cpu_percent: percent(used, one_core),
            memory_usage,
            memory_limit: self.memory.limit,
            memory_percent: percent(memory_usage, self.memory.limit),
            network_rx: self.network.inward,
            network_tx: self.network.outward,
            block_read: self.block.inward,
            block_write: self.block.outward,
            pids: self.pids,
            timestamp: self.at,
        })
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arbitrary::container;
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };

    fn reading(second: i64, used_ms: u64) -> Reading {
        Reading {
            at: Timestamp::from_seconds(second),
            cpu: Cpu { used: used_ms * 1_000_000, one_core: second as u64 * 1_000_000_000 },
            memory: Memory { usage: 300, inactive_file: 100, limit: 1_000 },
            ..Reading::default()
        }
    }

    #[test]
    fn a_sample_is_what_two_readings_say() {
        let it = container().new_tree(&mut TestRunner::deterministic()).unwrap().current();
        let sample = reading(12, 4_000).since(&reading(10, 1_000), &it).unwrap();
        assert_eq!((sample.cpu_percent, sample.memory_usage, sample.memory_percent), (150.0, 200, 20.0));
        // A start in between, or the same reading twice.
        assert_eq!(reading(12, 10).since(&reading(10, 1_000), &it), None);
        assert_eq!(reading(10, 1_000).since(&reading(10, 1_000), &it), None);
    }

    #[test]
    fn cache_larger_than_what_is_used_is_not_taken_off() {
        let memory = Memory { usage: 10, inactive_file: 11, limit: 0 };
        assert_eq!((memory.in_use(), percent(memory.in_use(), memory.limit)), (10, 0.0));
    }
}
