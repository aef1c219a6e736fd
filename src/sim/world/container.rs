//! What is a container to the simulator? The facts that lists and inspects are made of.

use crate::sim::moment::{self, Nanos};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub type Labels = BTreeMap<String, String>;

#[derive(Debug, Clone)]
pub struct Container {
    /// 64 hex digits.
    pub id: String,
    /// Without the slash.
    pub name: String,
    pub created: Nanos,
    /// As given at creation.
    pub image: String,
    /// With its `sha256:`.
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
    /// By the network's name.
    pub networks: BTreeMap<String, Endpoint>,
    pub ports: Vec<Port>,
    pub mounts: Vec<Mount>,
    /// What `POST /containers/create` said of Config and HostConfig; empty for the population it began with.
    pub config: Map<String, Value>,
    pub host_config: Map<String, Value>,
    pub state: State,
    /// What it exits with when it is asked to.
    pub exits_with: i64,
    /// From `die` until the engine has dealt with it, the exit code. Meanwhile lists say what was before, and whoever
    /// wants to know more waits.
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

/// A place on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Empty until the container was started once.
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
    /// The host's; none when it is only exposed.
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
    /// A volume's; empty otherwise.
    pub name: String,
    pub source: String,
    pub destination: String,
    pub writable: bool,
    /// A volume that was made for this container alone, and goes with it on `rm -v`.
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

    /// Whether it has processes.
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
    /// The words of `docker ps`.
    pub fn status(&self, now: Nanos) -> String {
        let up = moment::in_words(now - self.started_at);
        let ago = moment::in_words(now - self.finished_at);
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

    /// `docker ps` shows the command so.
    pub fn command_line(&self) -> String {
        self.command.join(" ")
    }

    pub fn short_id(&self) -> &str {
        &self.id[..12]
    }

    /// Ports are there while the container is up only.
    pub fn open_ports(&self) -> &[Port] {
        if self.state.is_up() { &self.ports } else { &[] }
    }
}
