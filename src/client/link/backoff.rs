//! How long to wait before the next try: 250 ms to 10 s, with jitter.
//!
//! For the first minute always below a second: nothing tells a page that a server or a proxy is back, and whoever
//! restarts one is looking.

const FIRST: f64 = 250.0;
const LONGEST_AT_FIRST: f64 = 800.0;
const LONGEST: f64 = 10_000.0;

/// Tries that take about a minute.
const AT_FIRST: i32 = 100;

pub(super) struct Backoff {
    tries: i32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { tries: 0 }
    }

    /// Milliseconds; a random half of each doubling is taken off so that many pages don't come back at once.
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

    pub(super) fn forget(&mut self) {
        self.tries = 0;
    }
}
