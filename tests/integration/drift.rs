//! Lost events: the drift counter counts each of them and nothing else, even under heavy churn.

use crate::{
    raw_http::ask,
    sim::{actual, seen},
    support::{Watched, eventually},
};
use futures::future::join_all;
use quaylight::sim::{
    Options, Running, Sim,
    faults::{Fault, Kind},
};
use std::{fmt::Display, time::Duration};

const ROUNDS: usize = 10;
const LOST_IN_A_ROUND: usize = 30;
const CHANGES_PER_SECOND: f64 = 100.0;
const RECONCILE: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_counts_exactly_the_lost_events() {
    let sim = Sim::start(Options { containers: 60, ..Options::default() }).await.unwrap();
    let watched = Watched::reconciling(sim.url(), RECONCILE).await;
    // Only the test changes these: no other event makes up for a lost one.
    let quiet = join_all((0..LOST_IN_A_ROUND).map(|n| create_quiet(&sim, n))).await;
    eventually(TIMEOUT, "all is known", async || watched.reader.look(seen) == actual(&sim.truth())).await;

    sim.set_churn(CHANGES_PER_SECOND);
    for round in 1..=ROUNDS {
        // Conditions that must not count as a loss: slow lists, failing reads, unparsable lines.
        sim.faults().switch_on(
            // A tenth of a second: the next list follows after 20 times as long.
            Fault { bytes_per_second: Some(1_000_000), ..Fault::new(Kind::Slow) }.on("/containers/json").times(1),
        );
        sim.faults()
            .switch_on(Fault { method: Some("GET".into()), ..Fault::new(Kind::Status) }.on("/containers/").times(2));
        sim.faults().switch_on(Fault::new(Kind::GarbageLine).times(3));
        lose(&sim, &quiet, round).await;
        assert_eq!(sim.truth().events_dropped, round * LOST_IN_A_ROUND);
        let start = format!("quiet-{round}-");
        let renamed = |watched: &Watched| {
            watched.reader.look(|state| state.containers().filter(|it| it.name.starts_with(&start)).count())
        };
        eventually(TIMEOUT, "the losses are found", async || renamed(&watched) == LOST_IN_A_ROUND).await;
    }
    sim.set_churn(0.0);
    eventually(TIMEOUT, "the state is the truth", async || watched.reader.look(seen) == actual(&sim.truth())).await;
    // Two more reconciles find nothing more.
    let lists = || sim.truth().requests["GET /containers/json"];
    let so_far = lists();
    eventually(TIMEOUT, "it was looked at again", async || lists() >= so_far + 2).await;
    assert_eq!(watched.reader.drift(), u64::try_from(ROUNDS * LOST_IN_A_ROUND).unwrap());
}

/// Creates a container that the churn never changes. Returns its id.
pub async fn create_quiet(sim: &Running, n: usize) -> String {
    let image = sim.truth().containers[0].image.clone();
    let body = serde_json::json!({"Image": image, "Labels": {"quaylight.sim.churn": "false"}}).to_string();
    let (status, body) = ask(sim.url(), "POST", &format!("/containers/create?name=quiet-0-{n}"), &body).await;
    assert_eq!(status, 201, "{body}");
    serde_json::from_str::<serde_json::Value>(&body).unwrap()["Id"].as_str().unwrap().to_owned()
}

/// Drops one event of each container: it is renamed to `quiet-<round>-…`, and no subscriber receives the event.
pub async fn lose(sim: &Running, quiet: &[String], round: impl Display) {
    for id in quiet {
        sim.faults().switch_on(Fault { container: Some(id.clone()), ..Fault::new(Kind::DropEvent) }.times(1));
        let path = format!("/containers/{id}/rename?name=quiet-{round}-{}", &id[..12]);
        let (status, body) = ask(sim.url(), "POST", &path, "").await;
        assert_eq!(status, 204, "{body}");
    }
}
