//! The kernel's counters of a container, from its files: microseconds, where a look by the engine takes milliseconds of
//! its CPU. Only where the engine runs on this machine and its files can be read.

use super::{Cpu, Flow, Memory, Reading};
use crate::model::{ContainerId, Timestamp};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Where groups of containers stand: Docker's with cgroupfs and with systemd, then Podman's likewise.
fn groups(id: &ContainerId) -> [String; 4] {
    [
        format!("docker/{id}"),
        format!("system.slice/docker-{id}.scope"),
        format!("libpod_parent/libpod-{id}"),
        format!("machine.slice/libpod-{id}.scope"),
    ]
}

/// This machine's kernel.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Usually `/sys/fs/cgroup`.
    cgroups: PathBuf,
    /// Usually `/proc`.
    proc: PathBuf,
    /// Bytes.
    memory: u64,
    /// The engine counts no network for containers on the host's.
    hosts_network: Option<PathBuf>,
    began: Instant,
}

/// The files of one container's run.
#[derive(Debug, Clone)]
pub struct Group {
    version: Version,
    /// `/proc/<pid>/net/dev` of its first process; none on the host's network.
    network: Option<PathBuf>,
}

#[derive(Debug, Clone)]
enum Version {
    /// A folder for each controller.
    V1 { cpu: PathBuf, memory: PathBuf, block: PathBuf, pids: PathBuf },
    /// One for all.
    V2(PathBuf),
}

impl Kernel {
    pub fn new() -> Self {
        Self::at(Path::new("/sys/fs/cgroup"), Path::new("/proc"))
    }

    fn at(cgroups: &Path, proc: &Path) -> Self {
        let total = fs::read_to_string(proc.join("meminfo")).ok().and_then(|it| word_after(&it, "MemTotal:"));
        Self {
            cgroups: cgroups.to_owned(),
            proc: proc.to_owned(),
            memory: total.unwrap_or_default() * 1_024,
            hosts_network: fs::read_link(proc.join("1/ns/net")).ok(),
            began: Instant::now(),
        }
    }

    /// Bytes in all.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// None when this kernel does not know it, or hides it.
    pub fn find(&self, id: &ContainerId) -> Option<Group> {
        let version = groups(id).into_iter().find_map(|group| {
            let folder = |controller: &str| self.cgroups.join(controller).join(&group);
            let v2 = self.cgroups.join(&group);
            if v2.join("cpu.stat").is_file() {
                return Some(Version::V2(v2));
            }
            let memory = folder("memory");
            let version = Version::V1 { cpu: folder("cpuacct"), block: folder("blkio"), pids: folder("pids"), memory };
            version.procs().is_file().then_some(version)
        })?;
        let first = fs::read_to_string(version.procs()).ok()?;
        let process = self.proc.join(first.lines().next()?);
        let network = fs::read_link(process.join("ns/net")).ok();
        let is_hosts = network.is_none() || network == self.hosts_network;
        Some(Group { version, network: (!is_hosts).then(|| process.join("net/dev")) })
    }

    /// None when the run has ended.
    pub fn read(&self, group: &Group, now: Timestamp) -> Option<Reading> {
        let text = |folder: &Path, file: &str| fs::read_to_string(folder.join(file)).ok();
        let number = |folder: &Path, file: &str| text(folder, file)?.trim().parse::<u64>().ok();
        // Both of the same moment.
        let (used, elapsed) = match &group.version {
            Version::V1 { cpu, .. } => (number(cpu, "cpuacct.usage")?, self.began.elapsed()),
            Version::V2(all) => (word_after(&text(all, "cpu.stat")?, "usage_usec")? * 1_000, self.began.elapsed()),
        };
        let (memory, block, pids) = match &group.version {
            Version::V1 { memory, block, pids, .. } => (
                Memory {
                    usage: number(memory, "memory.usage_in_bytes")?,
                    inactive_file: word_after(&text(memory, "memory.stat")?, "total_inactive_file")?,
                    limit: number(memory, "memory.limit_in_bytes")?,
                },
                // The first is there with the CFQ scheduler only; else its file is empty.
                ["blkio.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive"]
                    .into_iter()
                    .filter_map(|file| text(block, file))
                    .find(|text| text.lines().count() > 1)
                    .map(|text| block_v1(&text))
                    .unwrap_or_default(),
                number(pids, "pids.current"),
            ),
            Version::V2(all) => (
                Memory {
                    usage: number(all, "memory.current")?,
                    inactive_file: word_after(&text(all, "memory.stat")?, "inactive_file")?,
                    // `max` without a limit.
                    limit: number(all, "memory.max").unwrap_or(u64::MAX),
                },
                text(all, "io.stat").map(|text| block_v2(&text)).unwrap_or_default(),
                number(all, "pids.current"),
            ),
        };
        let network = group.network.as_ref().and_then(|file| fs::read_to_string(file).ok());
        Some(Reading {
            at: now,
            cpu: Cpu { used, one_core: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX) },
            memory: Memory { limit: memory.limit.min(self.memory), ..memory },
            network: network.map(|text| interfaces(&text)).unwrap_or_default(),
            block,
            pids: pids.unwrap_or_default(),
        })
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Version {
    fn procs(&self) -> PathBuf {
        match self {
            Self::V1 { memory, .. } => memory.join("cgroup.procs"),
            Self::V2(all) => all.join("cgroup.procs"),
        }
    }
}

/// The number behind `key`, of lines that begin with a key.
fn word_after(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key).filter(|rest| rest.starts_with([' ', '\t'])))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Lines such as `8:0 Read 4096`.
fn block_v1(text: &str) -> Flow {
    let moved = |op: &str| {
        let lines = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            (words.next()? == op).then(|| words.next()?.parse::<u64>().ok()).flatten()
        });
        lines.sum()
    };
    Flow { inward: moved("Read"), outward: moved("Write") }
}

/// Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0`.
fn block_v2(text: &str) -> Flow {
    let moved =
        |key: &str| text.split_whitespace().filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok()).sum();
    Flow { inward: moved("rbytes="), outward: moved("wbytes=") }
}

/// `/proc/<pid>/net/dev`: two lines of headings; then the interface's name, a colon, eight numbers of what was received
/// and eight of what was sent, bytes first. Without the loopback, as the engine counts.
fn interfaces(text: &str) -> Flow {
    let flows = text.lines().skip(2).filter_map(|line| {
        let (name, numbers) = line.split_once(':')?;
        let mut numbers = numbers.split_whitespace().map(|word| word.parse::<u64>().unwrap_or_default());
        (name.trim() != "lo").then_some(Flow { inward: numbers.next()?, outward: numbers.nth(7)? })
    });
    flows.fold(Flow::default(), |all, it| Flow { inward: all.inward + it.inward, outward: all.outward + it.outward })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        let stat = "cache 12\ninactive_file 7\ntotal_inactive_file 40\nusage_usec 9\n";
        assert_eq!(word_after(stat, "inactive_file"), Some(7));
        assert_eq!(word_after(stat, "total_inactive_file"), Some(40));
        assert_eq!(word_after(stat, "inactive"), None);
        let v1 = "254:0 Read 4096\n254:0 Write 8192\n254:0 Sync 1\n254:0 Total 12288\n8:0 Read 4\nTotal 12292\n";
        assert_eq!(block_v1(v1), Flow { inward: 4_100, outward: 8_192 });
        let v2 = "8:0 rbytes=90 wbytes=10 rios=1 wios=1 dbytes=5 dios=0\n254:0 rbytes=10 wbytes=0 rios=2 wios=0\n";
        assert_eq!(block_v2(v2), Flow { inward: 100, outward: 10 });
        let net = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs\n\
            lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n  eth0:    1000  10 0 0 0 0 0 0     500  5 0 0 0 0 0 0\n\
            eth1: 1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n";
        assert_eq!(interfaces(net), Flow { inward: 1_001, outward: 502 });
        assert_eq!(interfaces(""), Flow::default());
    }

    #[test]
    fn a_container_that_the_kernel_does_not_know_has_no_group() {
        let id = ContainerId::new(&"ab".repeat(32)).unwrap();
        assert!(Kernel::new().find(&id).is_none());
    }
}
