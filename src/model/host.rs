//! A host: one engine that the server watches, whether it answers, and what it is.

use super::{HostId, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub id: HostId,
    /// What the engine calls its machine; the id until it was reached.
    pub name: String,
    pub status: HostStatus,
    /// When `status` last changed.
    pub since: Timestamp,
    /// Why the engine is unreachable, in words for the user.
    pub error: Option<String>,
    /// As last known; none until it was reached once.
    pub engine: Option<Engine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostStatus {
    Connecting,
    Reachable,
    /// Its entities stay, as last known.
    Unreachable,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// `Docker` or `Podman`.
    pub product: String,
    pub version: String,
    pub api_version: String,
    pub os: String,
    pub kernel: String,
    pub arch: String,
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    pub storage_driver: String,
    /// What it does not offer, though it speaks Docker's API.
    pub lacks: Vec<Lack>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Other limits for a container that exists.
    Update,
    /// A build cache that can be emptied.
    BuildCache,
}

impl Lack {
    /// Why it can't be had, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Update => "This engine can't change a container's limits: edit it, which makes it anew",
            Self::BuildCache => "This engine has no build cache",
        }
    }
}

impl Engine {
    /// Whether an event says that a network was made or removed.
    pub fn tells_of_networks(&self) -> bool {
        self.product != "Podman"
    }

    /// Whether the last lines of a log, asked for by their count, are as they were written. Podman 4.3 puts the beginning of
    /// one that it has in two parts at the end of the one before.
    pub fn counts_lines_rightly(&self) -> bool {
        self.product != "Podman"
    }
}

impl Host {
    /// A host nobody has reached yet.
    pub fn connecting(id: HostId, now: Timestamp) -> Self {
        let name = id.to_string();
        Self { id, name, status: HostStatus::Connecting, since: now, error: None, engine: None }
    }

    pub fn is_reachable(&self) -> bool {
        self.status == HostStatus::Reachable
    }
}
