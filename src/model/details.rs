//! Details of containers and images that are requested on demand and are in no list.

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// The configuration of a container or an image, with values that may be secrets masked: see [`super::mask`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// The engine's JSON, pretty-printed.
    pub json: String,
    /// The same values, each with its path.
    pub facts: Vec<(String, String)>,
    /// Names of the environment variables.
    pub environment: Vec<String>,
}

/// The layers and the configuration of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDetails {
    /// Latest first.
    pub layers: Vec<Layer>,
    /// The platform of the layers: `os/architecture` or `os/architecture/variant`. Empty if the engine does not report
    /// it.
    pub platform: String,
    pub inspected: Inspected,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The instruction that created it, as in its Dockerfile.
    pub created_by: String,
    pub created: Option<Timestamp>,
    /// Bytes.
    pub size: u64,
    pub comment: String,
}

/// Processes of a container, as `ps` on the engine's machine reports them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    pub titles: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// A path that was added, changed or deleted, compared to the image that the container was created from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    pub kind: FileChangeKind,
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChangeKind {
    Changed,
    Added,
    Deleted,
}
