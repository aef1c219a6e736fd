//! Jobs, which start tasks, and [`Request`]: an action, a job, or the cancellation of a task. The answer to a job has the id of its
//! task, which continues in the background. The names are those of the protocol: `<noun>.<verb>`.

use super::{
    Action, ContainerId, ContainerName, ContainerSpec, HostId, ImageId, ImageName, Labels, Message, NetworkId,
    Permission, TaskId, TaskKind, VolumeName,
};
use crate::message;
use serde::{Deserialize, Serialize};

/// A request of the protocol's `action` message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    Act(Action),
    Start(HostId, Job),
    CancelTask(HostId, TaskId),
}

impl Request {
    /// The permission that the caller needs.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Act(action) => action.permission(),
            Self::Start(_, job) => job.permission(),
            Self::CancelTask(..) => Permission::Create,
        }
    }
}

impl From<Action> for Request {
    fn from(action: Action) -> Self {
        Self::Act(action)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    Pull(ImageName, Pull),
    /// Pushes to the registry in the name.
    Push(ImageName),
    Build(ImageName, Build),
    Prune(Prune),
    Create(ContainerName, Box<NewContainer>),
    /// Replaces the container by a new one with the same name and data.
    Recreate(ContainerId, Box<ContainerSpec>),
}

/// A container to be created. Its image is pulled if it is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewContainer {
    pub spec: ContainerSpec,
    #[serde(default = "yes")]
    pub start: bool,
    /// The container that provides the environment values masked in `spec`.
    #[serde(default)]
    pub values_of: Option<ContainerId>,
}

fn yes() -> bool {
    true
}

/// Options of an image pull.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pull {
    /// As in `linux/arm64`. `None` means the engine's own platform.
    pub platform: Option<String>,
}

/// The input and the options of an image build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// The Dockerfile's text. Empty if the uploaded context contains one.
    pub dockerfile: String,
    /// Its path in an uploaded context. `None` means `Dockerfile`.
    #[serde(skip)]
    pub dockerfile_path: Option<String>,
    /// The stage to stop at. `None` means the last one.
    pub target: Option<String>,
    /// As in `linux/arm64`. `None` means the engine's own platform.
    pub platform: Option<String>,
    /// Build arguments.
    pub args: Labels,
    pub no_cache: bool,
    /// Checks the registries for newer base images.
    pub pull: bool,
}

/// The items to remove. Only these are removed, and each only if nothing uses it by then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prune {
    pub containers: Vec<ContainerId>,
    pub images: Vec<ImageId>,
    pub volumes: Vec<VolumeName>,
    pub networks: Vec<NetworkId>,
    /// All of the build cache that no build uses.
    pub build_cache: bool,
}

impl Prune {
    pub fn len(&self) -> usize {
        let cache = usize::from(self.build_cache);
        self.containers.len() + self.images.len() + self.volumes.len() + self.networks.len() + cache
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Job {
    /// The noun of the protocol's name.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Pull(..) | Self::Push(..) | Self::Build(..) => "image",
            Self::Prune(..) => "host",
            Self::Create(..) | Self::Recreate(..) => "container",
        }
    }

    pub fn kind(&self) -> TaskKind {
        match self {
            Self::Pull(..) => TaskKind::Pull,
            Self::Push(..) => TaskKind::Push,
            Self::Build(..) => TaskKind::Build,
            Self::Prune(..) => TaskKind::Prune,
            Self::Create(..) => TaskKind::Create,
            Self::Recreate(..) => TaskKind::Recreate,
        }
    }

    /// What the job applies to, as text for the user.
    pub fn subject(&self) -> Message {
        match self {
            Self::Pull(name, _) | Self::Push(name) | Self::Build(name, _) => Message::verbatim(name),
            Self::Prune(prune) => prune.in_words(),
            Self::Create(name, _) => Message::verbatim(name),
            Self::Recreate(id, _) => Message::verbatim(id.short()),
        }
    }

    /// The permission that the caller needs.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Pull(..) | Self::Push(..) | Self::Build(..) | Self::Create(..) => Permission::Create,
            Self::Prune(..) | Self::Recreate(..) => Permission::Remove,
        }
    }
}

impl Prune {
    /// As in "2 containers, 1 image".
    pub fn in_words(&self) -> Message {
        let [containers, images] = [self.containers.len(), self.images.len()];
        let [volumes, networks] = [self.volumes.len(), self.networks.len()];
        let counts = [
            match containers {
                0 => None,
                1 => Some(message!("1 container")),
                count => Some(message!("{count} containers", count)),
            },
            match images {
                0 => None,
                1 => Some(message!("1 image")),
                count => Some(message!("{count} images", count)),
            },
            match volumes {
                0 => None,
                1 => Some(message!("1 volume")),
                count => Some(message!("{count} volumes", count)),
            },
            match networks {
                0 => None,
                1 => Some(message!("1 network")),
                count => Some(message!("{count} networks", count)),
            },
            self.build_cache.then(|| message!("build cache")),
        ];
        Message::list(counts.into_iter().flatten())
    }
}
