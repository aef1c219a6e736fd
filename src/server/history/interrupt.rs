//! Query cancellation: interrupts a query when its future is dropped, since a closure on a blocking thread would keep running.
//!
//! Uses SQLite's progress handler. `sqlite3_interrupt` was tried: it has no effect if called just before the statement starts.

use rusqlite::Connection;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// SQLite virtual machine instructions between two checks: a few microseconds.
const OPERATIONS: i32 = 1_000;

/// The future's side. Dropping it interrupts the query.
#[derive(Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

/// The thread's side.
pub(super) struct Interruptible(Arc<AtomicBool>);

impl Interrupt {
    pub(super) fn interruptible(&self) -> Interruptible {
        Interruptible(self.0.clone())
    }
}

impl Interruptible {
    /// From now on every statement on this connection fails once the future has been dropped.
    pub(super) fn watch(self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.progress_handler(OPERATIONS, Some(move || self.0.load(Relaxed)))
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
