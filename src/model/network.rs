//! A network, and who is on it.

use super::{HostId, Labels, NetworkId, Timestamp, Usage};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub host: HostId,
    pub id: NetworkId,
    pub name: String,
    pub driver: String,
    pub scope: String,
    /// Without a way out.
    pub internal: bool,
    pub created: Option<Timestamp>,
    pub subnets: Vec<Subnet>,
    pub labels: Labels,
    /// Counted by the reducer: what is put here counts for nothing.
    pub usage: Usage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// In CIDR notation.
    pub subnet: String,
    pub gateway: Option<String>,
}

impl Network {
    /// One of the three that every engine comes with and that can't be removed.
    pub fn is_built_in(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none")
    }
}
