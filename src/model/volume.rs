//! A volume: data that outlives containers, and who uses it.

use super::{HostId, Labels, Timestamp, Usage, VolumeName};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub host: HostId,
    pub id: VolumeName,
    pub driver: String,
    pub scope: String,
    pub mountpoint: String,
    /// None where the driver doesn't say.
    pub created: Option<Timestamp>,
    pub labels: Labels,
    /// Counted by the reducer: what is put here counts for nothing.
    pub usage: Usage,
}
