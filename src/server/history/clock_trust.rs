//! Clock sanity check: whether the system clock can be trusted for removing old data.
//!
//! Without this check, a clock that jumps ahead by a month makes all data too old at once, and the history is empty before the
//! clock can be set back. After a jump nothing counts as too old until the clock has run evenly for a while. The size of the file stays limited
//! nevertheless: that needs no clock.

use crate::{model::Timestamp, server::clock::Moment};
use std::time::Duration;

/// A smaller deviation from the elapsed time may be a correction of the clock, or a short sleep of the machine.
const TOLERANCE: Duration = Duration::from_secs(60 * 60);

/// A time that stays plausible for this long is not a mistake about to be corrected.
const SETTLED: Duration = Duration::from_secs(6 * 60 * 60);

/// If the newest event is within this time of now, the clock is trusted at once.
const LONGEST_GAP: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct ClockTrust {
    last: Moment,
    /// By the steady clock.
    trusted_from: Duration,
}

impl ClockTrust {
    pub(super) fn new(now: Moment) -> Self {
        Self { last: now, trusted_from: now.steady }
    }

    /// Called whenever the file is opened, also on a retry. If its newest event is long ago, or in the future, the clock may have jumped while the
    /// server was off.
    pub(super) fn opened(&mut self, now: Moment, newest: Option<Timestamp>) {
        if newest.is_some_and(|newest| between(newest, now.at) > LONGEST_GAP) {
            tracing::info!("the latest event is far from the current time: removing old data is paused for some hours");
            self.trusted_from = now.steady + SETTLED;
        }
    }

    /// To be called often: compares the clock's progress since the last call with the elapsed time.
    pub(super) fn is_trusted(&mut self, now: Moment) -> bool {
        let passed = i64::try_from(now.since(self.last).as_micros()).unwrap_or(i64::MAX);
        let expected = Timestamp::from_micros(self.last.at.micros().saturating_add(passed));
        self.last = now;
        if between(expected, now.at) > TOLERANCE {
            tracing::warn!(now = %now.at, "the clock jumped: removing old data is paused for some hours");
            self.trusted_from = now.steady + SETTLED;
        }
        now.steady >= self.trusted_from
    }
}

fn between(a: Timestamp, b: Timestamp) -> Duration {
    Duration::from_micros(a.micros().abs_diff(b.micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600;

    fn moment(at: i64, steady: i64) -> Moment {
        Moment { at: Timestamp::from_seconds(1_800_000_000 + at), steady: Duration::from_secs(steady.unsigned_abs()) }
    }

    #[test]
    fn steady_clock_is_trusted_immediately() {
        let mut clock_trust = ClockTrust::new(moment(0, 5));
        clock_trust.opened(moment(0, 5), Some(moment(-20 * HOUR, 0).at));
        for second in (0..90 * HOUR).step_by(50) {
            // The clock runs slightly fast, by some milliseconds a minute, as real clocks do.
            assert!(clock_trust.is_trusted(moment(second + second / 10_000, 5 + second)), "{second}");
        }
    }

    #[test]
    fn clock_is_trusted_again_after_six_steady_hours() {
        for jump in [30 * 24 * HOUR, 2 * HOUR, -2 * HOUR, -30 * 24 * HOUR] {
            let mut clock_trust = ClockTrust::new(moment(0, 0));
            assert!(clock_trust.is_trusted(moment(60, 60)));
            let trusted: Vec<i64> =
                (2..20 * 60).filter(|minute| clock_trust.is_trusted(moment(jump + minute * 60, minute * 60))).collect();
            assert_eq!(trusted.first(), Some(&(2 + 6 * 60)), "{jump}");
            assert!(trusted.is_sorted_by(|a, b| a + 1 == *b));
        }
    }

    #[test]
    fn clock_far_from_the_latest_event_is_not_trusted() {
        for newest in [-40 * 24 * HOUR, 2 * 24 * HOUR] {
            let mut clock_trust = ClockTrust::new(moment(0, 0));
            clock_trust.opened(moment(0, 0), Some(moment(newest, 0).at));
            assert!(!clock_trust.is_trusted(moment(60, 60)));
            assert!(clock_trust.is_trusted(moment(7 * HOUR, 7 * HOUR)));
        }
    }
}
