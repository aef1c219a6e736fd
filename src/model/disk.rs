//! What an engine's disk holds.

use super::{ContainerId, ImageId, VolumeName};
use serde::{Deserialize, Serialize};

/// Bytes. What the engine has not computed is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUsage {
    /// Of all images, each layer once.
    pub layers: u64,
    pub images: Vec<(ImageId, SharedSize)>,
    /// What containers have written into their own layer.
    pub containers: Vec<(ContainerId, u64)>,
    pub volumes: Vec<(VolumeName, u64)>,
    pub build_cache: u64,
    pub unused_build_cache: u64,
}

/// Of an image: in layers that no other image has, and in those that another has too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSize {
    pub own: u64,
    pub shared: u64,
}
