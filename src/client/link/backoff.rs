//! Reconnect backoff: 250 ms to 10 s, with jitter.
//!
//! The delay stays below a second for the first minute: no event reports that a server or a proxy is back, and a user
//! who restarts one is watching the page.

const FIRST: f64 = 250.0;
const LONGEST_AT_FIRST: f64 = 800.0;
const LONGEST: f64 = 10_000.0;

/// Range of the delay between two attempts while the server is full. It is wide because many pages may compete for one
/// free slot.
const FULL_AT_LEAST: f64 = 5_000.0;
const FULL_AT_MOST: f64 = 15_000.0;

/// The number of attempts that takes about a minute.
const AT_FIRST: i32 = 100;

pub(super) struct Backoff {
    tries: i32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { tries: 0 }
    }

    /// Returns the delay in milliseconds. Up to half of each doubled delay is subtracted at random, so that many pages
    /// don't reconnect at once.
    pub(super) fn next(&mut self) -> u32 {
        let beyond = self.tries - AT_FIRST;
        let whole = if beyond < 0 {
            (FIRST * 2f64.powi(self.tries.min(8))).min(LONGEST_AT_FIRST)
        } else {
            (LONGEST_AT_FIRST * 2f64.powi(beyond)).min(LONGEST)
        };
        self.tries = (self.tries + 1).min(AT_FIRST + 8);
        (whole * (0.5 + js_sys::Math::random() / 2.0)) as u32
    }

    /// Returns the delay in milliseconds while the server is full.
    pub(super) fn while_full() -> u32 {
        (FULL_AT_LEAST + (FULL_AT_MOST - FULL_AT_LEAST) * js_sys::Math::random()) as u32
    }

    pub(super) fn forget(&mut self) {
        self.tries = 0;
    }
}
