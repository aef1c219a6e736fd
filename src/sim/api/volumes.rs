//! `/volumes`: list, inspect, create and remove.

use super::{
    answer::{Answer, empty, json, json_with},
    api_request::{ApiRequest, labels_match, read_json},
};
use crate::sim::{
    Sim,
    time::rfc3339,
    world::{Labels, Volume},
};
use axum::{body::Body, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub fn list(sim: &Arc<Sim>, request: &ApiRequest) -> Answer {
    let filters = request.filters()?;
    let volumes: Vec<Value> = sim.look(|world| {
        let used = world.used_volumes();
        let matches = |volume: &&Volume| {
            filters.0.iter().all(|(field, wanted)| match field.as_str() {
                "name" => wanted.iter().any(|it| volume.name.contains(it)),
                "label" => labels_match(&volume.labels, wanted),
                "driver" => wanted.iter().any(|it| it == "local"),
                "dangling" => {
                    let asked = wanted.iter().any(|it| matches!(it.as_str(), "true" | "1"));
                    asked != used.contains(volume.name.as_str())
                }
                _ => true,
            })
        };
        world.each_volume().filter(matches).map(serialized).collect()
    });
    json(&json!({"Volumes": volumes, "Warnings": null}))
}

pub fn inspect(sim: &Arc<Sim>, name: &str) -> Answer {
    json(&sim.look(|world| world.find_volume(name).map(serialized))?)
}

pub async fn create(sim: &Arc<Sim>, body: Body) -> Answer {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "PascalCase", default)]
    struct Wanted {
        name: String,
        labels: Option<Labels>,
    }
    let wanted: Wanted = read_json(body).await?;
    let volume = sim.change(|world, now| {
        let name = world.create_volume(&wanted.name, wanted.labels.unwrap_or_default(), now)?;
        world.find_volume(&name).map(serialized)
    })?;
    json_with(StatusCode::CREATED, &volume)
}

pub fn remove(sim: &Arc<Sim>, name: &str, request: &ApiRequest) -> Answer {
    sim.change(|world, _| world.remove_volume(name, request.bool_query("force")))?;
    empty()
}

/// Removes all unused volumes: Docker of this version does so for named and anonymous ones.
pub fn prune(sim: &Arc<Sim>) -> Answer {
    let (names, freed) = sim.change(|world, _| world.prune_volumes());
    json(&json!({"VolumesDeleted": names, "SpaceReclaimed": freed}))
}

pub fn serialized(volume: &Volume) -> Value {
    json!({
        "Name": volume.name, "Driver": "local", "Mountpoint": volume.mountpoint(),
        // Docker gives whole seconds for volumes.
        "CreatedAt": rfc3339(volume.created - volume.created % crate::sim::time::SECOND),
        "Labels": if volume.labels.is_empty() { Value::Null } else { json!(volume.labels) },
        "Scope": "local", "Options": null,
    })
}
