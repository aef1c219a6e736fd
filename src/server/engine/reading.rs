//! Counters of a container, and the sample computed from two readings of them.

use crate::model::{Container, Sample, Timestamp};

/// Counters of the kernel or the engine since the container's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    pub at: Timestamp,
    pub cpu: Cpu,
    /// None, like the fields that follow, if it can't be read or is not counted.
    pub memory: Option<Memory>,
    pub network: Option<Flow>,
    pub block: Option<Flow>,
    pub pids: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cpu {
    /// CPU time that the container used on all cores, in nanoseconds.
    pub used: u64,
    /// What `used` would be if the container had used all of one core all the time. From the same clock as `used`.
    pub one_core: u64,
}

/// Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    pub usage: u64,
    /// Page cache not used recently: part of `usage`, and the first that the kernel reclaims.
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
    /// Memory in use as the docker command computes it: `calculateMemUsageUnixNoCache`.
    pub fn in_use(&self) -> u64 {
        if self.inactive_file < self.usage { self.usage - self.inactive_file } else { self.usage }
    }
}

impl Reading {
    /// The sample between `before` and this reading. None if `before` is from another run of the container: counters restart
    /// with each start.
    pub fn since(&self, before: &Self, container: &Container) -> Option<Sample> {
        let used = self.cpu.used.checked_sub(before.cpu.used)?;
        let one_core = self.cpu.one_core.checked_sub(before.cpu.one_core).filter(|it| *it > 0)?;
        let memory_usage = self.memory.map(|it| it.in_use());
        Some(Sample {
            host: container.host.clone(),
            container_id: container.id.clone(),
            name: container.name.clone(),
            cpu_percent: percent(used, one_core),
            memory_usage,
            memory_limit: self.memory.map(|it| it.limit),
            memory_percent: self.memory.map(|it| percent(it.in_use(), it.limit)),
            network_rx: self.network.map(|it| it.inward),
            network_tx: self.network.map(|it| it.outward),
            block_read: self.block.map(|it| it.inward),
            block_write: self.block.map(|it| it.outward),
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
            memory: Some(Memory { usage: 300, inactive_file: 100, limit: 1_000 }),
            ..Reading::default()
        }
    }

    #[test]
    fn sample_is_computed_from_two_readings() {
        let it = container().new_tree(&mut TestRunner::deterministic()).unwrap().current();
        let sample = reading(12, 4_000).since(&reading(10, 1_000), &it).unwrap();
        assert_eq!((sample.cpu_percent, sample.memory_usage, sample.memory_percent), (150.0, Some(200), Some(20.0)));
        // A start in between, or the same reading twice.
        assert_eq!(reading(12, 10).since(&reading(10, 1_000), &it), None);
        assert_eq!(reading(10, 1_000).since(&reading(10, 1_000), &it), None);
    }

    #[test]
    fn cache_larger_than_the_usage_is_not_subtracted() {
        let memory = Memory { usage: 10, inactive_file: 11, limit: 0 };
        assert_eq!((memory.in_use(), percent(memory.in_use(), memory.limit)), (10, 0.0));
    }
}
