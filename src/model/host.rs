//! A host: one engine that the server watches, its connection status, and its properties.

use super::{HostId, Kind, Message, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub id: HostId,
    /// The engine's name of its machine. Equal to the id until the engine was reached.
    pub name: String,
    pub status: HostStatus,
    /// When `status` last changed.
    pub since: Timestamp,
    /// Why the engine is unreachable.
    pub error: Option<Message>,
    /// Whether others on the network can read and change the traffic to the engine: plain TCP to another machine.
    pub is_exposed: bool,
    /// The last known properties. `None` until the engine was reached once.
    pub engine: Option<Engine>,
    /// The kinds that the engine fails to list, in the order of [`Kind`]. Never containers: if they can't be listed,
    /// the engine is unreachable.
    pub failed_lists: Vec<FailedList>,
}

/// A kind that the engine fails to list. Its entities stay as last known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedList {
    pub kind: Kind,
    /// Time of the last successful list, or `None` if there was none since the server's start.
    pub as_of: Option<Timestamp>,
    /// Why it fails.
    pub error: Message,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostStatus {
    Connecting,
    Reachable,
    /// Its entities stay as last known.
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
    /// Features of Docker's API that the engine does not support.
    pub lacks: Vec<Lack>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Changing the limits of an existing container.
    Update,
    /// A build cache that can be pruned.
    BuildCache,
    /// A builder that supports mounts, file modes in `COPY`, and platform arguments.
    BuildKit,
    /// Heredocs in a Dockerfile, as in `RUN <<EOT`.
    Heredocs,
    /// Backups of volumes with the owners of their files.
    FileOwners,
    /// Layers of a Dockerfile that do not depend on the previous ones, as in `COPY --link`.
    LinkedCopies,
}

impl Lack {
    /// Why the feature is unavailable, in words for the user.
    pub fn words(self) -> &'static str {
        match self {
            Self::Update => "This engine can't update limits on an existing container. Use Edit to recreate it",
            Self::BuildCache => "This engine has no build cache",
            Self::BuildKit => "This engine doesn't support BuildKit",
            Self::Heredocs => "This engine's builder doesn't support heredocs",
            Self::FileOwners => "This engine's backups don't preserve file owners",
            Self::LinkedCopies => "This engine's builder doesn't support COPY --link",
        }
    }
}

impl Engine {
    /// The architecture's name in images and platforms. `/info` contains the machine's name for it.
    pub fn architecture(&self) -> &str {
        match self.arch.as_str() {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "i386" | "i686" => "386",
            arm if arm.starts_with("armv") => "arm",
            other => other,
        }
    }

    /// Whether a platform (`os/architecture` or `os/architecture/variant`) matches the engine's architecture. The
    /// engine may run others by emulation.
    pub fn is_native(&self, platform: &str) -> bool {
        platform.split('/').nth(1).is_none_or(|architecture| architecture == self.architecture())
    }

    /// Whether the engine emits events when a network is created or removed.
    pub fn tells_of_networks(&self) -> bool {
        self.product != "Podman"
    }

    /// Whether the last N lines of a log are returned as they were written. Podman 4.3 appends the beginning of a line
    /// that it has stored in two parts to the line before.
    pub fn counts_lines_rightly(&self) -> bool {
        self.product != "Podman"
    }
}

impl Host {
    /// A host that was not reached yet.
    pub fn connecting(id: HostId, now: Timestamp) -> Self {
        let name = id.to_string();
        Self {
            id,
            name,
            status: HostStatus::Connecting,
            since: now,
            error: None,
            is_exposed: false,
            engine: None,
            failed_lists: Vec::new(),
        }
    }

    /// Why the engine's latest list of a kind is missing. `None` if it is not.
    pub fn failed_list(&self, kind: Kind) -> Option<&FailedList> {
        self.failed_lists.iter().find(|it| it.kind == kind)
    }

    /// Whether the engine was reached since the server's start. Until then, nothing is known of its entities.
    pub fn was_reached(&self) -> bool {
        self.engine.is_some()
    }

    pub fn is_reachable(&self) -> bool {
        self.status == HostStatus::Reachable
    }
}
