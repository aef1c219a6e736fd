//! A task: a long-running operation with its progress and result.

use super::{HostId, Message, Timestamp};
use serde::{Deserialize, Serialize};

/// Lines of output sent with a task. The server keeps more.
pub const SENT_LINES: usize = 60;

/// Microseconds since 1970 at the start of the task, or one more than the previous id. Ids are unique and ascending,
/// also across restarts of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId(pub u64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub host: HostId,
    pub kind: TaskKind,
    /// What the task applies to, by the name shown to users.
    pub subject: Message,
    /// The user who started it.
    pub actor: String,
    /// The server's clock.
    pub started: Timestamp,
    /// `None` while it is running.
    pub ended: Option<Timestamp>,
    pub state: TaskState,
    /// The current step, or the result at the end.
    pub words: Message,
    /// What to do after a failure.
    pub hint: Option<Message>,
    pub progress: Progress,
    /// Layers of an image, or items that are removed, in the order of their first appearance.
    pub parts: Vec<TaskPart>,
    /// The latest lines of output.
    pub output: Vec<String>,
    /// The number of earlier lines.
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

/// Progress. All zero if it is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Thousandths of the whole work.
    pub permille: u16,
    /// Bytes transferred, and the total as far as it is known.
    pub bytes: u64,
    pub total_bytes: u64,
    /// The recent rate.
    pub bytes_per_second: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPart {
    /// A layer's id, the name of a build step, or what is removed.
    pub id: Message,
    /// The current step, or why it failed.
    pub step: Message,
    pub is_over: bool,
    /// Progress of this step. 0 of 0 if it is unknown.
    pub done: u64,
    pub total: u64,
}

impl TaskKind {
    /// The verb, as for a button.
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

    /// The verb in progress or completed, by the state.
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
