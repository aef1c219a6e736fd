//! `/images`: list, inspect, tag and remove.

use super::{
    answer::{Answer, empty, json, json_with},
    api_request::{ApiRequest, labels_match},
};
use crate::sim::{
    Sim,
    time::{self, rfc3339},
    world::{Image, Removed, familiar},
};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

pub fn list(sim: &Arc<Sim>, request: &ApiRequest) -> Answer {
    let filters = request.filters()?;
    let matches = |image: &Image| {
        filters.0.iter().all(|(field, wanted)| match field.as_str() {
            "dangling" => wanted.iter().any(|it| matches!(it.as_str(), "true" | "1") == image.tags.is_empty()),
            "reference" => image.tags.iter().any(|tag| wanted.iter().any(|it| refers(it, tag))),
            "label" => labels_match(&image.labels, wanted),
            _ => true,
        })
    };
    let listed: Vec<Value> = sim.look(|world| {
        let mut images: Vec<&Image> = world.each_image().filter(|it| matches(it)).collect();
        images.sort_by_key(|it| std::cmp::Reverse(it.created));
        // A filter by name also limits each image to the matching names.
        let named = filters.0.get("reference").filter(|wanted| !wanted.is_empty());
        let with_matching_tags = |image: &Image| match named {
            Some(wanted) => {
                let mut image = image.clone();
                image.tags.retain(|tag| wanted.iter().any(|it| refers(it, tag)));
                listed(&image)
            }
            None => listed(image),
        };
        images.into_iter().map(with_matching_tags).collect()
    });
    json(&listed)
}

/// Whether a pattern such as `nginx`, `nginx:1.27` or `ngin*` matches this tag.
fn refers(pattern: &str, tag: &str) -> bool {
    let repository = tag.rsplit_once(':').map_or(tag, |it| it.0);
    match pattern.split_once('*') {
        Some((start, end)) => {
            tag.starts_with(start) && tag.ends_with(end) || repository.starts_with(start) && repository.ends_with(end)
        }
        None => pattern == repository || familiar(pattern) == tag,
    }
}

/// Serializes an image for the list. Docker lists an image without a name as `<none>`.
pub fn listed(image: &Image) -> Value {
    let or_none = |names: &[String], none: &str| if names.is_empty() { json!([none]) } else { json!(names) };
    json!({
        "Containers": -1, "Created": time::seconds(image.created), "Id": image.id,
        "Labels": if image.labels.is_empty() { Value::Null } else { json!(image.labels) }, "ParentId": "",
        "RepoDigests": or_none(&image.digests, "<none>@<none>"), "RepoTags": or_none(&image.tags, "<none>:<none>"),
        "SharedSize": -1, "Size": image.size, "VirtualSize": image.size,
    })
}

pub fn inspect(sim: &Arc<Sim>, reference: &str) -> Answer {
    let image = sim.look(|world| world.find_image(reference).cloned())?;
    let exposed: serde_json::Map<String, Value> = image.exposed.iter().map(|it| (it.clone(), json!({}))).collect();
    json(&json!({
        "Id": image.id, "RepoTags": image.tags, "RepoDigests": image.digests, "Parent": "", "Comment": "",
        "Created": rfc3339(image.created), "Container": "", "DockerVersion": "20.10.24", "Author": "",
        "Config": {
            "Cmd": image.command, "Env": image.env, "Entrypoint": null, "ExposedPorts": exposed,
            "Labels": image.labels, "Volumes": null, "WorkingDir": "", "User": "",
        },
        "Architecture": "amd64", "Os": "linux", "Size": image.size, "VirtualSize": image.size,
        "GraphDriver": {"Data": {}, "Name": "overlay2"},
        "RootFS": {"Type": "layers", "Layers": image.layers.iter().map(|_| &image.id).collect::<Vec<_>>()},
        "Metadata": {"LastTagTime": rfc3339(0)},
    }))
}

pub fn tag(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    let (repository, tag) = (request.query("repo"), request.query("tag"));
    let name = if tag.is_empty() { repository.to_owned() } else { format!("{repository}:{tag}") };
    sim.change(|world, _| world.tag(reference, &name))?;
    created()
}

pub fn remove(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    let removed = sim.change(|world, _| world.remove_image(reference, request.bool_query("force")))?;
    json(&removed.iter().map(serialized_removal).collect::<Vec<_>>())
}

fn serialized_removal(removed: &Removed) -> Value {
    match removed {
        Removed::Untagged(name) => json!({"Untagged": name}),
        Removed::Deleted(id) => json!({"Deleted": id}),
    }
}

/// Serializes the layers, newest first, as Docker does.
pub fn history(sim: &Arc<Sim>, reference: &str) -> Answer {
    let image = sim.look(|world| world.find_image(reference).cloned())?;
    let last = image.layers.len().saturating_sub(1);
    let layers = image.layers.iter().enumerate().rev().map(|(at, layer)| {
        json!({
            "Id": if at == last { image.id.as_str() } else { "<missing>" }, "Created": time::seconds(image.created),
            "CreatedBy": layer.created_by, "Tags": if at == last { json!(image.tags) } else { Value::Null },
            "Size": layer.size, "Comment": "",
        })
    });
    json(&layers.collect::<Vec<_>>())
}

/// Removes unused images; without a filter, only those without a name.
pub fn prune(sim: &Arc<Sim>, request: &ApiRequest) -> Answer {
    let filters = request.filters()?;
    let said_no = |it: &String| matches!(it.as_str(), "false" | "0");
    let all = filters.0.get("dangling").is_some_and(|it| it.iter().any(said_no));
    let (removed, freed) = sim.change(|world, _| world.prune_images(all));
    let removed = removed.iter().map(serialized_removal).collect::<Vec<_>>();
    json(
        &json!({"ImagesDeleted": if removed.is_empty() { Value::Null } else { json!(removed) }, "SpaceReclaimed": freed}),
    )
}

pub fn commit(sim: &Arc<Sim>, request: &ApiRequest, container: &str) -> Answer {
    let (repository, tag) = (request.query("repo"), request.query("tag"));
    let name = if tag.is_empty() { repository.to_owned() } else { format!("{repository}:{tag}") };
    let id = sim.change(|world, now| world.commit(container, Some(name.as_str()).filter(|it| !it.is_empty()), now))?;
    json_with(StatusCode::CREATED, &json!({ "Id": id }))
}

fn created() -> Answer {
    let mut response = empty()?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}
