//! Nouns and changes: what an engine holds and how it changes. Shared by server and browser, pure.

mod action;
mod change;
mod container;
mod diff;
mod host;
mod ids;
mod image;
mod network;
mod permission;
mod sorted;
mod state;
mod time;
mod usage;
mod volume;

pub use action::{Action, ActionOptions, ContainerAction, UnknownAction};
pub use change::{Change, Entity, Key, Kind};
pub use container::{
    Attachment, Container, ContainerState, Health, Labels, Mount, MountKind, Port, Protocol, RestartPolicy,
};
pub use diff::diff;
pub use host::{Engine, Host, HostStatus};
pub use ids::{ContainerId, HostId, ImageId, InvalidId, NetworkId, VolumeName};
pub use image::Image;
pub use network::{Network, Subnet};
pub use permission::{Permission, Role};
pub use sorted::Sorted;
pub use state::EngineState;
pub use time::Timestamp;
pub use usage::{Usage, Used};
pub use volume::Volume;

#[cfg(test)]
pub mod arbitrary;
