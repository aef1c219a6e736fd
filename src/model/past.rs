//! What a container used over a stretch of time, as the history keeps it.

use super::{ContainerId, HostId, Rates, Timestamp};
use serde::{Deserialize, Serialize};

/// The average or the highest of several moments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageLevel {
    /// Of one core, as in a [`Sample`](super::Sample).
    pub cpu_percent: f64,
    /// Bytes.
    pub memory_usage: f64,
    pub rates: Rates,
}

/// What was measured of one container since the last time: `count` samples.
#[derive(Debug, Clone, PartialEq)]
pub struct UsagePoint {
    pub host: HostId,
    pub container: ContainerId,
    pub average: UsageLevel,
    pub highest: UsageLevel,
    pub count: u32,
}

/// What it used in the `seconds` from `at` on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UsageStretch {
    pub at: Timestamp,
    pub seconds: u32,
    pub average: UsageLevel,
    pub highest: UsageLevel,
}
