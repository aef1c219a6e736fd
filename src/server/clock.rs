//! System and monotonic clock. They are passed in, so that tests control the time.
//!
//! The system clock returns the time of day, and is changed now and then: by hand, by NTP, after an empty battery. The steady
//! clock only measures elapsed time, and never goes back. Durations are measured by the steady clock: when they were measured
//! by the system clock, setting it back an hour silenced every alert for an hour.

use crate::model::Timestamp;
use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;

#[derive(Clone, Copy)]
pub struct Clock {
    now: fn() -> Timestamp,
    /// `None` if the time of day advances steadily.
    steady: Option<fn() -> Duration>,
}

/// A point in time by both clocks: one to show, one to measure with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: Timestamp,
    /// Since an arbitrary start that is the same for all moments of one clock.
    pub steady: Duration,
}

impl Clock {
    pub const SYSTEM: Self = Self { now: time_of_day, steady: Some(since_first_asked) };

    /// A test clock that is never set: its time of day advances steadily.
    pub const fn new(now: fn() -> Timestamp) -> Self {
        Self { now, steady: None }
    }

    /// Two clocks for a test.
    pub const fn with_steady(now: fn() -> Timestamp, steady: fn() -> Duration) -> Self {
        Self { now, steady: Some(steady) }
    }

    pub fn now(self) -> Timestamp {
        (self.now)()
    }

    pub fn moment(self) -> Moment {
        let at = self.now();
        let evenly = || Duration::from_micros(u64::try_from(at.micros()).unwrap_or_default());
        Moment { at, steady: self.steady.map_or_else(evenly, |steady| steady()) }
    }
}

impl Moment {
    /// The time elapsed since `earlier`.
    pub fn since(self, earlier: Self) -> Duration {
        self.steady.saturating_sub(earlier.steady)
    }
}

fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn since_first_asked() -> Duration {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}
