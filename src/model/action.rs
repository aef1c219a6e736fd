//! Actions of users on the engine's entities, by the names of the protocol: `<noun>.<verb>`.
//!
//! In JSON each enum is a verb with its options, `{"stop": {"timeout": 5}}`: that is how `wire/action.rs` reads them.

use super::{
    ContainerId, ContainerName, HostId, ImageId, ImageName, Labels, Limits, NetworkId, NetworkName, Permission,
    VolumeName,
};
use serde::{Deserialize, Serialize};

/// One action on one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Container(HostId, ContainerId, ContainerAction),
    Image(HostId, ImageId, ImageAction),
    Volume(HostId, VolumeName, VolumeAction),
    Network(HostId, NetworkId, NetworkAction),
    CreateNetwork(HostId, NetworkName, NewNetwork),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ContainerAction {
    Start,
    /// Seconds until the engine kills the container. `None` uses the container's default.
    Stop {
        timeout: Option<u32>,
    },
    Restart {
        timeout: Option<u32>,
    },
    Pause,
    Unpause,
    Kill {
        signal: Option<String>,
    },
    Rename {
        name: String,
    },
    /// Settings that are not given stay unchanged. The restart policy has the format of `docker run`.
    Update {
        #[serde(default)]
        limits: Limits,
        #[serde(default)]
        restart: Option<String>,
    },
    /// Creates an image from the current contents of its file system.
    Commit {
        name: ImageName,
        #[serde(default)]
        message: String,
    },
    Remove {
        #[serde(default)]
        force: bool,
        /// Also removes anonymous volumes.
        #[serde(default)]
        volumes: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageAction {
    /// Adds a name.
    Tag { name: ImageName },
    /// Removes a name. Removing the last one removes the image, unless a container uses it.
    Untag { name: ImageName },
    /// Removes the image with all its names. `force`: even if stopped containers were created from it.
    Remove {
        #[serde(default)]
        force: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VolumeAction {
    Create {
        /// `None` means `local`.
        driver: Option<String>,
        /// Options of the driver.
        #[serde(default)]
        options: Labels,
        #[serde(default)]
        labels: Labels,
    },
    /// `force`: even if the volume's driver does not answer.
    Remove {
        #[serde(default)]
        force: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NetworkAction {
    Connect {
        container: ContainerId,
        /// The container's address on this network. `None` lets the engine choose.
        ip: Option<String>,
        #[serde(default)]
        aliases: Vec<String>,
    },
    Disconnect {
        container: ContainerId,
        #[serde(default)]
        force: bool,
    },
    Remove,
}

/// The options of a new network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewNetwork {
    /// `None` means `bridge`.
    pub driver: Option<String>,
    /// In CIDR notation. `None` lets the engine choose.
    pub subnet: Option<String>,
    pub gateway: Option<String>,
    /// Without external access.
    pub internal: bool,
    pub labels: Labels,
}

impl Action {
    pub fn host(&self) -> &HostId {
        match self {
            Self::Container(host, ..)
            | Self::Image(host, ..)
            | Self::Volume(host, ..)
            | Self::Network(host, ..)
            | Self::CreateNetwork(host, ..) => host,
        }
    }

    /// The noun of the protocol's name.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Container(..) => "container",
            Self::Image(..) => "image",
            Self::Volume(..) => "volume",
            Self::Network(..) | Self::CreateNetwork(..) => "network",
        }
    }

    /// The label of the button.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Container(_, _, action) => action.verb(),
            Self::Image(_, _, action) => action.verb(),
            Self::Volume(_, _, action) => action.verb(),
            Self::Network(_, _, action) => action.verb(),
            Self::CreateNetwork(..) => "Create",
        }
    }

    /// The id of the entity that the action applies to, or the name of a network to be created.
    pub fn target(&self) -> &str {
        match self {
            Self::Container(_, id, _) => id.as_str(),
            Self::Image(_, id, _) => id.as_str(),
            Self::Volume(_, name, _) => name.as_str(),
            Self::Network(_, id, _) => id.as_str(),
            Self::CreateNetwork(_, name, _) => name.as_str(),
        }
    }

    /// The permission that the caller needs.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Container(_, _, ContainerAction::Remove { .. })
            | Self::Image(_, _, ImageAction::Remove { .. } | ImageAction::Untag { .. })
            | Self::Volume(_, _, VolumeAction::Remove { .. })
            | Self::Network(_, _, NetworkAction::Remove) => Permission::Remove,
            Self::Container(_, _, ContainerAction::Commit { .. } | ContainerAction::Update { .. }) => {
                Permission::Create
            }
            Self::Container(..) => Permission::Operate,
            Self::Image(..) | Self::Volume(..) | Self::Network(..) | Self::CreateNetwork(..) => Permission::Create,
        }
    }
}

impl ContainerAction {
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Stop { .. } => "Stop",
            Self::Restart { .. } => "Restart",
            Self::Pause => "Pause",
            Self::Unpause => "Unpause",
            Self::Kill { .. } => "Kill",
            Self::Rename { .. } => "Rename",
            Self::Update { .. } => "Update",
            Self::Commit { .. } => "Commit",
            Self::Remove { .. } => "Remove",
        }
    }

    /// Whether Docker accepts `text` as a container's name.
    pub fn is_name(text: &str) -> bool {
        ContainerName::new(text).is_ok()
    }

    /// Whether the container's label `quaylight.protect=true` forbids it.
    pub fn ends_the_container(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Restart { .. } | Self::Kill { .. } | Self::Remove { .. })
    }

    /// Whether an engine accepts it in every state, but what it does depends on the state.
    pub fn depends_on_the_state(&self) -> bool {
        matches!(self, Self::Start | Self::Stop { .. } | Self::Restart { .. })
    }
}

impl ImageAction {
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Tag { .. } => "Tag",
            Self::Untag { .. } => "Untag",
            Self::Remove { .. } => "Remove",
        }
    }
}

impl VolumeAction {
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "Create",
            Self::Remove { .. } => "Remove",
        }
    }
}

impl NetworkAction {
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "Connect",
            Self::Disconnect { .. } => "Disconnect",
            Self::Remove => "Remove",
        }
    }
}
