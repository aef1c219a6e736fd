//! Where the server's time comes from: passed in, so that tests own it.

use crate::model::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy)]
pub struct Clock(fn() -> Timestamp);

impl Clock {
    pub const SYSTEM: Self = Self(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    });

    pub const fn new(now: fn() -> Timestamp) -> Self {
        Self(now)
    }

    pub fn now(self) -> Timestamp {
        (self.0)()
    }
}
