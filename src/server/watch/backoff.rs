//! How long to wait before the next try: longer each time, with jitter, forgotten after success.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
/// A local socket costs nothing to try, and whoever restarts an engine wants to see it come back.
const LONGEST: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The next wait: doubling up to the longest, of which a random half is taken off.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
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
    fn waits_grow_to_a_second_and_start_over_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..8).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
        assert_eq!(backoff.next(0.0).as_millis(), 500);
        backoff.forget();
        assert_eq!(backoff.next(1.0).as_millis(), 50);
    }
}
