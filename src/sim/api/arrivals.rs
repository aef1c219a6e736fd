//! `/images/create`: a pull with progress, or the import of a tar.

use super::{
    answer::{Answer, with_body},
    api_request::ApiRequest,
};
use crate::sim::{
    Sim,
    world::{Image, Refusal, familiar},
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::sleep;

/// Delay between two lines of a pull.
const STEP: Duration = Duration::from_millis(20);

const STEPS: u64 = 10;

pub async fn create(sim: &Arc<Sim>, request: &ApiRequest, body: Body) -> Answer {
    let name = |repository: &str, tag: &str| match tag {
        "" => repository.to_owned(),
        digest if digest.starts_with("sha256:") => format!("{repository}@{digest}"),
        tag => format!("{repository}:{tag}"),
    };
    match (request.query("fromSrc"), request.query("fromImage")) {
        ("", "") => Err(Refusal::invalid("fromImage or fromSrc is required")),
        ("", from) => pull(sim, &name(from, request.query("tag"))),
        ("-", _) => import(sim, &name(request.query("repo"), request.query("tag")), body).await,
        _ => Err(Refusal::invalid("the simulator imports from the request body only: use fromSrc=-")),
    }
}

/// Reads the tar and discards it; only its size is kept.
async fn import(sim: &Arc<Sim>, name: &str, body: Body) -> Answer {
    let mut size = 0;
    let mut body = body.into_data_stream();
    while let Some(chunk) = body.next().await {
        size += chunk.map_err(|error| Refusal::invalid(error.to_string()))?.len() as u64;
    }
    let id = sim.change(|world, now| {
        let image = Image::blank(format!("sha256:{}", world.new_id()), size, now);
        world.add_image(image, Some(name).filter(|it| !it.is_empty()), "import")
    });
    Ok(lines(Body::from(format!("{}\n", json!({ "status": id })))))
}

/// Pulls an image. No registry has names under `missing/`. A disconnect cancels the pull.
fn pull(sim: &Arc<Sim>, name: &str) -> Answer {
    let name = familiar(name);
    let (repository, tag) = name.rsplit_once(':').map_or((name.clone(), String::new()), |(a, b)| (a.into(), b.into()));
    if repository.starts_with("missing/") {
        return Err(Refusal::not_found(format!(
            "pull access denied for {repository}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"
        )));
    }
    let known = sim.look(|world| world.find_image(&name).is_ok());
    let (id, layers) = sim.change(|world, _| {
        let layers: Vec<(String, u64)> =
            (0..3).map(|n| (world.new_id()[..12].to_owned(), 3_000_000 << (2 * n))).collect();
        (world.new_id(), layers)
    });
    let mut progress = vec![json!({"status": format!("Pulling from {repository}"), "id": tag})];
    if !known {
        progress
            .extend(layers.iter().map(|it| json!({"status": "Pulling fs layer", "progressDetail": {}, "id": it.0})));
        layers.iter().for_each(|(layer, size)| progress.extend(steps(layer, *size)));
    }
    let size = layers.iter().map(|it| it.1).sum();
    let (end, sim) = (format!("sha256:{id}"), sim.clone());
    let steps = stream::iter(progress).then(|line| async move {
        sleep(STEP).await;
        line
    });
    let arrival = stream::once(async move {
        sim.change(|world, now| {
            if known {
                world.tell_of_pull(&name);
            } else {
                world.add_image(Image::blank(end.clone(), size, now), Some(&name), "pull");
            }
        });
        let status = if known { "Image is up to date" } else { "Downloaded newer image" };
        stream::iter([
            json!({"status": format!("Digest: {end}")}),
            json!({"status": format!("Status: {status} for {name}")}),
        ])
    });
    let messages = steps.chain(arrival.flatten());
    let encoded = messages.map(|line| Ok::<_, Infallible>(Bytes::from(format!("{line}\r\n"))));
    Ok(lines(Body::from_stream(encoded)))
}

fn steps(layer: &str, size: u64) -> Vec<Value> {
    let mut lines = Vec::new();
    for status in ["Downloading", "Extracting"] {
        lines.extend((1..=STEPS).map(|step| {
            let current = size * step / STEPS;
            json!({
                "status": status, "progressDetail": {"current": current, "total": size}, "id": layer,
                "progress": format!("[{:50}] {}kB/{}kB", "=".repeat(usize::try_from(50 * step / STEPS).unwrap_or(0)), current / 1000, size / 1000),
            })
        }));
        let done = if status == "Downloading" { "Download complete" } else { "Pull complete" };
        lines.push(json!({"status": done, "progressDetail": {}, "id": layer}));
    }
    lines
}

fn lines(body: Body) -> axum::response::Response {
    with_body(StatusCode::OK, "application/json", body)
}
