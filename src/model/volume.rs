//! A volume: data that outlives containers, and its usage.

use super::{HostId, Labels, Timestamp, Usage, VolumeName};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub host: HostId,
    pub id: VolumeName,
    pub driver: String,
    pub scope: String,
    pub mountpoint: String,
    /// `None` if the driver doesn't report it.
    pub created: Option<Timestamp>,
    pub labels: Labels,
    /// Counted by the reducer: a value put here is ignored.
    pub usage: Usage,
}

impl Volume {
    /// Whether the engine chose the name, because a container requested a volume without one.
    pub fn is_anonymous(&self) -> bool {
        self.id.as_str().len() == 64 && self.id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}
