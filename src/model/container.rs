//! A container, as lists and live views show it.

use super::{ContainerId, HostId, ImageId, NetworkId, Sorted, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The label of helper containers, which Quaylight creates to access volumes.
pub const HELPER: &str = "quaylight.helper";

/// Labels by key. Sorted, so that every side iterates in the same order.
pub type Labels = Sorted<String, String>;

/// The constant fields are first, and those that change are last and together: the binary encoding sends only the range
/// of bytes that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    pub host: HostId,
    pub id: ContainerId,
    /// As given at creation: a tag, a digest or an id.
    pub image: String,
    pub image_id: Option<ImageId>,
    /// In whole seconds until the container is inspected: lists contain no fractions.
    pub created: Timestamp,
    pub labels: Labels,
    /// Sorted by destination.
    pub mounts: Vec<Mount>,
    /// Without the leading slash.
    pub name: String,
    /// `None` until the container is inspected: lists don't contain it.
    pub restart_policy: Option<RestartPolicy>,
    pub state: ContainerState,
    /// `None` if there is no health check.
    pub health: Option<Health>,
    pub exit_code: Option<i64>,
    pub oom_killed: bool,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Process id of the main process in the engine machine's namespace. `None` while the container is down, and until
    /// it is inspected.
    pub pid: Option<u32>,
    /// How often the restart policy has restarted it. `None` until the container is inspected.
    pub restart_count: Option<u32>,
    /// Sorted by private port.
    pub ports: Vec<Port>,
    /// Sorted by name.
    pub networks: Vec<Attachment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerState {
    Running,
    Restarting,
    Paused,
    Created,
    Removing,
    Exited,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Starting,
    Healthy,
    Unhealthy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    No,
    Always,
    UnlessStopped,
    OnFailure,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    pub private: u16,
    pub protocol: Protocol,
    /// The host's address and port. `None` if the port is only exposed.
    pub ip: Option<String>,
    pub public: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// A container's attachment to a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attachment {
    pub name: String,
    /// `None` until the container was started once.
    pub id: Option<NetworkId>,
    pub ip: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    pub kind: MountKind,
    /// A volume's name, or a path on the host. Empty for a tmpfs.
    pub source: String,
    pub destination: String,
    pub writable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MountKind {
    Volume,
    Bind,
    Tmpfs,
    Other,
}

impl Container {
    /// Whether the container is in a transient state, which the engine leaves by itself.
    pub fn is_passing(&self) -> bool {
        matches!(self.state, ContainerState::Restarting | ContainerState::Removing)
            || self.health == Some(Health::Starting)
    }

    /// The Compose project of the container.
    pub fn project(&self) -> Option<&str> {
        self.label("com.docker.compose.project")
    }

    /// The Compose service that the container is an instance of.
    pub fn service(&self) -> Option<&str> {
        self.label("com.docker.compose.service")
    }

    /// Whether its owner forbids to stop or remove it here.
    pub fn is_protected(&self) -> bool {
        self.label("quaylight.protect") == Some("true")
    }

    /// Whether it is a short-lived helper container, created here to access a volume.
    pub fn is_helper(&self) -> bool {
        self.label(HELPER).is_some()
    }

    /// The exit code if the container failed.
    pub fn failed_with(&self) -> Option<i64> {
        self.exit_code.filter(|code| self.state == ContainerState::Exited && *code != 0)
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl ContainerState {
    pub const ALL: [Self; 7] =
        [Self::Running, Self::Restarting, Self::Paused, Self::Created, Self::Removing, Self::Exited, Self::Dead];

    /// Docker's name of the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    /// Parses Docker's name of a state. `stopped` is Podman's name for `exited`. Returns `None` for unknown names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).or(match word {
            "stopped" => Some(Self::Exited),
            "configured" | "initialized" => Some(Self::Created),
            "stopping" => Some(Self::Running),
            _ => None,
        })
    }

    /// Whether it holds processes. "In use by a running container" counts these containers.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }

    /// Whether buttons offer the same actions as in `other`.
    pub fn has_actions_of(self, other: Self) -> bool {
        let group = |state: Self| (state.is_up(), state == Self::Paused);
        group(self) == group(other)
    }
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }

    /// Parses Docker's name. `none` and unknown names mean no health.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Starting, Self::Healthy, Self::Unhealthy].into_iter().find(|health| health.as_str() == word)
    }
}

impl Protocol {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Sctp].into_iter().find(|protocol| protocol.as_str() == word)
    }
}

impl fmt::Display for ContainerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
