//! An image: its names, its size, and its usage.

use super::{HostId, ImageId, Timestamp, Usage};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub host: HostId,
    pub id: ImageId,
    /// Sorted.
    pub tags: Vec<String>,
    /// Sorted.
    pub digests: Vec<String>,
    /// In whole seconds. `None` if the build didn't set it.
    pub created: Option<Timestamp>,
    /// Bytes, including shared layers. With containerd's image store the sum of all platforms, compressed and unpacked.
    pub size: u64,
    /// Sorted. Empty if the engine's list contains no platforms, as with the classic image store.
    pub platforms: Vec<ImagePlatform>,
    /// Counted by the reducer: a value put here is ignored.
    pub usage: Usage,
}

/// One of the platforms that an image was built for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImagePlatform {
    /// `os/architecture` or `os/architecture/variant`.
    pub name: String,
    /// Bytes, compressed and unpacked. `None` if its content is not on the engine.
    pub size: Option<u64>,
    /// Whether the image has an attestation for it: provenance, or a bill of materials (SBOM).
    pub is_attested: bool,
}

impl Image {
    /// The first tag, else the short id: the name shown to users.
    pub fn name(&self) -> &str {
        self.tags.first().map_or_else(|| self.id.short(), String::as_str)
    }

    /// Whether the image has no tags.
    pub fn is_dangling(&self) -> bool {
        self.tags.is_empty()
    }
}
