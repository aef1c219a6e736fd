//! Detection of engines on this machine: only for these do the kernel's files describe the containers.
//!
//! The facts of the engine decide, not the kind of its socket: a local socket may be forwarded to another machine, and TCP on
//! loopback may lead anywhere.

use super::cgroup::Kernel;
use crate::model::{Container, ContainerId, ContainerState, EngineState, Host, HostId, Timestamp};
use std::{collections::BTreeMap, fs, sync::Arc};

/// Maximum running containers to look for on this machine: if none of these runs here, probably no other does.
const MAX_LOOKED_FOR: usize = 16;

/// What an engine on this machine would report about it.
#[derive(Debug, Clone)]
pub(super) struct ThisMachine {
    hostname: String,
    kernel: String,
    /// Bytes.
    memory: u64,
    /// Quaylight's own container, if it runs in one: then its hostname is not the machine's.
    own_container: Option<ContainerId>,
}

/// What an engine's running containers reveal about its location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// One of them runs here. Ids are random: no other machine has the same, except a clone of this one.
    Here,
    /// Their first processes are not here.
    Elsewhere,
    /// None runs, or their processes are not known yet.
    None,
}

impl ThisMachine {
    pub(super) fn read(memory: u64) -> Self {
        let word = |file: &str| fs::read_to_string(format!("/proc/sys/kernel/{file}")).unwrap_or_default();
        Self {
            hostname: word("hostname").trim().to_owned(),
            kernel: word("osrelease").trim().to_owned(),
            memory,
            own_container: crate::server::own_container::id(),
        }
    }

    fn is_host_of(&self, host: &Host, evidence: Evidence) -> bool {
        let agrees = host.engine.as_ref().is_some_and(|it| it.kernel == self.kernel && it.memory == self.memory);
        agrees
            && match evidence {
                Evidence::Here => true,
                Evidence::Elsewhere => false,
                Evidence::None => !self.hostname.is_empty() && host.name == self.hostname,
            }
    }

    /// Some of the running containers of a host, Quaylight's own first.
    pub(super) fn worth_looking_for(&self, host: &HostId, state: &EngineState) -> Vec<Arc<Container>> {
        let running = |it: &&Arc<Container>| it.host == *host && it.state == ContainerState::Running;
        let own = self.own_container.as_ref().and_then(|id| state.container(host, id)).filter(running);
        own.into_iter().chain(state.containers().filter(running).take(MAX_LOOKED_FOR)).cloned().collect()
    }

    fn evidence(&self, kernel: &Kernel, running: &[Arc<Container>]) -> Evidence {
        let mut is_elsewhere = false;
        for container in running {
            if self.own_container.as_ref() == Some(&container.id) || kernel.runs(container) {
                return Evidence::Here;
            }
            is_elsewhere |= container.pid.is_some();
        }
        if is_elsewhere { Evidence::Elsewhere } else { Evidence::None }
    }
}

/// Engines found to be on this machine, with the time since when each is reachable. A positive result stays valid; a negative
/// one may change with the next container.
#[derive(Default)]
pub(super) struct LocalEngines(BTreeMap<HostId, Timestamp>);

impl LocalEngines {
    pub(super) fn is_local(
        &mut self,
        host: &Host,
        here: &ThisMachine,
        kernel: &Kernel,
        running: &[Arc<Container>],
    ) -> bool {
        if self.0.get(&host.id) == Some(&host.since) {
            return true;
        }
        let is_local = here.is_host_of(host, here.evidence(kernel, running));
        if is_local && host.is_reachable() {
            self.0.insert(host.id.clone(), host.since);
        }
        is_local
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Engine, HostStatus};

    fn here() -> ThisMachine {
        ThisMachine { hostname: "nas".into(), kernel: "6.1.0".into(), memory: 1 << 30, own_container: None }
    }

    fn host(name: &str, kernel: &str, memory: u64) -> Host {
        let engine = Engine {
            product: "Docker".into(),
            version: "28".into(),
            api_version: "1.51".into(),
            os: "Debian".into(),
            kernel: kernel.into(),
            arch: "x86_64".into(),
            cpus: 2,
            memory,
            storage_driver: "overlay2".into(),
            lacks: Vec::new(),
        };
        let host = Host::connecting(HostId::new("local").unwrap(), Timestamp::from_seconds(1));
        Host { name: name.into(), status: HostStatus::Reachable, engine: Some(engine), ..host }
    }

    #[test]
    fn engine_is_local_if_its_kernel_memory_and_containers_match() {
        let this = host("nas", "6.1.0", 1 << 30);
        let is_here = |host: &Host, evidence| here().is_host_of(host, evidence);
        assert!(is_here(&this, Evidence::Here) && is_here(&this, Evidence::None));
        // A socket that is forwarded to a clone of this machine with the same name.
        assert!(!is_here(&this, Evidence::Elsewhere));
        // Within a container the hostname is different.
        let named = host("pi", "6.1.0", 1 << 30);
        assert!(is_here(&named, Evidence::Here) && !is_here(&named, Evidence::None));
        for other in [host("nas", "6.2.0", 1 << 30), host("nas", "6.1.0", 1 << 31)] {
            assert!(!is_here(&other, Evidence::Here));
        }
        let unknown = Host { engine: None, ..this };
        assert!(!is_here(&unknown, Evidence::Here));
    }

    #[test]
    fn local_engine_stays_local_until_it_reconnects() {
        let (mut nearness, kernel) = (LocalEngines::default(), Kernel::new());
        let this = host("nas", "6.1.0", 1 << 30);
        assert!(nearness.is_local(&this, &here(), &kernel, &[]));
        let renamed = Host { name: "other".into(), ..this };
        assert!(nearness.is_local(&renamed, &here(), &kernel, &[]));
        let again = Host { since: Timestamp::from_seconds(9), ..renamed };
        assert!(!nearness.is_local(&again, &here(), &kernel, &[]));
    }
}
