//! `/containers`: list, inspect and actions.

use super::{
    answer::{self, Answer, empty, json, json_with, with_body},
    api_request::{ApiRequest, labels_match, read_body, read_json},
    serialize,
};
use crate::sim::{
    Sim,
    events::Filters,
    faults::{Fault, Kind},
    time,
    world::{Container, Creation, Refusal, World, familiar},
};
use axum::{body::Body, http::StatusCode};
use futures::stream;
use serde_json::{Map, Value, json};
use std::{convert::Infallible, sync::Arc};

pub async fn list(sim: &Arc<Sim>, request: &ApiRequest) -> Answer {
    let filters = request.filters()?;
    let most: usize = request.query("limit").parse().ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
    // As in Docker, a limit or a state filter includes stopped containers.
    let all = request.bool_query("all")
        || most < usize::MAX
        || filters.0.contains_key("status")
        || filters.0.contains_key("exited");
    let containers = sim.look(World::containers);
    let strangeness = sim.faults.strike_request(&[Kind::UnknownEnum], "GET", "/containers/json");
    // Serializing thousands takes a while: it runs outside the async threads.
    let written = tokio::task::spawn_blocking(move || {
        let now = time::now();
        let wanted = containers.iter().filter(|it| (all || it.state.is_up()) && matches(it, &filters));
        let listed = wanted.take(most).map(|it| strange(serialize::listed(it, now), it, strangeness.as_ref()));
        with_body(StatusCode::OK, "application/json", (answer::list(listed) + "\n").into())
    });
    written.await.map_err(|error| Refusal::failed(error.to_string()))
}

/// Replaces known values by unknown ones if a fault demands it.
fn strange(value: Value, it: &Container, fault: Option<&Fault>) -> Value {
    match fault {
        Some(fault) if fault.means_container(&it.id, &it.name) => serialize::in_unknown_words(value),
        _ => value,
    }
}

fn matches(it: &Container, filters: &Filters) -> bool {
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
    let inspected =
        sim.look(|world| serialize::inspected(&container, &|id: &str| world.find_network(id).ok().cloned()));
    let path = format!("/containers/{reference}/json");
    let strangeness = sim.faults.strike_request(&[Kind::UnknownEnum], "GET", &path);
    json(&strange(inspected, &container, strangeness.as_ref()))
}

pub async fn create(sim: &Arc<Sim>, request: &ApiRequest, body: Body) -> Answer {
    let creation = Creation::parse(&read_body(body).await?)?;
    let id = sim.change(|world, now| world.create(Some(request.query("name")), creation, now))?;
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

pub async fn kill(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    let signal = signal(request.query("signal"))?;
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

pub async fn rename(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    sim.when_free(reference, |world, id, _| world.rename(id, request.query("name"))).await?;
    empty()
}

pub async fn remove(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    sim.remove_container(reference, request.bool_query("force"), request.bool_query("v")).await?;
    empty()
}

/// Changes limits and restart policy.
pub async fn update(sim: &Arc<Sim>, reference: &str, body: Body) -> Answer {
    let mut wanted: Map<String, Value> = read_json(body).await?;
    let policy = wanted.remove("RestartPolicy");
    let change = |container: &mut Container| {
        let name = policy.as_ref().and_then(|it| it["Name"].as_str()).filter(|it| !it.is_empty());
        if let Some(name) = name {
            container.restart_policy = name.to_owned();
            let most = policy.as_ref().and_then(|it| it["MaximumRetryCount"].as_u64()).unwrap_or(0);
            container.most_restarts = u32::try_from(most).unwrap_or(0);
        }
        // Null and zero leave a value unchanged.
        let said = wanted
            .into_iter()
            .filter(|(_, value)| !matches!(value, Value::Null) && *value != json!(0) && *value != json!(""));
        container.host_config.extend(said);
    };
    sim.when_free(reference, |world, id, _| world.update(id, change)).await?;
    json(&json!({"Warnings": []}))
}

/// Removes all stopped containers.
pub async fn prune(sim: &Arc<Sim>, request: &ApiRequest) -> Answer {
    let filters = request.filters()?;
    let down: Vec<String> = sim.look(|world| {
        let is_down = |it: &&Container| world.require_removable(&it.id).is_ok() && matches(it, &filters);
        world.each_container().filter(is_down).map(|it| it.id.clone()).collect()
    });
    let mut removed = Vec::new();
    for id in down {
        if sim.remove_container(&id, false, false).await.is_ok() {
            removed.push(id);
        }
    }
    json(&json!({"ContainersDeleted": removed, "SpaceReclaimed": 4096 * removed.len()}))
}

pub async fn top(sim: &Arc<Sim>, reference: &str) -> Answer {
    let container = sim.inspect(reference).await?;
    sim.change(|world, _| {
        world.require_up(&container.id)?;
        world.say(&container.id, "top");
        Ok(())
    })?;
    let start = &time::rfc3339(container.started_at)[11..16];
    let process = |pid: u32, parent: u32, command: String| {
        json!(["root", pid.to_string(), parent.to_string(), "0", start, "?", "00:00:01", command])
    };
    let main = process(container.pid, container.pid - 1, container.command_line());
    let child = process(container.pid + 1, container.pid, format!("{} (worker)", container.command[0]));
    json(&json!({"Titles": ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], "Processes": [main, child]}))
}

/// Waits for an exit. Sends the head at once: the CLI starts the container only after it has received the head.
pub async fn wait(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    let container = sim.inspect(reference).await?;
    let (sim, condition) = (sim.clone(), request.query("condition").to_owned());
    let mut settled = sim.settled.subscribe();
    let over = async move {
        let code = loop {
            let now = sim.look(|world| world.get(&container.id).cloned());
            let ended_since = |it: &Container| it.finished_at != container.finished_at && !it.state.is_up();
            match (now, condition.as_str()) {
                (None, _) => break container.exit_code,
                (Some(_), "removed") => {}
                (Some(now), "next-exit") if ended_since(&now) => break now.exit_code,
                (Some(_), "next-exit") => {}
                (Some(now), _) if !now.state.is_up() => break now.exit_code,
                _ => {}
            }
            let _ = settled.changed().await;
        };
        Ok::<_, Infallible>(format!("{}\n", json!({"StatusCode": code, "Error": null})))
    };
    Ok(with_body(StatusCode::OK, "application/json", Body::from_stream(stream::once(over))))
}

/// Parses a signal by name, with or without SIG, or by number. Empty means KILL.
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
