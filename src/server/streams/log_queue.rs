//! Bounded queue of log lines for one client. If the client is slow, the oldest lines are dropped and counted.

use crate::{model::LogLine, server::metrics::Counter};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Notify;

/// Maximum lines and bytes of text in the queue.
const MOST_LINES: usize = 5_000;
pub(super) const MOST_BYTES: usize = 2 << 20;

/// Maximum lines per message: a browser renders between two messages.
const AT_ONCE: usize = 1_000;

/// Totals of all queues.
#[derive(Default)]
pub struct LogMetrics {
    pub queued: Counter,
    /// Lines that clients were too slow for.
    pub dropped: Counter,
}

#[derive(Default)]
pub(super) struct LogQueue {
    metrics: Arc<LogMetrics>,
    held: Mutex<Held>,
    /// Notified when there are lines.
    filled: Notify,
    /// Notified when there is room.
    emptied: Notify,
}

#[derive(Default)]
struct Held {
    lines: VecDeque<LogLine>,
    bytes: usize,
    skipped: u64,
}

impl LogQueue {
    pub(super) fn new(metrics: Arc<LogMetrics>) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// Adds a line. Drops the oldest lines if the queue is full.
    pub(super) fn put(&self, line: LogLine) {
        let mut held = self.held();
        held.bytes += line.text.len();
        held.lines.push_back(line);
        while held.lines.len() > MOST_LINES || held.bytes > MOST_BYTES {
            let Some(oldest) = held.lines.pop_front() else { break };
            held.bytes -= oldest.text.len();
            held.skipped += 1;
            self.metrics.dropped.add(1);
        }
        drop(held);
        self.metrics.queued.add(1);
        self.filled.notify_one();
    }

    /// Waits for room, then adds a line. Drops none.
    pub(super) async fn put_when_there_is_room(&self, line: LogLine) {
        let is_full = |held: &Held| held.lines.len() >= MOST_LINES / 2 || held.bytes >= MOST_BYTES / 2;
        while is_full(&self.held()) {
            self.emptied.notified().await;
        }
        self.put(line);
    }

    /// Returns when there are lines. Cancel safe.
    pub(super) async fn is_filled(&self) {
        while self.held().lines.is_empty() {
            self.filled.notified().await;
        }
    }

    /// Takes the number of lines dropped before them, and the oldest lines.
    pub(super) fn take(&self) -> (u64, Vec<LogLine>) {
        let mut held = self.held();
        let count = held.lines.len().min(AT_ONCE);
        let lines: Vec<_> = held.lines.drain(..count).collect();
        held.bytes -= lines.iter().map(|line| line.text.len()).sum::<usize>();
        let skipped = std::mem::take(&mut held.skipped);
        drop(held);
        self.emptied.notify_one();
        (skipped, lines)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("the lock isn't poisoned")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogStream, Timestamp};

    fn line(number: usize, length: usize) -> LogLine {
        let text = format!("{number:0length$}");
        LogLine { source: 0, at: Timestamp::default(), stream: LogStream::Stdout, text, cut: 0, note: None }
    }

    #[test]
    fn full_queue_drops_and_counts_the_oldest_lines() {
        let queue = LogQueue::default();
        (0..MOST_LINES + 70).for_each(|number| queue.put(line(number, 8)));
        let (skipped, lines) = queue.take();
        assert_eq!((skipped, lines.len(), lines[0].text.as_str()), (70, AT_ONCE, "00000070"));
        assert_eq!(queue.take().0, 0);

        let queue = LogQueue::default();
        (0..100).for_each(|number| queue.put(line(number, 32 * 1024)));
        assert_eq!(queue.take().0, 36, "the queue holds 2 MB");
    }

    #[tokio::test]
    async fn waiting_for_space_loses_no_lines() {
        let queue = std::sync::Arc::new(LogQueue::default());
        let putting = queue.clone();
        let putting = tokio::spawn(async move {
            for number in 0..20_000 {
                putting.put_when_there_is_room(line(number, 2_000)).await;
            }
        });
        let mut taken = 0;
        while taken < 20_000 {
            queue.is_filled().await;
            let (skipped, lines) = queue.take();
            assert_eq!(skipped, 0);
            taken += lines.len();
        }
        putting.await.unwrap();
    }
}
