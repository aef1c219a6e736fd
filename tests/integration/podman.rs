//! Podman 4.3's Docker API as an engine: its changes arrive, and our actions work.
//!
//! Its limits: no event reports that a network was created or removed, so all networks are listed each second; events
//! are up to 0.25 s late, since it polls its journal four times a second; and only systemd timers run health checks, so
//! the test here runs them by hand.

use crate::{
    live::Client,
    podman_service::Podman,
    raw_http::ask,
    support::{IMAGE, TestServer, Watched},
};
use futures::SinkExt;
use quaylight::{
    model::{ContainerState, EngineState, Health, HostStatus, MountKind, RestartPolicy, Usage},
    server::engine::with_details_of,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_tungstenite::tungstenite::Message;

/// The image's name in Podman.
const LOCAL_IMAGE: &str = "localhost/quaylight-test/busybox:1";

async fn create(podman: &Podman, name: &str, options: &[&str]) -> String {
    let start = ["create", "--name", name, "--network", "none"];
    podman.run(&[&start, options, &[LOCAL_IMAGE, "sleep", "600"]].concat()).await
}

/// Waits until the state equals fresh lists, so that a reconcile would find nothing. Asserts that there was no drift so far.
async fn all_is_seen(watched: &Watched, podman: &Podman) {
    let engine = &watched.engine;
    let (containers, images) = (engine.containers().await.unwrap(), engine.images().await.unwrap());
    let (volumes, networks) = (engine.volumes().await.unwrap(), engine.networks().await.unwrap());
    let raw = podman.get("/containers/json?all=1").await;
    let is_seen = |state: &EngineState| {
        let known: Vec<_> = state.containers().collect();
        let agrees = |listed: &quaylight::model::Container| {
            known.iter().any(|it| it.id == listed.id && with_details_of(listed.clone(), it) == ***it)
        };
        let mut known_images: Vec<_> = state.images().map(|it| (**it).clone()).collect();
        let mut known_volumes: Vec<_> = state.volumes().map(|it| (**it).clone()).collect();
        let mut known_networks: Vec<_> = state.networks().map(|it| (**it).clone()).collect();
        known_images.iter_mut().for_each(|it| it.usage = Usage::default());
        known_volumes.iter_mut().for_each(|it| it.usage = Usage::default());
        known_networks.iter_mut().for_each(|it| it.usage = Usage::default());
        containers.len() == known.len()
            && containers.iter().all(agrees)
            && words(&raw) == words(&serde_json::to_value(state).unwrap()["containers"])
            && images.len() == known_images.len()
            && images.iter().all(|it| known_images.contains(it))
            && volumes.len() == known_volumes.len()
            && volumes.iter().all(|it| known_volumes.contains(it))
            && networks.len() == known_networks.len()
            && networks.iter().all(|it| known_networks.contains(it))
    };
    watched.until("all is as Podman lists it", is_seen).await;
    assert_eq!(watched.reader.drift(), 0);
}

/// Name, state and image of each container by its id, from Podman's list or ours.
fn words(containers: &Value) -> BTreeMap<String, String> {
    let one = |it: &Value| {
        let word = |ours: &str, its: &str| it.get(ours).unwrap_or(&it[its]).as_str().unwrap_or_default().to_owned();
        let name = it["name"].as_str().or(it["Names"][0].as_str()).unwrap_or_default().trim_start_matches('/');
        let state = word("state", "State").replace("stopped", "exited");
        (word("id", "Id"), format!("{name} {state} {}", word("image", "Image")))
    };
    containers.as_array().unwrap().iter().map(one).collect()
}

#[tokio::test]
async fn podman_container_lifecycle_is_tracked() {
    let podman = Podman::start().await;
    let watched = Watched::start(&podman.url()).await;
    create(&podman, "web", &["--label", "com.docker.compose.project=shop"]).await;
    watched.until_container("web", |it| it.state == ContainerState::Created && it.project() == Some("shop")).await;
    podman.run(&["start", "web"]).await;
    watched.until_container("web", |it| it.state == ContainerState::Running && it.started_at.is_some()).await;
    podman.run(&["pause", "web"]).await;
    watched.until_container("web", |it| it.state == ContainerState::Paused).await;
    podman.run(&["unpause", "web"]).await;
    watched.until_container("web", |it| it.state == ContainerState::Running).await;
    podman.run(&["rename", "web", "shop"]).await;
    watched.until_container("shop", |it| it.state == ContainerState::Running).await;
    podman.run(&["stop", "--time", "0", "shop"]).await;
    watched.until_container("shop", |it| it.state == ContainerState::Exited && it.exit_code == Some(137)).await;
    podman.run(&["start", "shop"]).await;
    watched.until_container("shop", |it| it.state == ContainerState::Running && it.exit_code.is_none()).await;
    let started = watched.container("shop").started_at;
    podman.run(&["restart", "--time", "0", "shop"]).await;
    watched.until_container("shop", |it| it.state == ContainerState::Running && it.started_at > started).await;
    podman.run(&["kill", "shop"]).await;
    watched.until_container("shop", |it| it.state == ContainerState::Exited).await;
    all_is_seen(&watched, &podman).await;
    podman.run(&["rm", "shop"]).await;
    watched.until("it is gone", |state| state.containers().next().is_none()).await;
    all_is_seen(&watched, &podman).await;
}

#[tokio::test]
async fn actions_work_on_podman_and_update_the_state() {
    let podman = Podman::start().await;
    let id = create(&podman, "web", &[]).await;
    let server = TestServer::at(&podman.url(), &[]).await;
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message.to_string().contains("\"name\":\"web\"")).await;
    for (action, options, state) in [
        ("start", json!({}), "running"),
        ("pause", json!({}), "paused"),
        ("unpause", json!({}), "running"),
        ("restart", json!({"timeout": 0}), "running"),
        ("stop", json!({"timeout": 0}), "exited"),
        ("start", json!({}), "running"),
        ("kill", json!({"signal": "KILL"}), "exited"),
        ("start", json!({}), "running"),
        ("remove", json!({"force": true, "volumes": true}), "gone"),
    ] {
        let action = format!("container.{action}");
        let request = json!({"type": "action", "id": "1", "action": action, "target": id, "options": options});
        client.0.send(Message::text(request.to_string())).await.unwrap();
        // The effect may arrive before the ack, and after a restart it begins with an exit.
        let (mut is_done, mut is_there) = (false, false);
        while !(is_done && is_there) {
            let message = client.until(None, |message| message["type"] != "pong").await;
            if message["type"] == "ack" {
                assert_eq!(message["ok"], true, "{action}: {message}");
                is_done = true;
            }
            for change in message["data"]["changes"].as_array().unwrap_or(&Vec::new()) {
                if change["kind"] == "container" {
                    let now = if change["op"] == "gone" { "gone" } else { change["value"]["state"].as_str().unwrap() };
                    is_there = now == state;
                }
            }
        }
    }
    let url = format!("tcp://{}", server.address);
    create(&podman, "last", &[]).await;
    client.until(None, |message| message.to_string().contains("\"name\":\"last\"")).await;
    let (_, state) = ask(&url, "GET", "/api/state", "").await;
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(words(&state["data"]["containers"]), words(&podman.get("/containers/json?all=1").await));
    let (_, health) = ask(&url, "GET", "/healthz", "").await;
    assert!(health.contains("\"drift\":0"), "{health}");
    server.stop().await;
}

#[tokio::test]
async fn podman_images_volumes_and_networks_are_tracked() {
    let podman = Podman::start().await;
    podman.run(&["network", "create", "other"]).await;
    let watched = Watched::start(&podman.url()).await;
    podman.run(&["network", "create", "home"]).await;
    let has_network = |state: &EngineState, name: &str| state.networks().any(|it| it.name == name);
    watched.until("the network created without an event is there", |state| has_network(state, "home")).await;
    let default = |state: &EngineState| state.networks().any(|it| it.name == "podman" && it.created.is_none());
    watched.until("the default network has its name", default).await;
    let has_tag = |state: &EngineState, tag: &str| state.images().any(|it| it.tags.iter().any(|its| its == tag));

    podman.run(&["tag", LOCAL_IMAGE, "localhost/shop:1"]).await;
    watched.until("the tag is there", |state| has_tag(state, "localhost/shop:1")).await;
    podman.run(&["untag", LOCAL_IMAGE, "localhost/shop:1"]).await;
    watched.until("the tag is gone", |state| !has_tag(state, "localhost/shop:1")).await;

    podman.run(&["volume", "create", "data"]).await;
    watched.until("the volume is there", |state| state.volumes().any(|it| it.id.as_str() == "data")).await;
    podman.run(&["run", "-d", "--name", "web", "-v", "data:/data", "--network", "home", LOCAL_IMAGE]).await;
    let used = |running, all| {
        move |state: &EngineState| {
            let volume = state.volumes().find(|it| it.id.as_str() == "data");
            volume.is_some_and(|it| it.usage == Usage { running, all })
        }
    };
    watched.until("the volume is in use", used(1, 1)).await;
    podman.run(&["network", "connect", "other", "web"]).await;
    watched.until_container("web", |it| it.networks.iter().any(|on| on.name == "other" && on.ip.is_some())).await;
    let users = |state: &EngineState| state.networks().find(|it| it.name == "other").map(|it| it.usage.all);
    watched.until("the network is in use", |state| users(state) == Some(1)).await;
    podman.run(&["network", "disconnect", "other", "web"]).await;
    watched.until("the network is not in use", |state| users(state) == Some(0)).await;

    // Neither event names the new image.
    podman.run(&["commit", "web", "localhost/shop:2"]).await;
    watched.until("the commit is there", |state| has_tag(state, "localhost/shop:2")).await;
    let archive = podman.place("shop.tar");
    podman.run(&["save", "-o", &archive, "localhost/shop:2"]).await;
    podman.run(&["rmi", "localhost/shop:2"]).await;
    watched.until("the commit is gone", |state| !has_tag(state, "localhost/shop:2")).await;
    podman.run(&["load", "-i", &archive]).await;
    watched.until("it is loaded", |state| has_tag(state, "localhost/shop:2")).await;

    podman.run(&["rm", "--force", "--time", "0", "web"]).await;
    watched.until("the volume is not in use", used(0, 0)).await;
    podman.run(&["volume", "rm", "data"]).await;
    watched.until("the volume is gone", |state| state.volumes().next().is_none()).await;
    podman.run(&["network", "rm", "home"]).await;
    watched.until("the network is gone", |state| !has_network(state, "home")).await;
    all_is_seen(&watched, &podman).await;
}

#[tokio::test]
async fn podman_crash_health_check_and_pod_are_tracked() {
    let podman = Podman::start().await;
    let watched = Watched::start(&podman.url()).await;
    let policy = ["run", "-d", "--name", "crashing", "--network", "none", "--restart", "on-failure:2"];
    podman.run(&[&policy[..], &[LOCAL_IMAGE, "sh", "-c", "exit 3"]].concat()).await;
    watched
        .until_container("crashing", |it| {
            let policy = it.restart_policy == Some(RestartPolicy::OnFailure) && it.restart_count == Some(2);
            policy && it.state == ContainerState::Exited && it.exit_code == Some(3)
        })
        .await;

    let check = ["--health-cmd", "test -e /well", "--health-interval", "disable", "--health-retries", "1"];
    create(&podman, "checked", &check).await;
    podman.run(&["start", "checked"]).await;
    watched.until_container("checked", |it| it.health == Some(Health::Starting)).await;
    podman.attempt(&["healthcheck", "run", "checked"]).await.expect_err("it is unwell");
    watched.until_container("checked", |it| it.health == Some(Health::Unhealthy)).await;
    podman.run(&["exec", "checked", "touch", "/well"]).await;
    podman.run(&["healthcheck", "run", "checked"]).await;
    watched.until_container("checked", |it| it.health == Some(Health::Healthy)).await;

    podman.run(&["pod", "create", "--name", "pod", "--infra=false"]).await;
    podman.run(&["create", "--name", "member", "--pod", "pod", LOCAL_IMAGE]).await;
    watched.until_container("member", |it| it.state == ContainerState::Created).await;
    podman.run(&["pod", "rm", "--force", "pod"]).await;
    watched.until("it went with its pod", |state| state.containers().all(|it| it.name != "member")).await;
    all_is_seen(&watched, &podman).await;
}

/// The list and the inspect of one container must give the same entity, or each reconcile would find a difference.
#[tokio::test]
async fn podman_list_and_inspect_agree() {
    let podman = Podman::start().await;
    let watched = Watched::start(&podman.url()).await;
    let options = ["-v", "data:/data:ro", "-v", "/tmp:/host", "--tmpfs", "/scratch", "--expose", "9000"];
    create(&podman, "rich", &options).await;
    podman.run(&["create", "--name", "published", "-p", "127.0.0.1:18098:80", "-p", "15353:53/udp", IMAGE]).await;
    create(&podman, "stopped", &[]).await;
    podman.run(&["start", "rich", "stopped"]).await;
    podman.run(&["kill", "stopped"]).await;
    podman.run(&["wait", "stopped"]).await;
    let listed = watched.engine.containers().await.unwrap();
    assert_eq!(listed.len(), 3);
    for listed in &listed {
        let inspected = watched.engine.container(&listed.id).await.unwrap().unwrap();
        assert_eq!(with_details_of(listed.clone(), &inspected), inspected);
        assert_eq!((listed.state, listed.exit_code), (inspected.state, inspected.exit_code));
        assert_eq!((&listed.ports, &listed.networks), (&inspected.ports, &inspected.networks));
    }
    let rich = listed.iter().find(|it| it.name == "rich").unwrap();
    let volume = rich.mounts.iter().find(|it| it.destination == "/data").unwrap();
    assert_eq!((volume.kind, volume.source.as_str(), volume.writable), (MountKind::Volume, "data", false));
    assert_eq!(listed.iter().find(|it| it.name == "published").unwrap().ports.len(), 2);
    all_is_seen(&watched, &podman).await;
}

/// Its containers run without it, and its CLI needs no service: changes made in the meantime are visible afterwards.
#[tokio::test]
async fn restarted_podman_service_is_watched_again() {
    let mut podman = Podman::start().await;
    let watched = Watched::start(&podman.url()).await;
    create(&podman, "before", &[]).await;
    watched.until_container("before", |it| it.state == ContainerState::Created).await;
    podman.end_service().await;
    watched.until("it is away", |state| state.hosts().any(|it| it.status == HostStatus::Unreachable)).await;
    podman.run(&["start", "before"]).await;
    create(&podman, "meanwhile", &[]).await;
    podman.serve_again().await;
    watched.until_container("before", |it| it.state == ContainerState::Running && it.started_at.is_some()).await;
    watched.until_container("meanwhile", |it| it.state == ContainerState::Created).await;
    podman.run(&["kill", "before"]).await;
    watched.until_container("before", |it| it.state == ContainerState::Exited).await;
    all_is_seen(&watched, &podman).await;
}
