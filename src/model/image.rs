//! An image: its references, size, platforms, and the containers that use it.

use super::{HostId, ImageId, Timestamp, Usage};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub host: HostId,
    pub id: ImageId,
    /// References such as `nginx:1.27`, sorted.
    pub tags: Vec<String>,
    /// References such as `nginx@sha256:…`, sorted.
    pub digests: Vec<String>,
    /// In whole seconds. `None` if the build didn't set it.
    pub created: Option<Timestamp>,
    /// Bytes, including shared layers. With containerd's image store it is the sum of all platforms, of their
    /// compressed and their unpacked content.
    pub size: u64,
    /// Sorted. Empty if the engine's list contains no platforms, as with the classic image store.
    pub platforms: Vec<ImagePlatform>,
    /// The reducer counts it, and ignores the value of an applied entity.
    pub usage: Usage,
}

/// One of the platforms that an image was built for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImagePlatform {
    /// `os/architecture` or `os/architecture/variant`.
    pub name: String,
    /// Bytes, compressed and unpacked. `None` if the content of this platform was not pulled.
    pub size: Option<u64>,
    /// Whether the image has an attestation for this platform: provenance, or a bill of materials (SBOM).
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
