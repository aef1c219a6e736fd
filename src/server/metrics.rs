//! Counters and histograms, updated where the event happens. They are atomic: neither updates nor reads block.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Distribution of durations.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds of the buckets, in microseconds, ascending.
    ends: &'static [u64],
    /// One for each bound, and one for longer durations.
    buckets: Box<[Counter]>,
    sum_micros: Counter,
}

impl Histogram {
    pub fn new(ends: &'static [u64]) -> Self {
        Self { ends, buckets: (0..=ends.len()).map(|_| Counter::default()).collect(), sum_micros: Counter::default() }
    }

    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.ends.partition_point(|end| *end < micros);
        self.buckets[bucket].add(1);
        self.sum_micros.add(micros);
    }

    /// For each bound in microseconds the number of durations up to it; for `None` the number of all.
    pub fn up_to(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let ends = self.ends.iter().copied().map(Some).chain([None]);
        ends.zip(&self.buckets).scan(0, |total, (end, bucket)| {
            *total += bucket.get();
            Some((end, *total))
        })
    }

    pub fn is_used(&self) -> bool {
        self.buckets.iter().any(|bucket| bucket.get() > 0)
    }

    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_micros.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_counts_in_its_bucket_and_all_higher_ones() {
        let histogram = Histogram::new(&[100, 1_000]);
        for micros in [0, 100, 101, 1_000, 1_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let up_to: Vec<_> = histogram.up_to().collect();
        assert_eq!(up_to, [(Some(100), 2), (Some(1_000), 4), (None, 5)]);
        assert_eq!(histogram.sum(), Duration::from_micros(2_202));
    }
}
