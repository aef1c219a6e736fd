//! Disk usage of an engine.

use super::{ContainerId, ImageId, VolumeName};
use serde::{Deserialize, Serialize};

/// Sizes in bytes. Values that the engine has not computed are missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUsage {
    /// The layers of all images, each counted once.
    pub layers: u64,
    pub images: Vec<(ImageId, SharedSize)>,
    /// Bytes that containers have written to their own layer.
    pub containers: Vec<(ContainerId, u64)>,
    pub volumes: Vec<(VolumeName, u64)>,
    pub build_cache: u64,
    pub unused_build_cache: u64,
}

/// Sizes of an image's layers: those that no other image has, and those shared with others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSize {
    pub own: u64,
    pub shared: u64,
}
