//! Container of the simulated engine: the data behind lists and inspects.

use crate::sim::time::{self, Nanos};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub type Labels = BTreeMap<String, String>;

#[derive(Debug, Clone)]
pub struct Container {
    /// 64 hex digits.
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    pub created: Nanos,
    /// The image reference given at creation.
    pub image: String,
    /// With its `sha256:` prefix.
    pub image_id: String,
    /// Entrypoint and command together; never empty.
    pub command: Vec<String>,
    pub env: Vec<String>,
    pub labels: Labels,
    pub tty: bool,
    pub auto_remove: bool,
    pub restart_policy: String,
    pub most_restarts: u32,
    pub network_mode: String,
    /// Keyed by the network's name.
    pub networks: BTreeMap<String, Endpoint>,
    pub ports: Vec<Port>,
    pub mounts: Vec<Mount>,
    /// Config and HostConfig of `POST /containers/create`; empty for the initial population.
    pub config: Map<String, Value>,
    pub host_config: Map<String, Value>,
    pub state: State,
    /// Exit code when the container is asked to stop.
    pub exits_with: i64,
    /// The exit code, from `die` until the engine has processed the exit. Meanwhile lists show the previous state, and
    /// inspects wait.
    pub dying: Option<i64>,
    pub exit_code: i64,
    pub oom_killed: bool,
    pub pid: u32,
    pub started_at: Nanos,
    pub finished_at: Nanos,
    pub restart_count: u32,
    /// None without a health check.
    pub health: Option<HealthCheck>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    pub test: Vec<String>,
    pub status: Health,
    pub failing_streak: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Starting,
    Healthy,
    Unhealthy,
}

/// A container's connection to a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Empty until the first start.
    pub network_id: String,
    /// Empty while the container is down, as is the address.
    pub endpoint_id: String,
    pub ip: String,
    pub aliases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub private: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: &'static str,
    /// The port on the host; None if the port is only exposed.
    pub public: Option<Publication>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    pub ip: String,
    pub port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `volume`, `bind` or `tmpfs`.
    pub kind: &'static str,
    /// The volume's name; empty for other mounts.
    pub name: String,
    pub source: String,
    pub destination: String,
    pub writable: bool,
    /// Whether the volume was created for this container alone; `rm -v` removes it.
    pub anonymous: bool,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }

    /// Whether the container has processes.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
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
}

impl Container {
    /// The status text of `docker ps`.
    pub fn status(&self, now: Nanos) -> String {
        let up = time::in_words(now - self.started_at);
        let ago = time::in_words(now - self.finished_at);
        match (self.state, &self.health) {
            (State::Created, _) => "Created".into(),
            (State::Running, None) => format!("Up {up}"),
            (State::Running, Some(check)) if check.status == Health::Starting => format!("Up {up} (health: starting)"),
            (State::Running, Some(check)) => format!("Up {up} ({})", check.status.as_str()),
            (State::Paused, _) => format!("Up {up} (Paused)"),
            (State::Restarting, _) => format!("Restarting ({}) {ago} ago", self.exit_code),
            (State::Exited, _) => format!("Exited ({}) {ago} ago", self.exit_code),
            (State::Dead, _) => "Dead".into(),
        }
    }

    /// The command as `docker ps` shows it.
    pub fn command_line(&self) -> String {
        self.command.join(" ")
    }

    pub fn short_id(&self) -> &str {
        &self.id[..12]
    }

    /// The published and exposed ports. Only a container that is up has them.
    pub fn open_ports(&self) -> &[Port] {
        if self.state.is_up() { &self.ports } else { &[] }
    }
}
