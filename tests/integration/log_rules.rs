//! Log rules for containers whose logs can't be read.

use crate::{
    raw_http::post,
    requests::rule,
    support::{TestServer, eventually},
};
use quaylight::{
    actions::alerts::ChangeAlerts,
    model::{AlertChange, Condition},
    sim::{
        Options, Sim,
        faults::{Fault, Kind},
    },
};
use std::time::{Duration, Instant};

/// Each log used to be read again once a second: the fourth time after three seconds.
#[tokio::test]
async fn unreadable_logs_are_retried_after_one_two_and_four_seconds() {
    let sim = Sim::start(Options { containers: 20, ..Options::default() }).await.unwrap();
    let running: Vec<_> = sim.truth().containers.into_iter().filter(|it| it.state == "running").collect();
    for it in &running {
        sim.faults().switch_on(Fault::new(Kind::Status).on(&format!("/containers/{}/logs", it.id)));
    }
    let server = TestServer::at(sim.url(), &[]).await;
    let rule = rule("panics", Condition::Log { text: "panic".into() });
    let body = postcard::to_allocvec(&ChangeAlerts { change: AlertChange::PutRule(rule) }).unwrap();
    let begun = Instant::now();
    let (status, answer) = post(&server.url(), "/actions/alerts", "application/x-postcard", &body).await;
    assert_eq!(status, 200, "{answer}");
    let tried = async || sim.faults().list().iter().map(|it| it.struck).collect::<Vec<_>>();
    eventually(Duration::from_secs(30), "each log is tried for the fourth time", async || {
        let tried = tried().await;
        tried.len() == running.len() && tried.iter().all(|times| *times >= 4)
    })
    .await;
    assert!(begun.elapsed() >= Duration::from_secs(6), "already after {:?}: {:?}", begun.elapsed(), tried().await);
    server.stop().await;
}
