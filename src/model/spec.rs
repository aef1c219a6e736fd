//! Container specification: the contents of a form, or the settings of an existing container.
//!
//! Settings that are not given are those of the image or the engine. The terms are Docker's.

use super::{
    ImageName, Labels, Message, NetworkName,
    mask::{self, HIDDEN},
};
use crate::message;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContainerSpec {
    pub image: String,
    pub entrypoint: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    /// `KEY=value`, or `KEY` alone to unset a variable of the image.
    pub env: Vec<String>,
    pub ports: Vec<PortSpec>,
    /// Publishes every port that the image exposes, each on a free port of the host.
    pub publish_all: bool,
    /// Ports that are exposed and not published, as in `9000/tcp`.
    pub expose: Vec<String>,
    pub mounts: Vec<MountSpec>,
    /// The container starts on the first network. Empty means the default bridge. `host`, `none` and `container:<id>`
    /// can't be combined with others.
    pub networks: Vec<NetworkSpec>,
    /// `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:<maximum retries>`.
    pub restart: Option<String>,
    pub limits: Limits,
    pub health: Option<HealthSpec>,
    pub labels: Labels,
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub hostname: Option<String>,
    pub domainname: Option<String>,
    pub tty: bool,
    pub stdin_open: bool,
    pub init: bool,
    pub privileged: bool,
    pub read_only: bool,
    /// Removed by the engine when it exits.
    pub auto_remove: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    /// `/dev/x:/dev/y:rwm`.
    pub devices: Vec<String>,
    /// `name:address`.
    pub extra_hosts: Vec<String>,
    pub dns: Vec<String>,
    pub dns_search: Vec<String>,
    pub security_opt: Vec<String>,
    pub group_add: Vec<String>,
    pub sysctls: Labels,
    pub ulimits: Vec<Ulimit>,
    pub log_driver: Option<String>,
    pub log_options: Labels,
    /// Bytes.
    pub shm_size: Option<u64>,
    pub stop_signal: Option<String>,
    /// Seconds.
    pub stop_timeout: Option<u32>,
    pub pid_mode: Option<String>,
    pub ipc_mode: Option<String>,
    pub runtime: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortSpec {
    pub private: u16,
    /// Empty means `tcp`.
    pub protocol: String,
    /// Empty means all addresses.
    pub ip: String,
    /// `None` means any free port.
    pub public: Option<u16>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MountSpec {
    pub kind: MountWay,
    /// A folder on the engine's machine, or a volume's name. Empty for an anonymous volume and for a tmpfs.
    pub source: String,
    pub target: String,
    pub read_only: bool,
    /// Bytes, for a tmpfs.
    pub size: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountWay {
    #[default]
    Volume,
    Bind,
    Tmpfs,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSpec {
    pub name: String,
    pub ip: Option<String>,
    pub aliases: Vec<String>,
}

/// Resource limits. `None` means no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<u64>,
    pub memory_reservation: Option<u64>,
    /// Memory and swap together, in bytes. -1 means unlimited swap.
    pub memory_swap: Option<i64>,
    /// Thousandths of a core.
    pub millicpus: Option<u64>,
    pub cpu_shares: Option<u64>,
    /// As in `0-2,5`.
    pub cpuset: Option<String>,
    pub pids: Option<i64>,
}

/// A health check. Times are in milliseconds, and `None` means the engine's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthSpec {
    /// Docker's format: `["CMD-SHELL", "…"]`, `["CMD", …]`, or `["NONE"]` to disable the check.
    pub test: Vec<String>,
    pub interval_ms: Option<u64>,
    pub timeout_ms: Option<u64>,
    pub start_period_ms: Option<u64>,
    pub retries: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ulimit {
    pub name: String,
    pub soft: i64,
    pub hard: i64,
}

/// An existing container in a form that can be created again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    pub name: String,
    pub spec: ContainerSpec,
    /// Settings that a spec doesn't support, by the engine's names.
    pub left_out: Vec<String>,
}

impl PortSpec {
    pub fn protocol(&self) -> &str {
        if self.protocol.is_empty() { "tcp" } else { &self.protocol }
    }
}

impl NetworkSpec {
    /// Whether the name stands for a network mode, not for a network.
    pub fn is_a_mode(&self) -> bool {
        matches!(self.name.as_str(), "host" | "none" | "bridge" | "default") || self.name.starts_with("container:")
    }
}

impl ContainerSpec {
    /// Masks possible secrets: see [`mask`].
    #[must_use]
    pub fn hidden(mut self) -> Self {
        for variable in &mut self.env {
            *variable = mask::assignment(variable);
        }
        for (key, value) in self.log_options.iter_mut() {
            *value = mask::log_option(key, value);
        }
        if let Some(health) = &mut self.health {
            health.test = mask::health_test(&health.test);
        }
        self
    }

    /// Whether some values are masked.
    pub fn is_hidden(&self) -> bool {
        let is_hidden = |text: &String| text == HIDDEN;
        self.env.iter().any(|it| it.split_once('=').is_some_and(|(_, value)| value == HIDDEN))
            || self.log_options.iter().any(|(_, value)| is_hidden(value))
            || self.health.as_ref().is_some_and(|it| it.test.iter().any(is_hidden))
    }

    /// Replaces masked values by those of `known`.
    #[must_use]
    pub fn with_values_of(mut self, known: &Self) -> Self {
        for (key, value) in self.log_options.iter_mut() {
            if let (HIDDEN, Some(whole)) = (&**value, known.log_options.get(key)) {
                *value = whole.clone();
            }
        }
        if let (Some(health), Some(whole)) = (&mut self.health, &known.health)
            && health.test == mask::health_test(&whole.test)
        {
            health.test = whole.test.clone();
        }
        for variable in &mut self.env {
            let Some((key, HIDDEN)) = variable.split_once('=') else { continue };
            let of_key = |it: &&String| it.split_once('=').is_some_and(|(its, _)| its == key);
            if let Some(whole) = known.env.iter().find(of_key) {
                *variable = whole.clone();
            }
        }
        self
    }

    /// Returns an error message for a spec that Docker would reject, before it is sent.
    pub fn fault(&self) -> Option<Message> {
        if self.image.trim().is_empty() {
            return Some(message!("Enter an image"));
        }
        // The image's and the networks' names are used in paths of the engine's API.
        if ImageName::new(&self.image).is_err() {
            return Some(message!(
                "\"{name}\" isn't a valid image name. Use repository:tag, for example nginx:1.27",
                name = self.image
            ));
        }
        if let Some(odd) = self.networks.iter().find(|it| !it.is_a_mode() && NetworkName::new(&it.name).is_err()) {
            return Some(message!("\"{name}\" isn't a valid network name", name = odd.name));
        }
        for port in &self.ports {
            if port.private == 0 {
                return Some(message!("Port must be between 1 and 65535"));
            }
            if !matches!(port.protocol(), "tcp" | "udp" | "sctp") {
                return Some(message!("Protocol must be tcp, udp or sctp, not {protocol}", protocol = port.protocol));
            }
        }
        for (at, port) in self.ports.iter().enumerate() {
            let same = |it: &PortSpec| {
                it.public.is_some() && it.public == port.public && it.protocol() == port.protocol() && it.ip == port.ip
            };
            if self.ports[..at].iter().any(same) {
                return Some(message!("Port {port} is published twice", port = port.public.unwrap_or_default()));
            }
        }
        for (at, mount) in self.mounts.iter().enumerate() {
            if !mount.target.starts_with('/') || mount.target == "/" {
                return Some(message!(
                    "\"{path}\" isn't a valid container path. Use an absolute path below /, for example /data",
                    path = mount.target
                ));
            }
            if mount.kind == MountWay::Bind && !mount.source.starts_with('/') {
                let path = &mount.source;
                return Some(message!("\"{path}\" isn't an absolute path. Container paths start with /", path));
            }
            if self.mounts[..at].iter().any(|it| it.target == mount.target) {
                return Some(message!("{path} is mounted twice", path = mount.target));
            }
        }
        if self.networks.len() > 1 && self.networks.iter().any(|it| it.is_a_mode() && it.name != "bridge") {
            return Some(message!("Host, none and container networks can't be combined with other networks"));
        }
        if self.networks.first().is_some_and(|it| it.name == "host") && !self.ports.is_empty() {
            return Some(message!(
                "Ports can't be published with host networking: the container uses the host's ports directly"
            ));
        }
        if let Some(restart) = &self.restart {
            let tries = restart.strip_prefix("on-failure:").map(str::parse::<u32>);
            let is_sound = matches!(restart.as_str(), "no" | "always" | "unless-stopped" | "on-failure");
            if !is_sound && tries.is_none_or(|tries| tries.is_err()) {
                return Some(message!(
                    "\"{restart}\" isn't a restart policy. Use no, always, unless-stopped or on-failure",
                    restart
                ));
            }
            if self.auto_remove && restart != "no" {
                return Some(message!("Auto-remove (--rm) can't be combined with a restart policy. Choose one"));
            }
        }
        for variable in &self.env {
            if variable.is_empty() || variable.starts_with('=') {
                return Some(message!("\"{variable}\" isn't in KEY=value form", variable));
            }
        }
        self.limits.fault()
    }
}

impl Limits {
    /// Docker's minimum, in bytes.
    const LEAST_MEMORY: u64 = 6 << 20;

    pub fn fault(&self) -> Option<Message> {
        if self.memory.is_some_and(|it| it < Self::LEAST_MEMORY) {
            return Some(message!("Memory limit must be at least 6 MB"));
        }
        match (self.memory, self.memory_reservation, self.memory_swap) {
            (Some(memory), Some(reserved), _) if reserved > memory => {
                Some(message!("Memory reservation can't exceed the memory limit"))
            }
            (None, _, Some(swap)) if swap > 0 => Some(message!("Set a memory limit before setting a swap limit")),
            (Some(memory), _, Some(swap)) if swap > 0 && swap.unsigned_abs() < memory => {
                Some(message!("Swap limit can't be lower than the memory limit"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::recipe::{compose, docker_run};

    fn spec() -> ContainerSpec {
        ContainerSpec { image: "web:1".into(), ..ContainerSpec::default() }
    }

    #[test]
    fn secrets_of_a_spec_are_masked_and_restored() {
        let options = [("max-size", "10m"), ("splunk-token", "s3cret")].map(|(key, value)| (key.into(), value.into()));
        let test = ["CMD", "curl", "-u", "a:s3cret"].map(str::to_owned).to_vec();
        let known = ContainerSpec {
            env: vec!["A=1".into(), "B=x=y".into(), "C".into()],
            log_options: options.into_iter().collect(),
            health: Some(HealthSpec { test, retries: Some(3), ..HealthSpec::default() }),
            ..spec()
        };
        let hidden = known.clone().hidden();
        assert_eq!(hidden.env, ["A=***", "B=***", "C"]);
        assert!(hidden.is_hidden() && !known.is_hidden());
        for written in [docker_run("web", &hidden), compose("web", &hidden)] {
            assert!(!written.contains("s3cret") && written.contains("10m"), "{written}");
        }
        assert_eq!(hidden.clone().with_values_of(&known), known);
        let edited = ContainerSpec { env: vec!["B=***".into(), "A=2".into(), "D=***".into()], ..hidden };
        assert_eq!(edited.with_values_of(&known).env, ["B=x=y", "A=2", "D=***"]);
    }

    #[test]
    fn invalid_spec_is_rejected_before_the_request() {
        assert_eq!(spec().fault(), None);
        let port = |public| PortSpec { private: 80, public, ..PortSpec::default() };
        let mount = |kind, source: &str, target: &str| MountSpec {
            kind,
            source: source.into(),
            target: target.into(),
            ..MountSpec::default()
        };
        let network = |name: &str| NetworkSpec { name: name.into(), ..NetworkSpec::default() };
        for (faulty, words) in [
            (ContainerSpec::default(), "Enter an image"),
            (ContainerSpec { image: "../containers/x".into(), ..spec() }, "valid image name"),
            (ContainerSpec { networks: vec![network("front"), network("..")], ..spec() }, "valid network name"),
            (ContainerSpec { ports: vec![port(Some(80)), port(Some(80))], ..spec() }, "twice"),
            (ContainerSpec { mounts: vec![mount(MountWay::Bind, "data", "/data")], ..spec() }, "absolute path"),
            (ContainerSpec { mounts: vec![mount(MountWay::Volume, "data", "data")], ..spec() }, "valid container path"),
            (ContainerSpec { networks: vec![network("host"), network("front")], ..spec() }, "other networks"),
            (ContainerSpec { networks: vec![network("host")], ports: vec![port(None)], ..spec() }, "host networking"),
            (ContainerSpec { restart: Some("often".into()), ..spec() }, "a restart policy"),
            (ContainerSpec { restart: Some("always".into()), auto_remove: true, ..spec() }, "Choose one"),
            (ContainerSpec { limits: Limits { memory: Some(1), ..Limits::default() }, ..spec() }, "6 MB"),
        ] {
            let fault = faulty.fault().unwrap_or_default();
            assert!(fault.to_string().contains(words), "{fault}");
        }
        assert_eq!(ContainerSpec { ports: vec![port(None), port(None)], ..spec() }.fault(), None);
    }
}
