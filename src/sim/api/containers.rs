//! `/containers`: listed, inspected, and acted on.

use super::{
    answer::{Answer, empty, json, json_with},
    ask::{Ask, bytes, labels_match},
    told,
};
use crate::sim::{
    Sim,
    events::EventFilter,
    moment,
    world::{Container, Creation, Refusal, World, familiar},
};
use axum::{body::Body, http::StatusCode};
use serde_json::json;
use std::sync::Arc;

pub async fn list(sim: &Arc<Sim>, ask: &Ask) -> Answer {
    let filters = ask.filters()?;
    let most: usize = ask.query("limit").parse().ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
    // Docker: whoever limits the number or asks for a state means stopped ones too.
    let all =
        ask.flag("all") || most < usize::MAX || filters.0.contains_key("status") || filters.0.contains_key("exited");
    let containers = sim.look(World::containers);
    // Thousands take a while to be written: nobody else waits for it.
    let written = tokio::task::spawn_blocking(move || {
        let now = moment::now();
        let wanted = containers.iter().filter(|it| (all || it.state.is_up()) && matches(it, &filters));
        json(&wanted.take(most).map(|it| told::listed(it, now)).collect::<Vec<_>>())
    });
    written.await.unwrap_or_else(|error| Err(Refusal::failed(error.to_string())))
}

fn matches(it: &Container, filters: &EventFilter) -> bool {
    filters.0.iter().all(|(field, wanted)| match field.as_str() {
        "label" => labels_match(&it.labels, wanted),
        "id" => wanted.iter().any(|id| it.id.starts_with(id)),
        "name" => wanted.iter().any(|name| it.name.contains(name.trim_start_matches(['/', '^']).trim_end_matches('$'))),
        "status" => wanted.iter().any(|state| it.state.as_str() == state),
        "exited" => !it.state.is_up() && it.started_at > 0 && wanted.contains(&it.exit_code.to_string()),
        "health" => {
            let health = it.health.as_ref().map_or("none", |check| check.status.as_str());
            wanted.iter().any(|wanted| wanted == health)
        }
        "ancestor" => {
            wanted.iter().any(|image| it.image == *image || it.image == familiar(image) || it.image_id.contains(image))
        }
        "volume" => it.mounts.iter().any(|mount| wanted.contains(&mount.name) || wanted.contains(&mount.destination)),
        "network" => it
            .networks
            .iter()
            .any(|(name, at)| wanted.contains(name) || wanted.iter().any(|id| at.network_id.starts_with(id))),
        _ => true,
    })
}

pub async fn inspect(sim: &Arc<Sim>, reference: &str) -> Answer {
    let container = sim.inspect(reference).await?;
    let told = sim.look(|world| told::inspected(&container, |id| world.find_network(id).ok().cloned()));
    json(&told)
}

pub async fn create(sim: &Arc<Sim>, ask: &Ask, body: Body) -> Answer {
    let creation = Creation::parse(&bytes(body).await?)?;
    let id = sim.change(|world, now| world.create(Some(ask.query("name")), creation, now))?;
    json_with(StatusCode::CREATED, &json!({"Id": id, "Warnings": []}))
}

pub async fn start(sim: &Arc<Sim>, reference: &str) -> Answer {
    sim.start_container(reference).await?;
    empty()
}

pub async fn stop(sim: &Arc<Sim>, reference: &str) -> Answer {
    sim.stop_container(reference).await?;
    empty()
}

pub async fn restart(sim: &Arc<Sim>, reference: &str) -> Answer {
    sim.restart_container(reference).await?;
    empty()
}

pub async fn kill(sim: &Arc<Sim>, reference: &str, ask: &Ask) -> Answer {
    let signal = signal(ask.query("signal"))?;
    sim.kill_container(reference, signal).await?;
    empty()
}

pub async fn pause(sim: &Arc<Sim>, reference: &str) -> Answer {
    sim.when_free(reference, |world, id, _| world.pause(id)).await?;
    empty()
}

pub async fn unpause(sim: &Arc<Sim>, reference: &str) -> Answer {
    sim.when_free(reference, |world, id, _| world.unpause(id)).await?;
    empty()
}

pub async fn rename(sim: &Arc<Sim>, reference: &str, ask: &Ask) -> Answer {
    sim.when_free(reference, |world, id, _| world.rename(id, ask.query("name"))).await?;
    empty()
}

pub async fn remove(sim: &Arc<Sim>, reference: &str, ask: &Ask) -> Answer {
    sim.remove_container(reference, ask.flag("force"), ask.flag("v")).await?;
    empty()
}

/// By name, with or without SIG, or by number. Nothing said means KILL.
fn signal(text: &str) -> Result<i64, Refusal> {
    let name = text.to_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    Ok(match name {
        "" | "KILL" => 9,
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ABRT" => 6,
        "USR1" => 10,
        "USR2" => 12,
        "TERM" => 15,
        "CONT" => 18,
        "STOP" => 19,
        "WINCH" => 28,
        number => match number.parse() {
            Ok(number @ 1..=64) => number,
            _ => return Err(Refusal::invalid(format!("Invalid signal: {text}"))),
        },
    })
}
