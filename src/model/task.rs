//! A long operation: what it does, how far it is, and what has come of it.

use super::{HostId, Timestamp};
use serde::{Deserialize, Serialize};

/// Lines of output that a task tells; the server keeps more.
pub const TOLD_LINES: usize = 60;

/// Microseconds since 1970 when it was started, or one more than the task before: later ones are greater, and no two are
/// the same, also after the server has been started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId(pub u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub host: HostId,
    pub kind: TaskKind,
    /// What it is done to, by the name that people know.
    pub subject: String,
    /// Who started it.
    pub actor: String,
    /// The server's clock.
    pub started: Timestamp,
    /// None while it runs.
    pub ended: Option<Timestamp>,
    pub state: TaskState,
    /// What it is at, in the engine's words; at its end what has come of it.
    pub words: String,
    /// After a failure: what to do.
    pub hint: Option<String>,
    pub progress: Progress,
    /// Layers of an image, things that are removed: in the order in which they were first heard of.
    pub parts: Vec<TaskPart>,
    /// The latest lines that it wrote.
    pub output: Vec<String>,
    /// Lines before those.
    pub earlier_lines: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    Pull,
    Push,
    Build,
    Prune,
    Import,
    Export,
    Create,
    Recreate,
    Upload,
    Backup,
    Restore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    Running,
    Done,
    Failed,
    Cancelled,
}

/// How far it is. All zero where it can't be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Of the whole work, in thousandths.
    pub permille: u16,
    /// Bytes that have come or gone, and how many there will be as far as is known.
    pub bytes: u64,
    pub total_bytes: u64,
    /// Of late.
    pub bytes_per_second: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPart {
    pub id: String,
    /// What happens to it, in the engine's words.
    pub step: String,
    pub is_over: bool,
    /// Of this step; 0 of 0 where it can't be told.
    pub done: u64,
    pub total: u64,
}

impl TaskKind {
    /// As of what is done.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Pull => "Pull",
            Self::Push => "Push",
            Self::Build => "Build",
            Self::Prune => "Remove",
            Self::Import => "Import",
            Self::Export => "Export",
            Self::Create => "Create",
            Self::Recreate => "Recreate",
            Self::Upload => "Upload",
            Self::Backup => "Backup",
            Self::Restore => "Restore",
        }
    }

    /// As of what is being done, or has been.
    pub fn in_words(self, state: TaskState) -> &'static str {
        let (running, done) = match self {
            Self::Pull => ("Pulling", "Pulled"),
            Self::Push => ("Pushing", "Pushed"),
            Self::Build => ("Building", "Built"),
            Self::Prune => ("Removing", "Removed"),
            Self::Import => ("Importing", "Imported"),
            Self::Export => ("Exporting", "Exported"),
            Self::Create => ("Creating", "Created"),
            Self::Recreate => ("Recreating", "Recreated"),
            Self::Upload => ("Uploading", "Uploaded"),
            Self::Backup => ("Backing up", "Backed up"),
            Self::Restore => ("Restoring", "Restored"),
        };
        if state == TaskState::Done { done } else { running }
    }
}

impl TaskState {
    pub fn is_over(self) -> bool {
        self != Self::Running
    }
}
