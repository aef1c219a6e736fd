//! The engine's four lists: each can be slow or fail independently, and none reverts changes made after it began.

use crate::{
    raw_http::{Raw, ask},
    sim::{actual, seen},
    support::{TestServer, Watched, eventually, local},
};
use futures::future::join_all;
use quaylight::{
    model::{Change, EngineState, Entity, HostStatus, Kind},
    server::engine::Call,
    sim::{
        Options, Running, Sim,
        faults::{Fault, Kind as FaultKind},
    },
};
use std::time::Duration;

/// Far below the 30 s of the reconcile interval, which repairs everything.
const SOON: Duration = Duration::from_secs(8);

/// A list of images times out after 60 s, one of volumes or networks after 15 s.
const LONG: Duration = Duration::from_secs(75);

/// The path of each list.
const LISTS: [(Kind, &str); 4] = [
    (Kind::Container, "/containers/json"),
    (Kind::Image, "/images/json"),
    (Kind::Volume, "/volumes"),
    (Kind::Network, "/networks"),
];

async fn simulate() -> Running {
    Sim::start(Options { containers: 12, ..Options::default() }).await.unwrap()
}

async fn call(sim: &Running, method: &str, path: &str, body: &str) -> String {
    let (status, answer) = ask(sim.url(), method, path, body).await;
    assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    answer
}

/// Creates one object of each kind to remove and one to change.
async fn prepare(sim: &Running) {
    for name in ["going", "changing"] {
        create_container(sim, name).await;
        call(sim, "POST", &format!("/images/create?fromImage={name}&tag=1"), "").await;
        call(sim, "POST", "/volumes/create", &format!(r#"{{"Name":"{name}"}}"#)).await;
        call(sim, "POST", "/networks/create", &format!(r#"{{"Name":"{name}"}}"#)).await;
    }
}

async fn create_container(sim: &Running, name: &str) {
    let image = sim.truth().containers[0].image.clone();
    let body = serde_json::json!({ "Image": image, "Labels": {"quaylight.sim.churn": "false"} }).to_string();
    call(sim, "POST", &format!("/containers/create?name={name}"), &body).await;
}

/// Creates, removes and, where possible, changes an object of this kind.
async fn change(sim: &Running, kind: Kind) {
    match kind {
        Kind::Container => {
            create_container(sim, "coming").await;
            call(sim, "POST", "/containers/changing/rename?name=changed", "").await;
            call(sim, "DELETE", "/containers/going", "").await;
        }
        Kind::Image => {
            call(sim, "POST", "/images/create?fromImage=coming&tag=1", "").await;
            // The tag moves away from the image that has it in the list.
            call(sim, "POST", "/images/coming:1/tag?repo=changing&tag=1", "").await;
            call(sim, "DELETE", "/images/going:1", "").await;
        }
        Kind::Volume => {
            call(sim, "POST", "/volumes/create", r#"{"Name":"coming"}"#).await;
            call(sim, "DELETE", "/volumes/going", "").await;
        }
        Kind::Network => {
            call(sim, "POST", "/networks/create", r#"{"Name":"coming"}"#).await;
            call(sim, "DELETE", "/networks/going", "").await;
        }
        Kind::Host => unreachable!("hosts are not listed"),
    }
}

fn is_true(watched: &Watched, sim: &Running) -> bool {
    watched.reader.look(seen) == actual(&sim.truth())
}

/// How often the list was requested from the engine.
fn asked(sim: &Running, path: &str) -> u64 {
    sim.truth().requests.get(&format!("GET {path}")).copied().unwrap_or_default()
}

fn held_back(path: &str) -> Fault {
    Fault { method: Some("GET".into()), ..Fault::new(FaultKind::Delay) }.on(&format!("{path}$"))
}

/// Waits until the simulator's changes of this kind have been read.
async fn until_read(sim: &Running, kind: Kind) {
    let (route, at_least) = match kind {
        Kind::Container => ("GET /containers/{id}/json", 3),
        Kind::Image => ("GET /images/{name}/json", 2),
        Kind::Volume => ("GET /volumes/{id}", 2),
        _ => ("GET /networks/{id}", 2),
    };
    let reads = || sim.truth().requests.iter().filter(|(it, _)| it.as_str() == route).map(|(_, n)| *n).sum::<u64>();
    eventually(SOON, route, async || reads() >= at_least).await;
}

async fn survives_a_slow_first_list(kind: Kind, path: &'static str) {
    let sim = simulate().await;
    prepare(&sim).await;
    // The very first list, before anything is known.
    sim.faults().switch_on(held_back(path));
    let (watched, ()) = tokio::join!(Watched::start(sim.url()), async {
        eventually(SOON, path, async || asked(&sim, path) == 1).await;
        change(&sim, kind).await;
        until_read(&sim, kind).await;
        sim.faults().switch_all_off();
    });
    eventually(SOON, "the state is the truth", async || is_true(&watched, &sim)).await;
    assert_eq!(watched.reader.drift(), 0);
}

async fn survives_a_slow_list_after_a_reconnect(kind: Kind, path: &'static str) {
    let sim = simulate().await;
    prepare(&sim).await;
    let watched = Watched::start(sim.url()).await;
    eventually(SOON, "all is read", async || is_true(&watched, &sim)).await;
    let before = asked(&sim, path);
    sim.faults().switch_on(held_back(path));
    sim.faults().switch_on(Fault::new(FaultKind::CutEvents));
    eventually(SOON, path, async || asked(&sim, path) > before).await;
    change(&sim, kind).await;
    // An image that has lost its last tag is looked up in a list, which is delayed too.
    let has_moved = |state: &EngineState| state.images().any(|it| it.tags == ["changing:1", "coming:1"]);
    let shows = async || is_true(&watched, &sim) || kind == Kind::Image && watched.reader.look(has_moved);
    eventually(SOON, &format!("the changes of {path} are seen"), shows).await;
    assert!(lists_read(&watched, kind) < asked(&sim, path), "the list is held back");
    sim.faults().switch_all_off();
    eventually(SOON, "the list has come", async || lists_read(&watched, kind) == asked(&sim, path)).await;
    // The watcher works sequentially: a change after the list becomes visible after it.
    create_container(&sim, "later").await;
    watched.until_container("later", |_| true).await;
    eventually(SOON, &format!("after the list of {path} the state is the truth"), async || is_true(&watched, &sim))
        .await;
    assert_eq!(watched.reader.drift(), 0);
}

/// How often the engine has returned the list.
fn lists_read(watched: &Watched, kind: Kind) -> u64 {
    let wanted = match kind {
        Kind::Container | Kind::Host => Call::ContainerList,
        Kind::Image => Call::ImageList,
        Kind::Volume => Call::VolumeList,
        Kind::Network => Call::NetworkList,
    };
    let (_, measured) = watched.engine.calls().iter().find(|(call, _)| *call == wanted).unwrap();
    measured.took.up_to().last().unwrap().1
}

fn is_reachable(state: &EngineState) -> bool {
    state.host(&local()).is_some_and(|it| it.status == HostStatus::Reachable)
}

#[tokio::test]
async fn slow_first_list_reverts_no_newer_changes() {
    join_all(LISTS.map(|(kind, path)| survives_a_slow_first_list(kind, path))).await;
}

#[tokio::test]
async fn slow_list_after_a_reconnect_reverts_no_newer_changes() {
    join_all(LISTS.map(|(kind, path)| survives_a_slow_list_after_a_reconnect(kind, path))).await;
}

/// Lets one list fail or hang, at the start and after all is known. The other lists must be unaffected.
async fn fails_alone(kind: Kind, path: &'static str, fault: FaultKind) {
    let sim = simulate().await;
    let fault = || Fault { method: Some("GET".into()), ..Fault::new(fault) }.on(path);
    let fails = |state: &EngineState| state.host(&local()).and_then(|it| it.failed_list(kind).cloned());
    sim.faults().switch_on(fault());
    let watched = Watched::start(sim.url()).await;
    let others = |state: &EngineState| LISTS.iter().filter(|it| it.0 != kind).all(|it| state.count(it.0) > 0);
    watched.until("the others are known", move |state| others(state) && state.containers().count() == 12).await;
    eventually(LONG, "the failure is said", async || watched.reader.look(fails).is_some()).await;
    let failed = watched.reader.look(fails).unwrap();
    assert!(failed.as_of.is_none() && !failed.error.is_empty(), "{failed:?}");
    assert!(watched.reader.look(is_reachable));
    // It recovers by itself.
    sim.faults().switch_all_off();
    let recovered = async || is_true(&watched, &sim) && watched.reader.look(fails).is_none();
    eventually(LONG, "all is known", recovered).await;
    // Known objects stay.
    let known = watched.reader.look(|state| state.count(kind));
    sim.faults().switch_on(fault());
    sim.faults().switch_on(Fault::new(FaultKind::CutEvents));
    eventually(LONG, "the failure is said again", async || watched.reader.look(fails).is_some()).await;
    assert!(watched.reader.look(fails).unwrap().as_of.is_some());
    assert_eq!(watched.reader.look(|state| state.count(kind)), known);
    // Events still change the other kinds.
    create_container(&sim, "coming").await;
    watched.until_container("coming", |_| true).await;
    assert!(watched.reader.look(is_reachable));
}

#[tokio::test]
async fn failing_or_hanging_list_does_not_affect_the_others() {
    let others = LISTS.into_iter().filter(|(kind, _)| *kind != Kind::Container);
    let each = others.flat_map(|(kind, path)| [(kind, path, FaultKind::Status), (kind, path, FaultKind::Hang)]);
    join_all(each.map(|(kind, path, fault)| async move {
        let sim_of_its_own = fails_alone(kind, path, fault);
        sim_of_its_own.await;
    }))
    .await;
}

/// A page said that there are no containers while a server that had just started was still connecting.
#[tokio::test]
async fn engine_that_was_not_reached_yet_is_not_shown_as_empty() {
    let sim = simulate().await;
    sim.faults().switch_on(Fault::new(FaultKind::Hang));
    let server = TestServer::at(sim.url(), &[]).await;
    let page = async |path: &str| Raw::get(&server.url(), path).await.whole().await;
    for (path, kind) in [
        ("/", "containers"),
        ("/containers", "containers"),
        ("/images", "images"),
        ("/volumes", "volumes"),
        ("/networks", "networks"),
    ] {
        let page = page(path).await;
        let says_none = page.contains(&format!("No {kind} yet"));
        assert!(page.contains("Connecting to the engine") && !says_none, "{path}: {page}");
        assert!(page.contains(r#"data-count="containers">–"#), "{path}: {page}");
    }
    sim.faults().switch_all_off();
    let name = sim.truth().containers[0].name.clone();
    eventually(LONG, "the containers are shown", async || page("/containers").await.contains(&name)).await;
    assert!(!page("/").await.contains("Connecting to the engine"));
    server.stop().await;
}

/// With containerd's image store, an image that is removed meanwhile makes the list fail as "not found".
#[tokio::test]
async fn image_list_that_a_removal_interrupts_is_repeated() {
    let sim = simulate().await;
    let watched = Watched::start(sim.url()).await;
    let path = "/images/json";
    let before = asked(&sim, path);
    let mut batches = watched.reader.follow(None).batches;
    let not_found = Fault { status: Some(404), count: Some(2), ..Fault::new(FaultKind::Status) };
    sim.faults().switch_on(not_found.on(path));
    sim.faults().switch_on(Fault::new(FaultKind::CutEvents));
    eventually(SOON, "it is requested three times", async || asked(&sim, path) == before + 3).await;
    create_container(&sim, "later").await;
    watched.until_container("later", |_| true).await;
    while let Ok(batch) = batches.try_recv() {
        for change in &batch.changes {
            let Change::Put(Entity::Host(host)) = change else { continue };
            assert!(host.failed_lists.is_empty(), "{host:?}");
        }
    }
}

#[tokio::test]
async fn failed_volume_list_is_reported_and_other_lists_are_shown() {
    let sim = simulate().await;
    let message = "error while listing volumes: plugin \"nfs\" not found";
    sim.faults().switch_on(Fault { message: Some(message.into()), ..Fault::new(FaultKind::Status) }.on("/volumes"));
    let server = TestServer::at(sim.url(), &[]).await;
    let health = async || ask(&server.url(), "GET", "/healthz", "").await.1;
    let is_said = async || {
        let health = health().await;
        health.contains("\"reachable\":true") && health.contains(r#""kind":"volume","as_of":null"#)
    };
    eventually(SOON, "healthz says it", is_said).await;
    let metrics = ask(&server.url(), "GET", "/metrics", "").await.1;
    assert!(metrics.contains(r#"quaylight_engine_list_up{host="local",kind="volume"} 0"#), "{metrics}");
    assert!(metrics.contains(r#"quaylight_engine_list_up{host="local",kind="container"} 1"#));
    let page = Raw::get(&server.url(), "/volumes").await.whole().await;
    assert!(page.contains("plugin") && !page.contains("No volumes yet"), "the page does not say that there are none");
    assert!(page.contains(r#"data-count="volumes">–"#), "nor counts them");
    let page = Raw::get(&server.url(), "/containers").await.whole().await;
    assert!(page.contains(&sim.truth().containers[0].name));
    server.stop().await;
}
