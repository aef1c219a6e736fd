//! Reader of cgroup statistics. Reading the kernel's files takes microseconds, a reading by the engine takes milliseconds of
//! its CPU. Works only if the engine runs on this machine and the files are readable.

use crate::model::{Container, ContainerId, Timestamp};
use crate::server::engine::{Cpu, Flow, Memory, Reading};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Paths of containers' cgroups: Docker's with cgroupfs and with systemd, then Podman's likewise.
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
    /// Total memory in bytes.
    memory: u64,
    /// Network namespace of the host. The engine counts no traffic for containers in it.
    hosts_network: Option<PathBuf>,
    began: Instant,
}

/// The files of one container's run.
#[derive(Debug, Clone)]
pub struct Group {
    version: Version,
    /// `/proc/<pid>/net/dev` of its first process; none if that is unknown, and on the host's network.
    network: Option<PathBuf>,
    /// Whether the engine had reported the first process.
    has_pid: bool,
}

impl Group {
    /// Whether more can be found because the engine has since reported the first process.
    pub fn is_outdated(&self, container: &Container) -> bool {
        !self.has_pid && container.pid.is_some()
    }
}

#[derive(Debug, Clone)]
enum Version {
    /// A folder for each controller.
    V1 { cpu: PathBuf, memory: PathBuf, block: PathBuf, pids: PathBuf },
    /// One folder for all controllers.
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

    /// Total memory in bytes.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Whether the container's processes run on this kernel.
    pub fn runs(&self, container: &Container) -> bool {
        let is_first = |pid: u32| is_of(&self.proc.join(pid.to_string()), &container.id);
        container.pid.is_some_and(is_first) || self.find(container).is_some()
    }

    /// The container's cgroup. None if this kernel doesn't know it, or hides it.
    pub fn find(&self, container: &Container) -> Option<Group> {
        let version = groups(&container.id).into_iter().find_map(|group| {
            let folder = |controller: &str| self.cgroups.join(controller).join(&group);
            let v2 = self.cgroups.join(&group);
            if v2.join("cpu.stat").is_file() {
                return Some(Version::V2(v2));
            }
            let memory = folder("memory");
            let version = Version::V1 { cpu: folder("cpuacct"), block: folder("blkio"), pids: folder("pids"), memory };
            version.procs().is_file().then_some(version)
        })?;
        let first = |procs: PathBuf| fs::read_to_string(procs).ok()?.lines().next()?.parse().ok();
        let first = || first(version.procs()).or_else(|| first(version.procs_of_crun()));
        let process = container.pid.or_else(first).map(|pid| self.proc.join(pid.to_string()));
        let network = process.filter(|it| is_of(it, &container.id)).and_then(|it| self.network(&it, container));
        Some(Group { version, network, has_pid: container.pid.is_some() })
    }

    /// None on the host's network, where the engine counts nothing, and if it is unknown whose network it is.
    fn network(&self, process: &Path, container: &Container) -> Option<PathBuf> {
        if container.networks.iter().any(|it| it.name == "host") {
            return None;
        }
        let is_hosts = match (fs::read_link(process.join("ns/net")), &self.hosts_network) {
            (Ok(network), Some(hosts)) => network == *hosts,
            // Only root may read both links. A process with other interfaces than the host is on another network.
            _ => {
                let interfaces_of =
                    |process: &Path| fs::read_to_string(process.join("net/dev")).ok().map(|it| names(&it));
                let hosts = interfaces_of(&self.proc.join("1"));
                hosts.is_none() || interfaces_of(process) == hosts
            }
        };
        (!is_hosts).then(|| process.join("net/dev"))
    }

    /// None if the run has ended.
    pub fn read(&self, group: &Group, now: Timestamp) -> Option<Reading> {
        let text = |folder: &Path, file: &str| fs::read_to_string(folder.join(file)).ok();
        let number = |folder: &Path, file: &str| text(folder, file)?.trim().parse::<u64>().ok();
        // Take both at the same time.
        let (used, elapsed) = match &group.version {
            Version::V1 { cpu, .. } => (number(cpu, "cpuacct.usage")?, self.began.elapsed()),
            Version::V2(all) => (word_after(&text(all, "cpu.stat")?, "usage_usec")? * 1_000, self.began.elapsed()),
        };
        let memory_of = |folder: &Path, usage: &str, inactive_file: &str, limit: &str| {
            Some(Memory {
                usage: number(folder, usage)?,
                inactive_file: word_after(&text(folder, "memory.stat")?, inactive_file)?,
                // With cgroup v2 the file contains `max` if there is no limit.
                limit: number(folder, limit).unwrap_or(u64::MAX).min(self.memory),
            })
        };
        let (memory, block, pids) = match &group.version {
            Version::V1 { memory, block, pids, .. } => (
                memory_of(memory, "memory.usage_in_bytes", "total_inactive_file", "memory.limit_in_bytes"),
                // The first has values only with the CFQ scheduler; otherwise its file is empty.
                ["blkio.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive"]
                    .into_iter()
                    .filter_map(|file| text(block, file))
                    .max_by_key(|text| text.lines().count())
                    .map(|text| block_v1(&text)),
                number(pids, "pids.current"),
            ),
            // Any of these can be missing: Raspberry Pi OS, for example, starts its kernel without the memory controller.
            Version::V2(all) => (
                memory_of(all, "memory.current", "inactive_file", "memory.max"),
                text(all, "io.stat").map(|text| block_v2(&text)),
                number(all, "pids.current"),
            ),
        };
        let network = group.network.as_ref().and_then(|file| fs::read_to_string(file).ok());
        Some(Reading {
            at: now,
            cpu: Cpu { used, one_core: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX) },
            memory,
            network: network.map(|text| interfaces(&text)),
            block,
            pids,
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

    /// crun with systemd puts the processes into a child of the container's cgroup. The container's counters include the child.
    fn procs_of_crun(&self) -> PathBuf {
        match self {
            Self::V1 { memory, .. } => memory.join("container/cgroup.procs"),
            Self::V2(all) => all.join("container/cgroup.procs"),
        }
    }
}

/// Whether the process belongs to the container: the PID may be from the engine's machine, and this process in another PID
/// namespace.
fn is_of(process: &Path, id: &ContainerId) -> bool {
    fs::read_to_string(process.join("cgroup")).is_ok_and(|groups| groups.contains(id.as_str()))
}

/// The number after `key`, in text with a key at the beginning of each line.
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

/// Parses `/proc/<pid>/net/dev`: two header lines; then for each interface its name, a colon, eight numbers for received and
/// eight for sent traffic, bytes first. Excludes the loopback, as the engine does.
fn interfaces(text: &str) -> Flow {
    let flows = text.lines().skip(2).filter_map(|line| {
        let (name, numbers) = line.split_once(':')?;
        let mut numbers = numbers.split_whitespace().map(|word| word.parse::<u64>().unwrap_or_default());
        (name.trim() != "lo").then_some(Flow { inward: numbers.next()?, outward: numbers.nth(7)? })
    });
    flows.fold(Flow::default(), |all, it| Flow { inward: all.inward + it.inward, outward: all.outward + it.outward })
}

/// The names of the interfaces in a `/proc/<pid>/net/dev`.
fn names(text: &str) -> BTreeSet<String> {
    let names = text.lines().skip(2).filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attachment, arbitrary};
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };
    use tempfile::TempDir;

    #[test]
    fn cgroup_and_proc_files_are_parsed() {
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
    fn unknown_container_has_no_cgroup() {
        assert!(Kernel::new().find(&container()).is_none());
    }

    fn container() -> Container {
        let it = arbitrary::container().new_tree(&mut TestRunner::deterministic()).unwrap().current();
        let id = ContainerId::new(&"ab".repeat(32)).unwrap();
        Container { id, pid: Some(4242), networks: Vec::new(), ..it }
    }

    /// The files of a machine with cgroup v2 and Docker with systemd, as a user without root's rights finds them: no namespace
    /// link is readable.
    struct Machine(TempDir);

    const INTERFACES: &str = "Inter-|   Receive          |  Transmit\n face |bytes    packets|bytes\n    lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n";

    impl Machine {
        fn new() -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            let id = container().id;
            let group = format!("cgroup/system.slice/docker-{id}.scope");
            for (file, text) in [
                ("cpu.stat", "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n"),
                ("memory.current", "104857600\n"),
                ("memory.max", "max\n"),
                ("memory.stat", "anon 1\nfile 2\ninactive_file 4857600\n"),
                ("io.stat", "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"),
                ("pids.current", "3\n"),
                // With systemd in a container, its processes are in child cgroups.
                ("cgroup.procs", ""),
            ] {
                machine.write(&format!("{group}/{file}"), text);
            }
            let eth0 = "  eth0: 1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n";
            machine.write("proc/meminfo", "MemTotal:       2048000 kB\n");
            machine.write("proc/1/net/dev", &format!("{INTERFACES}{eth0}docker0: 7 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n"));
            machine.write("proc/4242/net/dev", &format!("{INTERFACES}{eth0}"));
            machine.write("proc/4242/cgroup", &format!("0::/system.slice/docker-{id}.scope\n"));
            machine
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn read(&self, container: &Container) -> Reading {
            let kernel = Kernel::at(&self.0.path().join("cgroup"), &self.0.path().join("proc"));
            kernel.read(&kernel.find(container).unwrap(), Timestamp::default()).unwrap()
        }
    }

    #[test]
    fn container_network_is_read_without_root() {
        let reading = Machine::new().read(&container());
        assert_eq!(reading.cpu.used, 2_500_000);
        let memory = reading.memory.unwrap();
        assert_eq!((memory.in_use(), memory.limit), (100_000_000, 2_048_000 * 1_024));
        assert_eq!(reading.network, Some(Flow { inward: 1_000, outward: 500 }));
        assert_eq!((reading.block, reading.pids), (Some(Flow { inward: 4_096, outward: 8_192 }), Some(3)));
    }

    #[test]
    fn podman_crun_container_has_its_processes_in_a_child_cgroup() {
        let machine = Machine::new();
        let id = container().id;
        let docker = machine.0.path().join(format!("cgroup/system.slice/docker-{id}.scope"));
        let podman = machine.0.path().join(format!("cgroup/machine.slice/libpod-{id}.scope"));
        fs::create_dir_all(podman.parent().unwrap()).unwrap();
        fs::rename(docker, &podman).unwrap();
        fs::create_dir(podman.join("container")).unwrap();
        fs::write(podman.join("container/cgroup.procs"), "4242\n").unwrap();
        machine.write("proc/4242/cgroup", &format!("0::/machine.slice/libpod-{id}.scope/container\n"));
        // The engine has not reported the first process yet.
        let reading = machine.read(&Container { pid: None, ..container() });
        assert_eq!(
            (reading.cpu.used, reading.memory.unwrap().in_use(), reading.pids),
            (2_500_000, 100_000_000, Some(3))
        );
        assert_eq!(reading.network, Some(Flow { inward: 1_000, outward: 500 }));
    }

    #[test]
    fn unreadable_values_are_unknown_not_zero() {
        let machine = Machine::new();
        let group = machine.0.path().join(format!("cgroup/system.slice/docker-{}.scope", container().id));
        for file in ["io.stat", "pids.current", "memory.current", "memory.max", "memory.stat"] {
            fs::remove_file(group.join(file)).unwrap();
        }
        let none = machine.read(&Container { pid: None, ..container() });
        assert_eq!((none.memory, none.network, none.block, none.pids), (None, None, None, None));
        assert_eq!(none.cpu.used, 2_500_000);
        // A process with that PID in another PID namespace is not the container's.
        machine.write("proc/4242/cgroup", "0::/user.slice\n");
        assert_eq!(machine.read(&container()).network, None);
    }

    #[test]
    fn local_container_is_detected_by_its_cgroup_or_first_process() {
        let machine = Machine::new();
        let kernel = Kernel::at(&machine.0.path().join("cgroup"), &machine.0.path().join("proc"));
        assert!(kernel.runs(&container()));
        fs::remove_dir_all(machine.0.path().join("cgroup")).unwrap();
        assert!(kernel.runs(&container()));
        // Another machine has a process with that PID too.
        machine.write("proc/4242/cgroup", "0::/user.slice\n");
        assert!(!kernel.runs(&container()));
        assert!(!kernel.runs(&Container { pid: None, ..container() }));
    }

    #[test]
    fn host_network_traffic_is_counted_for_no_container() {
        let machine = Machine::new();
        let host = Attachment { id: None, name: "host".into(), ip: None };
        assert_eq!(machine.read(&Container { networks: vec![host], ..container() }).network, None);
        // An engine may not report it: then the container has the same interfaces as process 1.
        let hosts = fs::read_to_string(machine.0.path().join("proc/1/net/dev")).unwrap();
        machine.write("proc/4242/net/dev", &hosts);
        assert_eq!(machine.read(&container()).network, None);
    }
}
