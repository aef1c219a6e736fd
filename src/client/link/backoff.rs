//! How long to wait before the next try: 250 ms to 10 s, with jitter.

const FIRST: f64 = 250.0;
const LONGEST: f64 = 10_000.0;

pub(super) struct Backoff {
    tries: i32,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { tries: 0 }
    }

    /// Milliseconds; a random half of each doubling is taken off so that many pages don't come back at once.
    pub(super) fn next(&mut self) -> u32 {
        let whole = (FIRST * 2f64.powi(self.tries)).min(LONGEST);
        self.tries = (self.tries + 1).min(16);
        (whole * (0.5 + js_sys::Math::random() / 2.0)) as u32
    }

    pub(super) fn forget(&mut self) {
        self.tries = 0;
    }
}
