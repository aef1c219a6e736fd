//! Fan-out metrics: latency and losses of changes on their way to the clients.

use crate::server::{
    clock::Clock,
    metrics::{Counter, Histogram},
    state::Batch,
};
use std::time::Duration;

/// Ends of the buckets in microseconds, around the few milliseconds that it should take.
const ENDS: &[u64] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

pub struct FanoutMetrics {
    /// From the receipt of an event to handing its change to the first client.
    pub event_to_send: Histogram,
    /// Batches that followers were too slow for: they received them later, or started over.
    pub skipped: Counter,
    /// Clients that received the complete state because the batches they had missed were no longer kept.
    pub resyncs_of_slow: Counter,
    /// Clients that reconnected too late, or from another epoch.
    pub resyncs_of_returned: Counter,
    pub polls: Counter,
}

impl Default for FanoutMetrics {
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

impl FanoutMetrics {
    /// Records that a client is handed `batch` as it arrives. Late deliveries to clients that were away don't count.
    pub(super) fn sending(&self, batch: &Batch, clock: Clock) {
        if let Some(event) = batch.event.filter(|_| batch.is_first_sent()) {
            // Zero if the clock was set back in between.
            let micros = u64::try_from(clock.now().micros() - event.received.micros()).unwrap_or_default();
            self.event_to_send.observe(Duration::from_micros(micros));
        }
    }
}
