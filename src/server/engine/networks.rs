//! Networks as the engine tells of them.

use super::{Engine, EngineError, LIST_PATIENCE, read::or_default};
use crate::model::{HostId, Labels, Network, NetworkId, Subnet, Timestamp, Usage};
use serde::Deserialize;

impl Engine {
    pub async fn networks(&self) -> Result<Vec<Network>, EngineError> {
        let told: Vec<Told> = self.reader.json("/networks", LIST_PATIENCE).await?;
        Ok(told.into_iter().filter_map(|told| told.into_network(&self.host)).collect())
    }

    /// One network, or none when it is gone.
    pub async fn network(&self, id: &NetworkId) -> Result<Option<Network>, EngineError> {
        let told: Option<Told> = self.find(&format!("/networks/{id}")).await?;
        Ok(told.and_then(|told| told.into_network(&self.host)))
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Told {
    id: String,
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    driver: String,
    #[serde(deserialize_with = "or_default")]
    scope: String,
    #[serde(deserialize_with = "or_default")]
    internal: bool,
    #[serde(deserialize_with = "or_default")]
    created: String,
    #[serde(rename = "IPAM", deserialize_with = "or_default")]
    ipam: Ipam,
    #[serde(deserialize_with = "or_default")]
    labels: Labels,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Ipam {
    #[serde(deserialize_with = "or_default")]
    config: Vec<IpamConfig>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct IpamConfig {
    #[serde(deserialize_with = "or_default")]
    subnet: String,
    #[serde(deserialize_with = "or_default")]
    gateway: String,
}

impl Told {
    fn into_network(self, host: &HostId) -> Option<Network> {
        let subnet = |config: IpamConfig| {
            (!config.subnet.is_empty())
                .then(|| Subnet { subnet: config.subnet, gateway: Some(config.gateway).filter(|it| !it.is_empty()) })
        };
        Some(Network {
            host: host.clone(),
            id: NetworkId::new(&self.id).ok()?,
            name: self.name,
            driver: self.driver,
            scope: self.scope,
            internal: self.internal,
            created: Timestamp::parse(&self.created),
            subnets: self.ipam.config.into_iter().filter_map(subnet).collect(),
            labels: self.labels,
            usage: Usage::default(),
        })
    }
}
