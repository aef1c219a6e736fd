//! Usage counts: how many containers use an image, a volume or a network. Only the reducer changes them.

use super::{Container, HostId, ImageId, MountKind, VolumeName};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Containers that are up.
    pub running: u32,
    /// All containers.
    pub all: u32,
}

/// As `running/all`.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.running, self.all)
    }
}

/// A reference of a container to another entity. Networks are referenced by name, as in the engine: a container that
/// never ran has no network id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Used {
    Image(HostId, ImageId),
    Volume(HostId, VolumeName),
    Network(HostId, String),
}

impl Container {
    /// Everything the container uses, each entity once. Helper containers use nothing.
    pub fn uses(&self) -> Vec<Used> {
        if self.is_helper() {
            return Vec::new();
        }
        let host = || self.host.clone();
        let image = self.image_id.iter().map(|id| Used::Image(host(), id.clone()));
        let volumes = self.mounts.iter().filter(|mount| mount.kind == MountKind::Volume);
        let volumes = volumes.filter_map(|mount| VolumeName::new(&mount.source).ok());
        let volumes = volumes.map(|name| Used::Volume(host(), name));
        let networks = self.networks.iter().map(|network| Used::Network(host(), network.name.clone()));
        let mut used = Vec::new();
        for it in image.chain(volumes).chain(networks) {
            if !used.contains(&it) {
                used.push(it);
            }
        }
        used
    }
}
