//! Engine faults, after which the state is correct again without a restart.

use crate::{
    live::Client,
    raw_http::{Raw, ask},
    sim::{actual, seen},
    support::{TestServer, Watched, eventually},
};
use futures::{StreamExt, stream};
use quaylight::{
    model::{Container, ContainerState, Entity},
    sim::{
        Options, Running, Sim,
        faults::{Fault, Kind},
    },
    wire::{Encoding, PackedChange, ServerFrame, binary},
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::time::interval;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

/// Short, so that a test need not wait long for changes without an event.
const RECONCILE: Duration = Duration::from_secs(1);

/// The longest timeouts are those of lists (15 s) and reads (10 s).
const TIMEOUT: Duration = Duration::from_secs(30);

/// Repairs wait for the next reconcile, plus a second for late events.
const REPAIR: Duration = Duration::from_secs(10);

async fn simulate(containers: usize) -> Running {
    Sim::start(Options { containers, ..Options::default() }).await.unwrap()
}

async fn watch(containers: usize) -> (Running, Watched) {
    let sim = simulate(containers).await;
    let watched = Watched::reconciling(sim.url(), RECONCILE).await;
    (sim, watched)
}

fn is_true(watched: &Watched, sim: &Running) -> bool {
    watched.reader.look(seen) == actual(&sim.truth())
}

/// Makes changes under these faults until `shows` holds; afterwards the state equals the engine's.
async fn survives(faults: &[Fault], what: &str, shows: impl Fn(&Watched) -> bool) {
    let (sim, watched) = watch(20).await;
    faults.iter().for_each(|fault| sim.faults().switch_on(fault.clone()));
    sim.set_churn(100.0);
    let before = sim.truth().events_sent;
    eventually(TIMEOUT, what, async || shows(&watched) && sim.truth().events_sent > before + 200).await;
    sim.set_churn(0.0);
    sim.faults().switch_all_off();
    eventually(TIMEOUT, "the state is the truth", async || is_true(&watched, &sim)).await;
    assert!(is_reachable(&watched));
}

fn is_reachable(watched: &Watched) -> bool {
    watched.reader.look(|state| state.hosts().any(|host| host.is_reachable()))
}

fn is_unreachable(watched: &Watched) -> bool {
    !is_reachable(watched)
}

async fn act(sim: &Running, id: &str, action: &str) {
    let (status, body) = ask(sim.url(), "POST", &format!("/containers/{id}/{action}"), "").await;
    assert!(matches!(status, 204 | 304), "{action} {id}: {status} {body}");
}

/// Creates a container without a health check, so that nothing changes it by itself. Returns its id.
async fn create(sim: &Running, name: &str, labels: &serde_json::Value) -> String {
    let image = sim.truth().containers[0].image.clone();
    let body = serde_json::json!({"Image": image, "Labels": labels}).to_string();
    let (status, body) = ask(sim.url(), "POST", &format!("/containers/create?name={name}"), &body).await;
    assert_eq!(status, 201, "{body}");
    serde_json::from_str::<serde_json::Value>(&body).unwrap()["Id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn engine_that_refuses_connections_is_unreachable_and_recovers() {
    survives(&[Fault::new(Kind::Refuse)], "it is seen to be away", is_unreachable).await;
}

#[tokio::test]
async fn hanging_engine_becomes_unreachable_and_recovers() {
    let sim = simulate(20).await;
    // With the server's default interval: no list is due that would find out.
    let watched = Watched::start(sim.url()).await;
    let began = Instant::now();
    sim.faults().switch_on(Fault::new(Kind::Hang));
    eventually(Duration::from_secs(10), "it counts as gone", async || is_unreachable(&watched)).await;
    let gone = began.elapsed();
    sim.set_churn(100.0);
    eventually(TIMEOUT, "things change meanwhile", async || sim.truth().events_sent > 100).await;
    sim.set_churn(0.0);
    sim.faults().switch_all_off();
    eventually(TIMEOUT, "the state is the truth", async || is_true(&watched, &sim) && is_reachable(&watched)).await;
    eprintln!("gone after {gone:?}, back after {:?}", began.elapsed());
}

/// Longer than the timeout of lists of volumes or networks.
#[tokio::test]
async fn slow_list_does_not_mark_the_engine_unreachable() {
    let (sim, watched) = watch(20).await;
    let host = || watched.reader.look(|state| state.hosts().next().cloned()).unwrap();
    let since = host().since;
    for path in ["/containers/json$", "/images/json$"] {
        sim.faults().switch_on(Fault::new(Kind::Delay).on(path));
    }
    let has_struck = || sim.faults().list().iter().all(|it| it.struck > 0);
    eventually(TIMEOUT, "both lists are asked for", async || has_struck()).await;
    // The lists take this long.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let name = "meanwhile";
    create(&sim, name, &serde_json::json!({})).await;
    watched.until_container(name, |_| true).await;
    sim.faults().switch_all_off();
    eventually(TIMEOUT, "the state is the truth", async || is_true(&watched, &sim)).await;
    assert_eq!((host().since, host().failed_lists.len()), (since, 0));
}

#[tokio::test]
async fn state_recovers_after_the_engine_returns_500() {
    survives(&[Fault::new(Kind::Status)], "it is seen to fail", is_unreachable).await;
}

#[tokio::test]
async fn state_recovers_after_truncated_json() {
    let halves = [Fault::new(Kind::Half).times(5), Fault::new(Kind::Half).on("/containers").times(5)];
    survives(&halves, "halves have come", |_| true).await;
}

#[tokio::test]
async fn unknown_container_state_loses_no_container() {
    let fault = Fault::new(Kind::UnknownEnum);
    survives(&[fault], "none is missing", |watched| {
        is_reachable(watched) && watched.reader.look(|state| state.containers().count() >= 20)
    })
    .await;
}

#[tokio::test]
async fn unknown_events_and_garbage_lines_are_ignored() {
    let (sim, watched) = watch(10).await;
    let since = watched.reader.look(|state| state.hosts().next().unwrap().since);
    for fault in [Kind::UnknownEvent, Kind::GarbageLine] {
        sim.faults().switch_on(Fault::new(fault).times(20));
    }
    let id = sim.truth().containers[0].id.clone();
    act(&sim, &id, "rename?name=after-garbage").await;
    watched.until_container("after-garbage", |_| true).await;
    let same = watched.reader.look(|state| state.hosts().all(|host| host.is_reachable() && host.since == since));
    assert!(same, "the stream continues without a reconnect");
    assert_eq!(watched.reader.drift(), 0);
}

#[tokio::test]
async fn ended_event_stream_is_reconnected() {
    let (sim, watched) = watch(20).await;
    sim.set_churn(150.0);
    for round in 1..=10 {
        eventually(TIMEOUT, "things change", async || sim.truth().events_sent > round * 60).await;
        sim.faults().switch_on(Fault::new(Kind::CutEvents));
    }
    sim.set_churn(0.0);
    eventually(TIMEOUT, "the state is the truth", async || is_true(&watched, &sim) && is_reachable(&watched)).await;
}

#[tokio::test]
async fn failed_read_is_retried_before_the_reconcile() {
    let sim = simulate(5).await;
    // The next reconcile is far away: it is not what repairs this.
    let watched = Watched::start(sim.url()).await;
    let quiet = async || is_true(&watched, &sim);
    eventually(TIMEOUT, "all is read", quiet).await;
    for (name, kind) in [("refused-once", Kind::Status), ("hung-once", Kind::Hang)] {
        let fault = Fault { method: Some("GET".into()), ..Fault::new(kind) };
        sim.faults().switch_on(fault.on("/containers/").times(1));
        create(&sim, name, &serde_json::json!({})).await;
        eventually(Duration::from_secs(15), name, quiet).await;
    }
    assert_eq!(watched.reader.drift(), 0);
}

#[tokio::test]
async fn missing_details_are_read_again_after_all_reads_failed() {
    let (sim, watched) = watch(20).await;
    let truth = sim.truth();
    let checked = truth.containers.iter().find(|it| it.state == "running" && it.health.is_some());
    let id = checked.unwrap().id.clone();
    let known = |watched: &Watched| {
        watched
            .reader
            .look(|state| state.containers().find(|it| it.id.as_str() == id).map(|it| (it.state, it.restart_count)))
    };
    eventually(TIMEOUT, "all is read", async || is_true(&watched, &sim)).await;
    // Only the list after the reconnect reports the pause, and it lacks the health.
    sim.faults().switch_on(Fault::new(Kind::DropEvent).times(1));
    let fails = Fault { method: Some("GET".into()), ..Fault::new(Kind::Status) };
    sim.faults().switch_on(fails.on(&format!("/containers/{id}")));
    act(&sim, &id, "pause").await;
    sim.faults().switch_on(Fault::new(Kind::CutEvents));
    eventually(TIMEOUT, "the list tells", async || known(&watched) == Some((ContainerState::Paused, None))).await;
    let struck = || sim.faults().list().iter().map(|it| it.struck).max().unwrap_or_default();
    eventually(TIMEOUT, "the reads are given up", async || struck() >= 4).await;
    sim.faults().switch_all_off();
    eventually(REPAIR, "it is read after all", async || {
        is_true(&watched, &sim) && known(&watched).unwrap().1.is_some()
    })
    .await;
    assert_eq!(watched.reader.drift(), 0, "no event was lost that the comparison found");
}

/// On two threads: the task that makes changes must not delay the watcher.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_containers_are_created_and_removed_at_once() {
    let (sim, watched) = watch(5).await;
    let image = sim.truth().containers[0].image.clone();
    let body = serde_json::json!({ "Image": image }).to_string();
    let (sim, body) = (&sim, &body);
    let count = |wanted: usize| watched.until("the count is right", move |state| state.containers().count() == wanted);
    let made = stream::iter(0..1_000).map(|n| async move {
        ask(sim.url(), "POST", &format!("/containers/create?name=one-of-many-{n}"), body).await.0
    });
    assert!(made.buffer_unordered(50).all(async |status| status == 201).await);
    count(1_005).await;
    let gone = stream::iter(0..1_000)
        .map(|n| async move { ask(sim.url(), "DELETE", &format!("/containers/one-of-many-{n}"), "").await.0 });
    assert!(gone.buffer_unordered(50).all(async |status| status == 204).await);
    count(5).await;
    eventually(TIMEOUT, "the state is the truth", async || is_true(&watched, sim)).await;
    assert_eq!(watched.reader.drift(), 0);
}

#[tokio::test]
async fn container_flapping_50_times_a_second_ends_in_its_actual_state() {
    let (sim, watched) = watch(5).await;
    let id = create(&sim, "flapping", &serde_json::json!({})).await;
    act(&sim, &id, "start").await;
    let mut ticks = interval(Duration::from_millis(20));
    for n in 0..100 {
        ticks.tick().await;
        act(&sim, &id, if n % 2 == 0 { "pause" } else { "unpause" }).await;
    }
    act(&sim, &id, "pause").await;
    watched.until_container("flapping", |it| it.state == ContainerState::Paused).await;
    eventually(TIMEOUT, "the state is the truth", async || is_true(&watched, &sim)).await;
    assert_eq!(watched.reader.drift(), 0);
}

#[tokio::test]
async fn silent_event_stream_is_reconciled_and_resumes() {
    let (sim, watched) = watch(10).await;
    let id = create(&sim, "before-silence", &serde_json::json!({})).await;
    watched.until_container("before-silence", |_| true).await;
    sim.faults().switch_on(Fault::new(Kind::Hang).on("/events"));
    act(&sim, &id, "rename?name=in-silence").await;
    watched.until_container("in-silence", |_| true).await;
    assert!(is_reachable(&watched));
    sim.faults().switch_all_off();
    let drift = watched.reader.drift();
    act(&sim, &id, "rename?name=after-silence").await;
    watched.until_container("after-silence", |_| true).await;
    eventually(TIMEOUT, "the state is the truth", async || is_true(&watched, &sim)).await;
    assert_eq!((drift, watched.reader.drift()), (1, 1), "only what happened in silence had been missed");
}

#[tokio::test]
async fn lost_events_are_repaired_and_drift_counts_each_container_once() {
    let sim = simulate(10).await;
    let server = TestServer::reconciling(sim.url(), RECONCILE).await;
    let watched = Watched::reconciling(sim.url(), RECONCILE).await;
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(create(&sim, &format!("lost-{n}"), &serde_json::json!({})).await);
    }
    for id in &ids[7..] {
        act(&sim, id, "start").await;
    }
    eventually(TIMEOUT, "all is known", async || is_true(&watched, &sim)).await;
    assert_eq!(watched.reader.drift(), 0);
    // Also wait for the server: a read triggered by a start must not see the pause after it.
    let started = async || {
        let state: serde_json::Value =
            serde_json::from_str(&ask(&server.url(), "GET", "/api/state", "").await.1).unwrap();
        let containers = state["data"]["containers"].as_array().unwrap();
        ids[7..].iter().all(|id| {
            containers.iter().any(|it| it["id"] == **id && it["restart_count"] == 0 && it["state"] == "running")
        })
    };
    eventually(TIMEOUT, "the server knows all", started).await;
    // A start also emits the network's connect event: both are lost. A pause emits one event only.
    for action in ["start", "connect"] {
        sim.faults().switch_on(Fault::new(Kind::DropEvent).of_action(action).times(4));
    }
    for action in ["rename", "pause"] {
        sim.faults().switch_on(Fault::new(Kind::DropEvent).of_action(action).times(3));
    }
    for id in &ids[..4] {
        act(&sim, id, "start").await;
    }
    for id in &ids[4..7] {
        act(&sim, id, &format!("rename?name=renamed-{}", &id[..8])).await;
    }
    for id in &ids[7..] {
        act(&sim, id, "pause").await;
    }
    let truth = sim.truth();
    let containers: BTreeSet<_> = truth.dropped.iter().filter(|it| ids.contains(&it.id)).map(|it| &it.id).collect();
    assert_eq!((truth.dropped.len(), containers.len()), (14, 10));
    eventually(REPAIR, "the state is the truth", async || is_true(&watched, &sim)).await;
    let lists = || sim.truth().requests["GET /containers/json"];
    let so_far = lists();
    eventually(REPAIR, "it was looked at again", async || lists() > so_far + 6).await;
    assert_eq!(watched.reader.drift(), 10);
    let health = async || ask(&server.url(), "GET", "/healthz", "").await.1;
    eventually(REPAIR, "the server says the same", async || health().await.contains("\"drift\":10")).await;
    server.stop().await;
}

#[tokio::test]
async fn awkward_labels_arrive_unchanged_in_both_encodings() {
    let sim = simulate(3).await;
    let server = TestServer::at(sim.url(), &[]).await;
    let long = "é\"\\".repeat(16 * 1024);
    let labels = serde_json::json!({
        "quotes": "\"double\" 'single' `back` \\ \n\t\u{0}", "emoji 🐳": "👩‍👩‍👧‍👦 🐳", "rtl": "\u{202e}مرحبا שלום",
        "script": "</script><script>alert(1)</script>", "long": long, "": "",
    });
    let mut early = Client::connect(&server).await;
    early.until(None, |message| message["type"] == "engine_state_update").await;
    let id = create(&sim, "awkward", &labels).await;
    // In a diff, in JSON.
    let holds = |message: &serde_json::Value, path: &str| {
        message.pointer(path).and_then(|it| it.as_array()).into_iter().flatten().any(|it| {
            let it = if it["op"] == "put" { &it["value"] } else { it };
            it["id"] == id.as_str() && it["labels"] == labels
        })
    };
    early.until(None, |message| holds(message, "/data/changes")).await;
    // In the complete state.
    let mut late = Client::connect(&server).await;
    late.until(None, |message| holds(message, "/data/containers")).await;
    // In the binary encoding.
    let expected: quaylight::model::Labels = serde_json::from_value(labels.clone()).unwrap();
    let is_it = |it: &Container| it.id.as_str() == id && it.labels == expected;
    let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
    let protocol = HeaderValue::from_static(Encoding::Postcard.subprotocol());
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let mut socket = connect_async(request).await.unwrap().0;
    let found = async {
        while let Some(Ok(message)) = socket.next().await {
            let Message::Binary(bytes) = message else { continue };
            let entities: Vec<Entity> = match binary::decode_server(&bytes).unwrap().0 {
                ServerFrame::EngineStateUpdate(part) => part.entities,
                ServerFrame::EngineStateDiff(diff) => {
                    let puts = diff.changes.into_iter();
                    puts.filter_map(|it| if let PackedChange::Put(it) = it { Some(it) } else { None }).collect()
                }
                _ => Vec::new(),
            };
            if entities.iter().filter_map(Entity::as_container).any(|it| is_it(it)) {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(REPAIR, found).await.expect("it comes"));
    // The page escapes all of it.
    let page = Raw::get(&server.url(), "/containers").await.whole().await;
    assert!(page.contains("awkward") && !page.contains("<script>alert"), "the page is safe");
    drop((early, late, socket));
    server.stop().await;
}
