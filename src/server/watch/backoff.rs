//! Retry backoff: exponential, with jitter, reset after success.

use std::time::Duration;

pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    tries: u32,
}

impl Backoff {
    pub(super) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, tries: 0 }
    }

    /// The next delay: doubles up to the maximum, minus a random part of up to half.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let whole = self.first.saturating_mul(1 << self.tries.min(10)).min(self.longest);
        self.tries += 1;
        whole.mul_f64(0.5 + random / 2.0)
    }

    pub(super) fn forget(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_one_second_and_resets_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let waits: Vec<_> = (0..8).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
        assert_eq!(backoff.next(0.0).as_millis(), 500);
        backoff.forget();
        assert_eq!(backoff.next(1.0).as_millis(), 50);
    }
}
