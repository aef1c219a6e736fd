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

impl Volume {
    /// Named by the engine: a container asked for a volume and gave no name.
    pub fn is_anonymous(&self) -> bool {
        self.id.as_str().len() == 64 && self.id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}
