//! Resource usage of a container over time, as the history stores it.

use super::{ContainerId, HostId, Rates, Timestamp};
use serde::{Deserialize, Serialize};

/// The average or the maximum of several samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct UsageLevel {
    /// Percent of one core, as in a [`Sample`](super::Sample).
    pub cpu_percent: f64,
    /// Bytes.
    pub memory_usage: Option<f64>,
    pub rates: Rates,
}

/// Measurements of one container since the previous point: `count` samples.
#[derive(Debug, Clone, PartialEq)]
pub struct UsagePoint {
    pub host: HostId,
    pub container: ContainerId,
    pub average: UsageLevel,
    pub highest: UsageLevel,
    pub count: u32,
    /// The number of samples with known network rates. The first sample of a container has none.
    pub network_count: u32,
    /// The number of samples with known block device rates.
    pub block_count: u32,
}

/// Usage during the `seconds` that start at `at`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UsageBucket {
    pub at: Timestamp,
    pub seconds: u32,
    pub average: UsageLevel,
    pub highest: UsageLevel,
}
