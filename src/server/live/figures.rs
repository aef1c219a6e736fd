//! What becomes of changes on their way to the clients, counted.

use crate::server::{
    clock::Clock,
    measure::{Counter, Histogram},
    state::Batch,
};
use std::time::Duration;

/// Around the few milliseconds that it should take.
const ENDS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

pub struct Figures {
    /// From the receipt of an event to the moment when the first client is handed what changed.
    pub event_to_send: Histogram,
    /// Batches that followers were too slow for: they got them later, or started over.
    pub skipped: Counter,
    /// Clients that got the complete state because what they had missed was gone when their turn came.
    pub resyncs_of_slow: Counter,
    /// Clients that came back too late, or from another epoch.
    pub resyncs_of_returned: Counter,
    pub polls: Counter,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            event_to_send: Histogram::new(ENDS),
            skipped: Counter::default(),
            resyncs_of_slow: Counter::default(),
            resyncs_of_returned: Counter::default(),
            polls: Counter::default(),
        }
    }
}

impl Figures {
    /// A client is handed `batch` as it comes. What one gets later, because it was away, says nothing of us.
    pub(super) fn sending(&self, batch: &Batch, clock: Clock) {
        if let Some(event) = batch.event.filter(|_| batch.is_first_sent()) {
            // None when the clock was set back in between.
            let micros = u64::try_from(clock.now().micros() - event.received.micros()).unwrap_or_default();
            self.event_to_send.observe(Duration::from_micros(micros));
        }
    }
}
