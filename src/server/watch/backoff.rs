//! Retry backoff: exponential, with jitter, reset after success.

use std::time::Duration;

pub(super) struct Backoff {
    initial: Duration,
    longest: Duration,
    attempts: u32,
}

impl Backoff {
    pub(super) const fn new(initial: Duration, longest: Duration) -> Self {
        Self { initial, longest, attempts: 0 }
    }

    /// Doubles up to the longest delay, and is then multiplied by 0.5 to 1, as `random` is 0 to 1.
    pub(super) fn next_delay(&mut self, random: f64) -> Duration {
        let exponential = self.initial.saturating_mul(1 << self.attempts.min(10)).min(self.longest);
        self.attempts += 1;
        exponential.mul_f64(0.5 + random / 2.0)
    }

    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_one_second_and_resets_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let waits: Vec<_> = (0..8).map(|_| backoff.next_delay(1.0).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
        assert_eq!(backoff.next_delay(0.0).as_millis(), 500);
        backoff.reset();
        assert_eq!(backoff.next_delay(1.0).as_millis(), 50);
    }
}
