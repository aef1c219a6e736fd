//! Progress reports of a task.

use super::{Entry, KEPT_LINES, Tasks};
use crate::model::{Message, Progress, SENT_LINES, TaskId, TaskPart};
use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

/// The longest line of output, in characters. Longer lines are truncated.
const LONGEST_LINE: usize = 2_000;

/// Parts that are reported individually; further ones are dropped.
const MOST_PARTS: usize = 200;

/// Cheap to clone.
#[derive(Clone)]
pub struct Report {
    tasks: Tasks,
    id: TaskId,
    pace: Arc<Mutex<Pace>>,
    /// The last line of output, while it is incomplete.
    rest: Arc<Mutex<String>>,
}

/// Transfer rate.
struct Pace {
    since: Instant,
    bytes: u64,
    per_second: u64,
}

impl Report {
    pub(super) fn new(tasks: Tasks, id: TaskId) -> Self {
        let pace = Arc::new(Mutex::new(Pace { since: Instant::now(), bytes: 0, per_second: 0 }));
        Self { tasks, id, pace, rest: Arc::default() }
    }

    /// Sets the text for the current step.
    pub fn words(&self, words: impl Into<Message>) {
        let words = words.into();
        self.tasks.change(self.id, |entry| entry.task.words = words);
    }

    /// From now on the task can't be cancelled: its work would be left half done.
    pub fn no_return(&self) {
        self.tasks.change(self.id, |entry| entry.is_final = true);
    }

    /// Adds or updates a part, such as a layer.
    pub fn part(&self, part: TaskPart) {
        self.tasks.change(self.id, |Entry { task, .. }| {
            let is_room = task.parts.len() < MOST_PARTS;
            match task.parts.iter_mut().find(|it| it.id == part.id) {
                Some(known) => *known = part,
                None if is_room => task.parts.push(part),
                None => {}
            }
        });
    }

    /// Sets the progress in thousandths, the bytes so far, and their total as far as it is known.
    pub fn progress(&self, permille: u16, bytes: u64, total_bytes: u64) {
        let bytes_per_second = self.pace.lock().expect("the lock isn't poisoned").count(bytes);
        let permille = permille.min(1000);
        self.tasks.change(self.id, |entry| {
            entry.task.progress = Progress { permille, bytes, total_bytes, bytes_per_second };
        });
    }

    /// Adds output: part of a line, or several lines.
    pub fn output(&self, text: &str) {
        let mut rest = self.rest.lock().expect("the lock isn't poisoned");
        rest.push_str(text);
        while let Some(end) = rest.find('\n') {
            let line: String = rest.drain(..=end).collect();
            self.line(line.trim_end_matches(['\n', '\r']));
        }
        if rest.len() > LONGEST_LINE * 4 {
            self.line(&std::mem::take(&mut *rest));
        }
    }

    fn line(&self, line: &str) {
        // A carriage return overwrites the line before it.
        let line = line.rsplit('\r').next().unwrap_or_default();
        let line: String = line.chars().take(LONGEST_LINE).collect();
        self.tasks.change(self.id, |Entry { task, lines, .. }| {
            if task.output.len() == SENT_LINES {
                task.output.remove(0);
                task.earlier_lines += 1;
            }
            task.output.push(line.clone());
            if lines.len() == KEPT_LINES {
                lines.pop_front();
            }
            lines.push_back(line);
        });
    }
}

impl Pace {
    /// Averages over at least a second, so that the number is readable.
    fn count(&mut self, bytes: u64) -> u64 {
        let passed = self.since.elapsed().as_secs_f64();
        if passed >= 1.0 {
            let more = bytes.saturating_sub(self.bytes) as f64;
            (self.per_second, self.bytes, self.since) = ((more / passed) as u64, bytes, Instant::now());
        }
        self.per_second
    }
}
