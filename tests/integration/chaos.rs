//! Chaos test, driven by a seed: the engine changes and fails, connections are cut, and in the end every client has the
//! actual state.
//!
//! Set `QUAYLIGHT_CHAOS_FAULTS=10000` for a long run, `QUAYLIGHT_CHAOS_SEED` to repeat a run.

use crate::{
    drift::{create_quiet, lose},
    followers::{Follower, Transport, get, id_and_text},
    sim,
    stalling::Wire,
    support::{TestServer, eventually},
};
use futures::future::join_all;
use quaylight::sim::{
    Options, Running, Sim,
    faults::{Fault, Kind},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const CONTAINERS: usize = 60;
const CHANGES_PER_SECOND: f64 = 30.0;
const RECONCILE: Duration = Duration::from_secs(1);
const LONGEST_HANG_MS: u64 = 300;

/// Every so many faults, only events are dropped, of containers that nothing else changes: the reconcile finds the
/// changes, and the drift counter counts exactly those.
const CALM_AFTER: u64 = 100;
const LOST_IN_A_CALM: usize = 5;

/// A read without a response times out after 10 s; then follow one reconcile and its allowed second.
const SETTLES_WITHIN: Duration = Duration::from_secs(25);

const NAMES: [&str; 8] = ["refuse", "hang", "status", "half", "cut_events", "garbage_line", "unknown_event", "slow"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_and_clients_converge_on_the_actual_state_after_faults() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let seed = number("QUAYLIGHT_CHAOS_SEED").unwrap_or(7);
    let faults = number("QUAYLIGHT_CHAOS_FAULTS").unwrap_or(400);
    let began = Instant::now();
    let mut random = StdRng::seed_from_u64(seed);
    let sim = Sim::start(Options { containers: CONTAINERS, seed, ..Options::default() }).await.unwrap();
    let quiet = join_all((0..LOST_IN_A_CALM).map(|n| create_quiet(&sim, n))).await;
    let wire = Wire::to(sim.url()).await;
    let server = TestServer::reconciling(wire.url(), RECONCILE).await;
    let transports = [Transport::Socket, Transport::EventStream, Transport::Polling];
    let followers = transports.map(|transport| Follower::start(server.address, transport));
    let all_agree = async || {
        let truth = clients_truth(&sim);
        let state = get(server.address, "/api/state").await;
        state.is_some_and(|it| is_true(&it["data"], &sim)) && followers.iter().all(|it| it.known().containers == truth)
    };
    eventually(SETTLES_WITHIN, "all begin with the truth", all_agree).await;

    sim.set_churn(CHANGES_PER_SECOND);
    let mut struck: BTreeMap<&str, u64> = BTreeMap::new();
    let mut counted = 0;
    for n in 1..=faults {
        if n % CALM_AFTER == 0 {
            sim.faults().switch_all_off();
            // Otherwise the list after the reconnect would repair the state.
            eventually(SETTLES_WITHIN, "the engine is watched", async || is_watched(&server).await).await;
            let (since, drift) = (watched_since(&server).await, drift(&server).await);
            lose(&sim, &quiet, n).await;
            let is_found = async || {
                let state = get(server.address, "/api/state").await.unwrap_or_default();
                let known = words(&state["data"]);
                quiet.iter().all(|id| known.get(id).is_some_and(|it| it.starts_with(&format!("quiet-{n}-"))))
            };
            eventually(SETTLES_WITHIN, "the losses are found", is_found).await;
            // A read that hung before the calm may break the connection during it: the list after a reconnect counts no
            // drift.
            let is_same_watch = watched_since(&server).await == since;
            counted += if is_same_watch { LOST_IN_A_CALM as u64 } else { self::drift(&server).await - drift };
        }
        let name = NAMES[random.random_range(0..NAMES.len())];
        *struck.entry(name).or_default() += 1;
        strike(name, &sim, &wire, &mut random).await;
        if random.random_range(0..10) == 0 {
            followers[random.random_range(0..followers.len())].cut();
        }
        // The interval between faults.
        sleep(Duration::from_millis(random.random_range(5..40))).await;
    }
    sim.set_churn(0.0);
    sim.faults().switch_all_off();
    let calm = Instant::now();
    let settled = eventually(SETTLES_WITHIN, "all agree with the truth", &all_agree);
    if tokio::time::timeout(SETTLES_WITHIN - Duration::from_secs(1), settled).await.is_err() {
        panic!("seed {seed}: {}", differences(&sim, &server, &followers).await);
    }

    let truth = sim.truth();
    let counts = followers.iter().map(|it| {
        let known = it.known();
        assert!(known.gaps.is_empty(), "seed {seed}: {:?}", known.gaps);
        format!("{} diffs {} states {} cuts", known.diffs, known.whole_states, known.cuts)
    });
    eprintln!(
        "chaos: seed {seed}, {faults} faults {struck:?}, {} events sent, {} dropped, revision {}, drift {}; socket, stream, poll: {}; \
         settled in {:.1} s, {:.1} s in all",
        truth.events_sent,
        truth.events_dropped,
        get(server.address, "/healthz").await.unwrap()["revision"],
        drift(&server).await,
        counts.collect::<Vec<_>>().join(", "),
        calm.elapsed().as_secs_f64(),
        began.elapsed().as_secs_f64(),
    );
    assert_eq!(drift(&server).await, counted, "seed {seed}: what was lost counts, and nothing else");
    drop(followers);
    server.stop().await;
}

/// Injects one fault; none lasts longer than a third of a second.
async fn strike(name: &str, sim: &Running, wire: &Wire, random: &mut StdRng) {
    let times = random.random_range(1..4);
    let for_a_moment = Duration::from_millis(random.random_range(20..=LONGEST_HANG_MS));
    let path = ["/containers", "/images", "/events", ""][random.random_range(0..4)];
    let fault = match name {
        "hang" => {
            let for_a_moment = if random.random_range(0..4) == 0 { for_a_moment } else { for_a_moment / 3 };
            wire.stall(true);
            sleep(for_a_moment).await;
            return wire.stall(false);
        }
        "refuse" => Fault::new(Kind::Refuse).on(path).times(times),
        "status" => Fault::new(Kind::Status).on(path).times(times),
        "half" => Fault::new(Kind::Half).on(path).times(1),
        "cut_events" => Fault::new(Kind::CutEvents),
        "garbage_line" => return sim.faults().switch_on(Fault::new(Kind::GarbageLine).times(times)),
        "unknown_event" => return sim.faults().switch_on(Fault::new(Kind::UnknownEvent).times(times)),
        _ => Fault { bytes_per_second: Some(100_000), ..Fault::new(Kind::Slow).on("/containers") },
    };
    sim.faults().switch_on(fault.lasting(for_a_moment));
}

async fn is_watched(server: &TestServer) -> bool {
    get(server.address, "/healthz").await.is_some_and(|it| it["engines"][0]["reachable"] == true)
}

async fn watched_since(server: &TestServer) -> Value {
    get(server.address, "/api/state").await.unwrap()["data"]["hosts"][0]["since"].take()
}

async fn drift(server: &TestServer) -> u64 {
    get(server.address, "/healthz").await.unwrap()["engines"][0]["drift"].as_u64().unwrap()
}

fn clients_truth(sim: &Running) -> BTreeMap<String, String> {
    sim.truth().containers.into_iter().map(|it| (it.id, format!("{} {}", it.name, it.state))).collect()
}

/// Whether the complete state in JSON equals the actual state.
fn is_true(data: &Value, sim: &Running) -> bool {
    words(data) == sim::actual(&sim.truth())
}

/// Like `sim::seen`, for JSON.
fn words(data: &Value) -> BTreeMap<String, String> {
    let of = |kind: &str| data[kind].as_array().into_iter().flatten().cloned().collect::<Vec<_>>();
    let word = |it: &Value, field: &str| it[field].as_str().unwrap_or("-").to_owned();
    let containers = of("containers").into_iter().map(|it| {
        let (id, name_and_state) = id_and_text(&it);
        (id, format!("{name_and_state} {} {}", word(&it, "health"), word(&it, "image")))
    });
    let tags =
        |it: &Value| it["tags"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>().join(" ");
    let images = of("images").into_iter().map(|it| (word(&it, "id"), tags(&it)));
    let volumes = of("volumes").into_iter().map(|it| (format!("volume {}", word(&it, "id")), String::new()));
    let networks = of("networks").into_iter().map(|it| (word(&it, "id"), word(&it, "name")));
    containers.chain(images).chain(volumes).chain(networks).collect()
}

/// Describes which client is wrong about which object.
async fn differences(sim: &Running, server: &TestServer, followers: &[Follower]) -> String {
    let differ = |is: &BTreeMap<String, String>, should: &BTreeMap<String, String>| {
        let wrong = should
            .iter()
            .filter(|(id, it)| is.get(*id) != Some(it))
            .map(|(id, it)| format!("{id}: {:?} is {it}", is.get(id)));
        let extra = is.iter().filter(|(id, _)| !should.contains_key(*id)).map(|(id, it)| format!("{id}: {it} is gone"));
        wrong.chain(extra).collect::<Vec<_>>()
    };
    let state = get(server.address, "/api/state").await.unwrap_or_default();
    let hosts = state["data"]["hosts"].to_string();
    let mut text = format!("server: {:?}, hosts {hosts}", differ(&words(&state["data"]), &sim::actual(&sim.truth())));
    for follower in followers {
        text.push_str(&format!("; client: {:?}", differ(&follower.known().containers, &clients_truth(sim))));
    }
    text
}
