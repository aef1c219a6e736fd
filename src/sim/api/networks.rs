//! `/networks`: list, inspect, create, remove, connect and disconnect.

use super::{
    answer::{Answer, empty, json, json_with, with_body},
    api_request::{ApiRequest, labels_match, read_json},
    serialize::mac,
};
use crate::sim::{
    Sim,
    time::rfc3339,
    world::{Labels, Network},
};
use axum::{body::Body, http::StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub fn list(sim: &Arc<Sim>, request: &ApiRequest) -> Answer {
    let filters = request.filters()?;
    let matches = |network: &&Network| {
        filters.0.iter().all(|(field, wanted)| match field.as_str() {
            "name" => wanted.iter().any(|it| network.name.contains(it)),
            "id" => wanted.iter().any(|it| network.id.starts_with(it)),
            "driver" => wanted.contains(&network.driver),
            "label" => labels_match(&network.labels, wanted),
            "scope" => wanted.iter().any(|it| it == "local"),
            "type" => wanted.iter().any(|it| (it == "builtin") == network.is_predefined()),
            _ => true,
        })
    };
    // The list omits the networks' containers.
    let networks: Vec<Value> =
        sim.look(|world| world.each_network().filter(matches).map(|it| serialized(it, Map::new())).collect());
    json(&networks)
}

pub fn inspect(sim: &Arc<Sim>, reference: &str) -> Answer {
    let network = sim.look(|world| {
        let network = world.find_network(reference)?;
        let members = world.members(&network.id).map(|(container, endpoint)| {
            let address = if endpoint.ip.is_empty() { String::new() } else { format!("{}/16", endpoint.ip) };
            let member = json!({
                "Name": container.name, "EndpointID": endpoint.endpoint_id, "MacAddress": mac(&endpoint.ip),
                "IPv4Address": address, "IPv6Address": "",
            });
            (container.id.clone(), member)
        });
        Ok(serialized(network, members.collect()))
    })?;
    json(&network)
}

pub async fn create(sim: &Arc<Sim>, body: Body) -> Answer {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Wanted {
        name: String,
        driver: Option<String>,
        internal: bool,
        attachable: bool,
        labels: Option<Labels>,
        #[serde(rename = "IPAM")]
        ipam: Option<Ipam>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Ipam {
        config: Option<Vec<Pool>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Pool {
        subnet: Option<String>,
        gateway: Option<String>,
    }
    let wanted: Wanted = read_json(body).await?;
    let pool = wanted.ipam.and_then(|it| it.config).unwrap_or_default().into_iter().next().unwrap_or_default();
    let id = sim.change(|world, now| {
        world.create_network(Network {
            id: String::new(),
            name: wanted.name,
            driver: wanted.driver.filter(|it| !it.is_empty() && it != "default").unwrap_or_else(|| "bridge".into()),
            created: now,
            subnet: pool.subnet,
            gateway: pool.gateway,
            internal: wanted.internal,
            attachable: wanted.attachable,
            labels: wanted.labels.unwrap_or_default(),
            given: 0,
        })
    })?;
    json_with(StatusCode::CREATED, &json!({"Id": id, "Warning": ""}))
}

pub fn remove(sim: &Arc<Sim>, reference: &str) -> Answer {
    sim.change(|world, _| world.remove_network(reference))?;
    empty()
}

pub fn prune(sim: &Arc<Sim>) -> Answer {
    json(&json!({"NetworksDeleted": sim.change(|world, _| world.prune_networks())}))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Joining {
    container: String,
    endpoint_config: Option<WantedEndpoint>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct WantedEndpoint {
    aliases: Option<Vec<String>>,
}

pub async fn connect(sim: &Arc<Sim>, network: &str, body: Body) -> Answer {
    let wanted: Joining = read_json(body).await?;
    let aliases = wanted.endpoint_config.and_then(|it| it.aliases).unwrap_or_default();
    sim.when_free(&wanted.container, |world, id, _| world.connect(network, id, aliases)).await?;
    Ok(with_body(StatusCode::OK, "", Body::empty()))
}

pub async fn disconnect(sim: &Arc<Sim>, network: &str, body: Body) -> Answer {
    let wanted: Joining = read_json(body).await?;
    sim.when_free(&wanted.container, |world, id, _| world.disconnect(network, id)).await?;
    Ok(with_body(StatusCode::OK, "", Body::empty()))
}

fn serialized(network: &Network, members: Map<String, Value>) -> Value {
    let pools = network.subnet.as_ref().map(|subnet| match &network.gateway {
        Some(gateway) => json!({"Subnet": subnet, "Gateway": gateway}),
        None => json!({"Subnet": subnet}),
    });
    json!({
        "Name": network.name, "Id": network.id, "Created": rfc3339(network.created), "Scope": "local",
        "Driver": network.driver, "EnableIPv6": false,
        "IPAM": {"Driver": "default", "Options": null, "Config": pools.into_iter().collect::<Vec<_>>()},
        "Internal": network.internal, "Attachable": network.attachable, "Ingress": false,
        "ConfigFrom": {"Network": ""}, "ConfigOnly": false, "Containers": members, "Options": {},
        "Labels": network.labels,
    })
}
