//! Containers and all their changes.

use crate::support::{Docker, IMAGE, TIMEOUT, Watched, engine_url, eventually};
use quaylight::model::{ContainerState, Health, MountKind, RestartPolicy};
use std::time::Duration;

#[tokio::test]
async fn container_lifecycle_is_tracked() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let name = docker.create("life", &["--label", "com.docker.compose.project=shop"]).await;
    watched.until_container(&name, |it| it.state == ContainerState::Created && it.project() == Some("shop")).await;

    docker.run(&["start", &name]).await;
    watched.until_container(&name, |it| it.state == ContainerState::Running && it.started_at.is_some()).await;
    docker.run(&["pause", &name]).await;
    watched.until_container(&name, |it| it.state == ContainerState::Paused).await;
    docker.run(&["unpause", &name]).await;
    watched.until_container(&name, |it| it.state == ContainerState::Running).await;

    let renamed = docker.name("renamed");
    docker.run(&["rename", &name, &renamed]).await;
    watched.until_container(&renamed, |it| it.state == ContainerState::Running).await;

    docker.run(&["kill", &renamed]).await;
    watched.until_container(&renamed, |it| it.state == ContainerState::Exited && it.exit_code == Some(137)).await;
    docker.run(&["rm", &renamed]).await;
    watched.until("it is gone", |state| state.containers().all(|it| it.name != renamed)).await;
}

#[tokio::test]
async fn health_check_and_restart_policy_are_tracked() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let check = ["--health-cmd", "test -e /well", "--health-interval", "200ms", "--health-retries", "1"];
    let name = docker.create("health", &check).await;
    docker.run(&["start", &name]).await;
    watched.until_container(&name, |it| it.health == Some(Health::Unhealthy)).await;
    docker.run(&["exec", &name, "touch", "/well"]).await;
    watched.until_container(&name, |it| it.health == Some(Health::Healthy)).await;
    docker.run(&["stop", "-t", "0", &name]).await;
    watched.until_container(&name, |it| it.state == ContainerState::Exited && it.health.is_none()).await;

    let crashing = docker.name("crashing");
    let label = format!("quaylight.test={}", docker.name("").trim_start_matches('-'));
    let policy =
        ["run", "-d", "--name", &crashing, "--label", &label, "--network", "none", "--restart", "on-failure:2"];
    docker.run(&[&policy[..], &[crate::support::IMAGE, "sh", "-c", "exit 3"]].concat()).await;
    watched
        .until_container(&crashing, |it| {
            let policy = it.restart_policy == Some(RestartPolicy::OnFailure);
            policy && it.restart_count == Some(2) && it.state == ContainerState::Exited && it.exit_code == Some(3)
        })
        .await;
}

/// The list and the inspect of one container must give the same entity, or each reconcile would find a difference.
#[tokio::test]
async fn container_list_and_inspect_agree() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let volume = docker.volume("data").await;
    let mount = format!("{volume}:/data:ro");
    let rich =
        docker.create("rich", &["-v", &mount, "-v", "/tmp:/host", "--tmpfs", "/scratch", "--expose", "9000"]).await;
    let stopped = docker.create("stopped", &[]).await;
    docker.run(&["start", &rich, &stopped]).await;
    docker.run(&["kill", &stopped]).await;
    docker.run(&["wait", &stopped]).await;
    let listed = watched.engine.containers().await.unwrap();
    for name in [&rich, &stopped] {
        let listed = listed.iter().find(|it| it.name == **name).unwrap();
        let inspected = watched.engine.container(&listed.id).await.unwrap().unwrap();
        let mut expected = inspected.clone();
        expected.created = inspected.created.to_whole_seconds();
        expected.started_at = None;
        expected.finished_at = None;
        expected.restart_count = None;
        expected.pid = None;
        expected.restart_policy = None;
        assert_eq!(*listed, expected);
        assert_eq!(quaylight::server::engine::with_details_of(listed.clone(), &inspected), inspected);
    }
    let rich = listed.iter().find(|it| it.name == rich).unwrap();
    let volume = rich.mounts.iter().find(|it| it.destination == "/data").unwrap();
    assert_eq!((volume.kind, volume.writable), (MountKind::Volume, false));
}

/// Provisional state from events equals the state of the later read: even with the reads discarded nothing would differ.
#[tokio::test]
async fn changes_arrive_without_waiting_for_the_reconcile() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let before = watched.reader.drift();
    for round in 0..5 {
        let name = docker.create(&format!("round{round}"), &[]).await;
        docker.run(&["start", &name]).await;
        docker.run(&["kill", &name]).await;
        watched.until_container(&name, |it| it.state == ContainerState::Exited).await;
        docker.run(&["wait", &name]).await;
        let id = watched.container(&name).id;
        let read = watched.engine.container(&id).await.unwrap().unwrap();
        watched.until_container(&name, move |it| *it == read).await;
    }
    assert_eq!(watched.reader.drift(), before);
}

/// Docker emits no event when a restart by the restart policy fails: the container was shown as restarting until the
/// reconcile.
#[tokio::test]
async fn failed_restart_without_an_event_is_detected() {
    let (docker, watched) = (Docker::new(), Watched::start(&engine_url()).await);
    let before = watched.reader.drift();
    let (name, label, network) = (docker.name("crashing"), docker.label(), docker.network("going").await);
    let run = ["run", "--detach", "--restart", "always", "--name", &name, "--label", &label, "--network", &network];
    docker.run(&[&run[..], &[IMAGE, "false"]].concat()).await;
    watched.until_container(&name, |it| it.state == ContainerState::Restarting).await;
    // Between two starts (the interval grows with each crash) it is connected to no network.
    eventually(TIMEOUT, "the network is gone", async || docker.try_run(&["network", "rm", &network]).await.is_ok())
        .await;
    let state = async || docker.run(&["inspect", "--format", "{{.State.Status}}", &name]).await;
    eventually(Duration::from_secs(30), "the restart has failed", async || state().await != "restarting").await;
    let failed = state().await;
    let is_seen = || watched.container(&name).state.as_str() == failed;
    eventually(Duration::from_secs(3), "that is seen", async || is_seen()).await;
    assert_eq!(watched.reader.drift(), before);
}
