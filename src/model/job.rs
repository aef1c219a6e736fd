//! What takes long: it is answered by a task's id, and goes on. By the names of the protocol: `<noun>.<verb>`.

use super::{
    Action, ContainerId, ContainerName, ContainerSpec, HostId, ImageId, ImageName, Labels, NetworkId, Permission,
    TaskId, TaskKind, VolumeName,
};
use serde::{Deserialize, Serialize};

/// All that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    Act(Action),
    Start(HostId, Job),
    CancelTask(HostId, TaskId),
}

impl Request {
    /// What the caller must be allowed to.
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
    /// To the registry that the name begins with.
    Push(ImageName),
    Build(ImageName, Build),
    Prune(Prune),
    Create(ContainerName, Box<NewContainer>),
    /// Another one in its place, with its name and its data.
    Recreate(ContainerId, Box<ContainerSpec>),
}

/// A container that is to be. Its image is pulled where it is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewContainer {
    pub spec: ContainerSpec,
    #[serde(default = "yes")]
    pub start: bool,
    /// Has the values of the environment that are not told.
    #[serde(default)]
    pub values_of: Option<ContainerId>,
}

fn yes() -> bool {
    true
}

/// How an image is pulled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pull {
    /// As in `linux/arm64`; the engine's own without.
    pub platform: Option<String>,
}

/// From what an image is built, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// Its text; empty where the context that is uploaded has one.
    pub dockerfile: String,
    /// Build arguments.
    pub args: Labels,
    pub no_cache: bool,
    /// Asks the registries for newer images to build from.
    pub pull: bool,
}

/// What is to go: these and no others, each only where nothing uses it by then.
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

    /// What it is done to, for people.
    pub fn subject(&self) -> String {
        match self {
            Self::Pull(name, _) | Self::Push(name) | Self::Build(name, _) => name.to_string(),
            Self::Prune(prune) => prune.in_words(),
            Self::Create(name, _) => name.to_string(),
            Self::Recreate(id, _) => id.short().to_owned(),
        }
    }

    /// What the caller must be allowed to.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Pull(..) | Self::Push(..) | Self::Build(..) | Self::Create(..) => Permission::Create,
            Self::Prune(..) | Self::Recreate(..) => Permission::Remove,
        }
    }
}

impl Prune {
    /// As in "2 containers, 1 image".
    pub fn in_words(&self) -> String {
        let some = |count: usize, word: &str| match count {
            0 => None,
            1 => Some(format!("1 {word}")),
            count => Some(format!("{count} {word}s")),
        };
        let counts = [
            some(self.containers.len(), "container"),
            some(self.images.len(), "image"),
            some(self.volumes.len(), "volume"),
            some(self.networks.len(), "network"),
            self.build_cache.then(|| "the build cache".to_owned()),
        ];
        counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
