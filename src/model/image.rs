//! An image: its names, its size, and who uses it.

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
    /// Whole seconds. None where the build didn't say.
    pub created: Option<Timestamp>,
    /// Bytes, shared layers included.
    pub size: u64,
    /// Counted by the reducer: what is put here counts for nothing.
    pub usage: Usage,
}

impl Image {
    /// The first tag, else the short id: how people and rows call it.
    pub fn name(&self) -> &str {
        self.tags.first().map_or_else(|| self.id.short(), String::as_str)
    }

    /// Nothing names it any more.
    pub fn is_dangling(&self) -> bool {
        self.tags.is_empty()
    }
}
