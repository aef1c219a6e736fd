//! Resource usage of the machine that Quaylight runs on, from `/proc/stat` and `/proc/meminfo`.

use crate::model::{HostId, Machine};
use std::fs;

/// The machine of the engine that runs on it, read while host loads are subscribed.
#[derive(Default)]
pub(super) struct Machines {
    watched: Option<HostId>,
    before: Option<Ticks>,
}

/// CPU time of all cores since the machine started, in the kernel's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    all: u64,
    /// Idle, or waiting for a disk.
    idle: u64,
    cpus: u32,
}

impl Machines {
    pub(super) fn watch(&mut self, host: Option<HostId>) {
        if self.watched != host {
            (self.watched, self.before) = (host, None);
        }
    }

    /// None the first time: a CPU share needs two readings.
    pub(super) fn read(&mut self) -> Option<Machine> {
        let host = self.watched.clone()?;
        let now = ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let before = self.before.replace(now)?;
        let (total, available) = memory(&fs::read_to_string("/proc/meminfo").ok()?)?;
        Some(Machine {
            host,
            cpu_percent: busy(before, now)?,
            cpus: now.cpus,
            memory_usage: total.saturating_sub(available),
            memory_total: total,
        })
    }
}

/// Parses lines such as `cpu  10 0 5 100 2 0 1 0 0 0`: user, nice, system, idle, iowait, irq, softirq, steal; then guests,
/// which user and nice already include. The first line is for all cores, and one line for each core follows.
fn ticks(text: &str) -> Option<Ticks> {
    let first = text.lines().next()?.strip_prefix("cpu ")?;
    let numbers: Vec<u64> = first.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let cores = text.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    let idle = numbers.get(3)? + numbers.get(4)?;
    Some(Ticks { all: numbers.iter().sum(), idle, cpus: u32::try_from(cores).ok()? })
}

fn busy(before: Ticks, now: Ticks) -> Option<f64> {
    let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
    // The kernel may take back an idle tick.
    let idle = now.idle.saturating_sub(before.idle).min(all);
    Some((all - idle) as f64 / all as f64 * 100.0)
}

/// Total and available, in bytes.
fn memory(text: &str) -> Option<(u64, u64)> {
    let bytes = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1_024)
    };
    Some((bytes("MemTotal:")?, bytes("MemAvailable:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_usage_is_the_busy_share_of_all_cores_between_two_readings() {
        let text = "cpu  10 0 5 100 2 0 1 0 9 9\ncpu0 5 0 2 50 1 0 1 0 0 0\ncpu1 5 0 3 50 1 0 0 0 0 0\nintr 5\n";
        let before = ticks(text).unwrap();
        assert_eq!(before, Ticks { all: 118, idle: 102, cpus: 2 });
        let now = Ticks { all: 218, idle: 177, ..before };
        assert_eq!(busy(before, now), Some(25.0));
        assert_eq!(busy(now, now), None);
    }

    #[test]
    fn total_and_available_memory_are_read_from_meminfo() {
        assert_eq!(memory("MemTotal: 8 kB\nMemFree: 1 kB\nMemAvailable: 3 kB\n"), Some((8_192, 3_072)));
        assert_eq!(memory("MemTotal: 8 kB\n"), None);
    }
}
