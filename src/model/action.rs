//! What users can do to the engine's things, by the names of the protocol: `<noun>.<verb>`.
//!
//! In JSON each enum is a verb with its options, `{"stop": {"timeout": 5}}`: that is how `wire/action.rs` reads them.

use super::{
    ContainerId, ContainerName, HostId, ImageId, ImageName, Labels, Limits, NetworkId, NetworkName, Permission,
    VolumeName,
};
use serde::{Deserialize, Serialize};

/// One action on one thing.
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
    /// Seconds until the engine kills it; its own default without.
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
    /// What is not said stays as it is. The restart policy as `docker run` takes it.
    Update {
        #[serde(default)]
        limits: Limits,
        #[serde(default)]
        restart: Option<String>,
    },
    /// An image of what it has in its file system now.
    Commit {
        name: ImageName,
        #[serde(default)]
        message: String,
    },
    Remove {
        #[serde(default)]
        force: bool,
        /// Anonymous ones.
        #[serde(default)]
        volumes: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageAction {
    /// One more name for it.
    Tag { name: ImageName },
    /// One name less; the last one takes the image along, unless a container uses it.
    Untag { name: ImageName },
    /// With all its names. `force`: even where stopped containers were made from it.
    Remove {
        #[serde(default)]
        force: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VolumeAction {
    Create {
        /// `local` without.
        driver: Option<String>,
        /// Of the driver.
        #[serde(default)]
        options: Labels,
        #[serde(default)]
        labels: Labels,
    },
    /// `force`: even where its driver does not answer.
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
        /// Of the container on this network; the engine chooses without.
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

/// What is said of a network when it is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewNetwork {
    /// `bridge` without.
    pub driver: Option<String>,
    /// In CIDR notation; the engine chooses without.
    pub subnet: Option<String>,
    pub gateway: Option<String>,
    /// Without a way out.
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

    /// The word on the button.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Container(_, _, action) => action.verb(),
            Self::Image(_, _, action) => action.verb(),
            Self::Volume(_, _, action) => action.verb(),
            Self::Network(_, _, action) => action.verb(),
            Self::CreateNetwork(..) => "Create",
        }
    }

    /// What it is done to, by its id; a network that is to be made by its name.
    pub fn target(&self) -> &str {
        match self {
            Self::Container(_, id, _) => id.as_str(),
            Self::Image(_, id, _) => id.as_str(),
            Self::Volume(_, name, _) => name.as_str(),
            Self::Network(_, id, _) => id.as_str(),
            Self::CreateNetwork(_, name, _) => name.as_str(),
        }
    }

    /// What the caller must be allowed to.
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

    /// Whether Docker takes `text` for a container's name.
    pub fn is_name(text: &str) -> bool {
        ContainerName::new(text).is_ok()
    }

    /// Whether an owner's `quaylight.protect=true` forbids it.
    pub fn ends_the_container(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Restart { .. } | Self::Kill { .. } | Self::Remove { .. })
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
