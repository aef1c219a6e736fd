//! Long-running tasks, as received from the server. Only views that show a task unpack it: most pages need no more than
//! the number of running tasks.

use crate::wire::{PackedTask, Tasks};

/// Oldest first.
#[derive(Debug, Clone, Default)]
pub struct TaskBoard(Vec<PackedTask>);

impl TaskBoard {
    pub fn new(tasks: Vec<PackedTask>) -> Self {
        Self(tasks)
    }

    pub fn all(&self) -> &[PackedTask] {
        &self.0
    }

    pub fn running(&self) -> usize {
        self.0.iter().filter(|task| !task.is_over).count()
    }

    /// Adds or replaces a task. An unknown task is newer than all known ones.
    pub fn put(&mut self, task: PackedTask) {
        match self.0.iter_mut().find(|it| it.id == task.id) {
            Some(known) => *known = task,
            None => self.0.push(task),
        }
    }

    pub fn replace(&mut self, tasks: Tasks<PackedTask>) {
        self.0 = tasks.tasks;
    }
}
