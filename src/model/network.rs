//! A network, and its usage.

use super::{HostId, Labels, NetworkId, Timestamp, Usage};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub host: HostId,
    pub id: NetworkId,
    pub name: String,
    pub driver: String,
    pub scope: String,
    /// Without external access.
    pub internal: bool,
    pub created: Option<Timestamp>,
    pub subnets: Vec<Subnet>,
    pub labels: Labels,
    /// Counted by the reducer: a value put here is ignored.
    pub usage: Usage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// In CIDR notation.
    pub subnet: String,
    pub gateway: Option<String>,
}

impl Network {
    /// Whether it is one of the three networks that every engine has and that can't be removed.
    pub fn is_built_in(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none")
    }
}
