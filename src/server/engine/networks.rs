//! Networks in the engine's API.

use super::{
    Call, Engine, EngineError, LIST_TIMEOUT,
    read::{Entries, or_default},
};
use crate::{
    model::{HostId, Labels, Network, NetworkId, Subnet, Timestamp, Usage},
    server::percent::component,
};
use serde::Deserialize;

/// Id of Podman's default network, which is named `podman`. Lists name it `bridge`. Podman recreates it in memory, with a new
/// creation time, whenever another network is created or removed.
const PODMAN_DEFAULT: &str = "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9";

impl Engine {
    pub async fn networks(&self) -> Result<Vec<Network>, EngineError> {
        let Entries::<ApiNetwork>(networks) = self.reader.json(Call::NetworkList, "/networks", LIST_TIMEOUT).await?;
        Ok(networks.into_iter().filter_map(|network| network.into_network(&self.host)).collect())
    }

    /// Returns one network. None if it doesn't exist.
    pub async fn network(&self, id: &NetworkId) -> Result<Option<Network>, EngineError> {
        let network: Option<ApiNetwork> = self.find(Call::NetworkInspect, &format!("/networks/{id}")).await?;
        Ok(network.and_then(|network| network.into_network(&self.host)))
    }
}

impl Engine {
    pub(super) async fn network_called(&self, name: &str) -> Result<Option<Network>, EngineError> {
        let path = format!("/networks/{}", component(name));
        let network: Option<ApiNetwork> = self.find(Call::NetworkInspect, &path).await?;
        Ok(network.and_then(|network| network.into_network(&self.host)))
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ApiNetwork {
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

impl ApiNetwork {
    fn into_network(self, host: &HostId) -> Option<Network> {
        let subnet = |config: IpamConfig| {
            (!config.subnet.is_empty())
                .then(|| Subnet { subnet: config.subnet, gateway: Some(config.gateway).filter(|it| !it.is_empty()) })
        };
        let is_podmans = self.id == PODMAN_DEFAULT;
        Some(Network {
            host: host.clone(),
            id: NetworkId::new(&self.id).ok()?,
            name: if is_podmans { "podman".into() } else { self.name },
            driver: self.driver,
            scope: self.scope,
            internal: self.internal,
            created: Timestamp::parse(&self.created).filter(|_| !is_podmans),
            subnets: self.ipam.config.into_iter().filter_map(subnet).collect(),
            labels: self.labels,
            usage: Usage::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are from Podman 4.3.1.
    #[test]
    fn podman_default_network_is_equal_in_list_and_inspect() {
        let network = |name: &str, created: &str| {
            let text = format!(
                r#"{{"Name":"{name}","Id":"{PODMAN_DEFAULT}","Created":"{created}","Scope":"local","Driver":"bridge","EnableIPv6":false,"IPAM":{{"Driver":"default","Options":{{"driver":"host-local"}},"Config":[{{"Subnet":"10.88.0.0/16","Gateway":"10.88.0.1"}}]}},"Internal":false,"Attachable":false,"Ingress":false,"ConfigFrom":{{"Network":""}},"ConfigOnly":false,"Containers":{{}},"Options":{{}},"Labels":{{}}}}"#
            );
            serde_json::from_str::<ApiNetwork>(&text).unwrap().into_network(&HostId::new("local").unwrap()).unwrap()
        };
        let listed = network("bridge", "2026-11-21T11:25:06.025637174Z");
        assert_eq!(listed, network("podman", "2026-11-21T11:26:46.666811042Z"));
        assert_eq!((listed.name.as_str(), listed.subnets.len()), ("podman", 1));
    }
}
