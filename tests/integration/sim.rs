//! Simulator as an engine for our watcher, our server and the docker CLI.

use crate::{
    raw_http::{Raw, ask},
    support::{Docker, TestServer, Watched},
};
use quaylight::{
    model::{ContainerAction, ContainerState, EngineState, Health},
    server::engine::with_details_of,
    sim::{Options, Place, Running, Sim, Truth},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

async fn simulate(containers: usize) -> Running {
    Sim::start(Options { containers, ..Options::default() }).await.unwrap()
}

/// Everything that both sides know, as text to compare.
pub fn actual(truth: &Truth) -> BTreeMap<String, String> {
    let containers = truth
        .containers
        .iter()
        .map(|it| (it.id.clone(), format!("{} {} {} {}", it.name, it.state, it.health.unwrap_or("-"), it.image)));
    let images = truth.images.iter().map(|it| (it.id.clone(), it.tags.join(" ")));
    let volumes = truth.volumes.iter().map(|it| (format!("volume {it}"), String::new()));
    let networks = truth.networks.iter().map(|it| (it.id.clone(), it.name.clone()));
    containers.chain(images).chain(volumes).chain(networks).collect()
}

pub fn seen(state: &EngineState) -> BTreeMap<String, String> {
    let health = |it: Option<Health>| match it {
        None => "-",
        Some(Health::Starting) => "starting",
        Some(Health::Healthy) => "healthy",
        Some(Health::Unhealthy) => "unhealthy",
    };
    let containers = state.containers().map(|it| {
        let state = format!("{:?}", it.state).to_lowercase();
        (it.id.to_string(), format!("{} {state} {} {}", it.name, health(it.health), it.image))
    });
    let images = state.images().map(|it| (it.id.to_string(), it.tags.join(" ")));
    let volumes = state.volumes().map(|it| (format!("volume {}", it.id), String::new()));
    let networks = state.networks().map(|it| (it.id.to_string(), it.name.clone()));
    containers.chain(images).chain(volumes).chain(networks).collect()
}

#[tokio::test]
async fn watcher_state_matches_the_simulated_engine() {
    let sim = simulate(60).await;
    let watched = Watched::start(sim.url()).await;
    watched.until("all is seen", |state| seen(state) == actual(&sim.truth())).await;
}

#[tokio::test]
async fn actions_and_a_rename_reach_the_watcher() {
    let sim = simulate(10).await;
    let (docker, watched) = (Docker::simulated(sim.url()), Watched::start(sim.url()).await);
    let id = watched
        .reader
        .look(|state| state.containers().find(|it| it.state == ContainerState::Running).map(|it| it.id.clone()));
    let id = id.unwrap();
    for (action, wanted) in [
        (ContainerAction::Stop { timeout: None }, ContainerState::Exited),
        (ContainerAction::Start, ContainerState::Running),
        (ContainerAction::Pause, ContainerState::Paused),
        (ContainerAction::Unpause, ContainerState::Running),
        (ContainerAction::Restart { timeout: None }, ContainerState::Running),
        (ContainerAction::Kill { signal: None }, ContainerState::Exited),
    ] {
        watched.engine.act_on_container(&id, action.clone()).await.unwrap();
        let is_so = |state: &EngineState| state.containers().any(|it| it.id == id && it.state == wanted);
        watched.until(&format!("{action:?}"), is_so).await;
    }
    docker.run(&["rename", id.as_str(), "another"]).await;
    watched.until_container("another", |it| it.id == id).await;
    assert_eq!(ask(sim.url(), "POST", "/containers/another/stop", "").await.0, 304);
    let remove = ContainerAction::Remove { force: false, volumes: false };
    watched.engine.act_on_container(&id, remove).await.unwrap();
    watched.until("it is gone", |state| state.containers().all(|it| it.id != id)).await;
}

#[tokio::test]
async fn watcher_state_matches_the_simulated_engine_after_churn() {
    let sim = simulate(50).await;
    let watched = Watched::start(sim.url()).await;
    sim.set_churn(150.0);
    watched.until("much has happened", |_| sim.truth().events_sent > 1_500).await;
    sim.set_churn(0.0);
    watched.until("all agrees", |state| seen(state) == actual(&sim.truth())).await;
}

#[tokio::test]
async fn simulated_list_and_inspect_agree() {
    let sim = simulate(60).await;
    let watched = Watched::start(sim.url()).await;
    let listed = watched.engine.containers().await.unwrap();
    assert_eq!(listed.len(), 60);
    // The status text of a paused container lacks its health, as in Docker.
    for listed in listed.into_iter().filter(|it| it.state != ContainerState::Paused) {
        let inspected = watched.engine.container(&listed.id).await.unwrap().unwrap();
        assert_eq!(with_details_of(listed.clone(), &inspected), inspected);
        assert_eq!((listed.exit_code, &listed.ports), (inspected.exit_code, &inspected.ports));
    }
}

/// The timing of the real engine: an early inspect waits, an early list shows the previous state.
#[tokio::test]
async fn inspect_waits_and_the_list_stays_running_after_a_die_event() {
    let lock = Duration::from_millis(400);
    let sim = Sim::start(Options { lock, ..Options::default() }).await.unwrap();
    let watched = Watched::start(sim.url()).await;
    let engine = &watched.engine;
    let running = engine.containers().await.unwrap().into_iter().find(|it| it.state == ContainerState::Running);
    let id = running.unwrap().id;
    let mut events = engine.events(None).await.unwrap();
    let kill = ContainerAction::Kill { signal: None };
    let (killed, ()) = tokio::join!(engine.act_on_container(&id, kill), async {
        while events.next().await.unwrap().action != "die" {}
        let died = Instant::now();
        let listed = engine.containers().await.unwrap().into_iter().find(|it| it.id == id).unwrap();
        assert_eq!(listed.state, ContainerState::Running);
        let inspected = engine.container(&id).await.unwrap().unwrap();
        assert_eq!((inspected.state, inspected.exit_code), (ContainerState::Exited, Some(137)));
        assert!(died.elapsed() > lock / 2, "{:?}", died.elapsed());
    });
    killed.unwrap();
}

#[tokio::test]
async fn a_server_shows_a_simulated_engine() {
    let sim = simulate(10).await;
    let server = TestServer::at(sim.url(), &[]).await;
    let url = format!("tcp://{}", server.address);
    let name = sim.truth().containers[0].name.clone();
    let mut stream = Raw::get(&url, "/api/stream").await;
    stream.until(&format!("\"name\":\"{name}\"")).await;
    let (status, _) = ask(sim.url(), "POST", &format!("/containers/{name}/rename?name=another-name"), "").await;
    assert_eq!(status, 204);
    stream.until("\"name\":\"another-name\"").await;
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn docker_cli_works_with_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Socket(folder.path().join("docker.sock"));
    let sim = Sim::start(Options { place: place.clone(), containers: 12, ..Options::default() }).await.unwrap();
    let docker = Docker::simulated(sim.url());
    assert_eq!(docker.run(&["ps", "-aq"]).await.lines().count(), 12);
    assert_eq!(docker.run(&["version", "--format", "{{.Server.APIVersion}}"]).await, "1.41");

    let image = "nginx:1.27-alpine";
    let made = docker.run(&["create", "--name", "made", "--publish", "8099:80", "--volume", "kept:/data", image]).await;
    assert_eq!(docker.run(&["start", "made"]).await, "made");
    let line = docker.run(&["ps", "--format", "{{.Names}} {{.Ports}} {{.State}}", "--filter", "name=made"]).await;
    assert!(line.starts_with("made 0.0.0.0:8099->80/tcp") && line.ends_with(" running"), "{line}");
    let format = "{{.Id}} {{.State.Status}} {{(index .Mounts 0).Name}}";
    assert_eq!(docker.run(&["inspect", "--format", format, &made[..12]]).await, format!("{made} running kept"));
    assert!(docker.run(&["logs", "--tail", "1", "made"]).await.contains("starting"));
    assert!(docker.run(&["stats", "--no-stream", "--format", "{{.CPUPerc}}", "made"]).await.ends_with('%'));
    docker.run(&["stop", "made"]).await;
    assert_eq!(docker.run(&["wait", "made"]).await, "143");
    docker.run(&["rm", "made"]).await;

    let crash = ["run", "--detach", "--name", "crash", "--restart", "on-failure:2", image, "sh", "-c", "exit 3"];
    docker.run(&crash).await;
    let restarts = async || docker.run(&["inspect", "--format", "{{.RestartCount}} {{.State.Status}}", "crash"]).await;
    while restarts().await != "2 exited" {}

    docker.run(&["pull", "some/thing:2"]).await;
    docker.run(&["tag", "some/thing:2", "another:3"]).await;
    assert_eq!(docker.run(&["images", "--quiet", "another"]).await.len(), 12);
    docker.run(&["network", "create", "own"]).await;
    docker.run(&["network", "connect", "own", "crash"]).await;
    let joined = docker.run(&["inspect", "--format", "{{len .NetworkSettings.Networks}}", "crash"]).await;
    assert_eq!(joined, "2");
    assert_eq!(sim.truth().volumes.iter().filter(|it| *it == "kept").count(), 1);
    docker.run(&["rm", "--force", "crash"]).await;
    docker.run(&["volume", "rm", "kept"]).await;
    docker.run(&["network", "rm", "own"]).await;

    // A second simulator does not replace the first; after the first ends, the place is free.
    let taken = Sim::start(Options { place: place.clone(), ..Options::default() }).await;
    assert!(taken.is_err_and(|error| error.to_string().contains("in use")));
    drop(sim);
    assert!(!folder.path().join("docker.sock").exists());
    std::os::unix::net::UnixListener::bind(folder.path().join("docker.sock")).unwrap();
    drop(Sim::start(Options { place, ..Options::default() }).await.unwrap());
}
