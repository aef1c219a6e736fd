//! What is asked of one container now and then, and is in no list.

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// How a container was made. The values of its environment are masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// As the engine tells it, on lines of its own.
    pub json: String,
    /// The same, each value by the way to it.
    pub facts: Vec<(String, String)>,
    /// Names of the variables in its environment.
    pub environment: Vec<String>,
}

/// What an image is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageDetails {
    /// The latest first.
    pub layers: Vec<Layer>,
    pub inspected: Inspected,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// What made it, as its Dockerfile says it.
    pub created_by: String,
    pub created: Option<Timestamp>,
    /// Bytes.
    pub size: u64,
    pub comment: String,
}

/// What runs in a container, as `ps` on the engine's machine tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    pub titles: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Against the image that the container was made from.
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
