//! What takes long, as far as the page has heard. What a task says is read by those who show it: most pages need no more than
//! how many run.

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

    /// A task that is not known is later than all that are.
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
