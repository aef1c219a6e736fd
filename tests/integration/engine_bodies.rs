//! Engine responses that never end, and engines that vanish without closing their connections.

use crate::{
    raw_http::{Raw, ask},
    stalling::Wire,
    support::{RECONCILE, TestServer, Watched, eventually},
};
use quaylight::sim::{
    Options, Running, Sim,
    faults::{Fault, Kind},
};
use std::time::Duration;

/// The longest timeouts are those of lists (15 s) and reads (10 s).
const TIMEOUT: Duration = Duration::from_secs(45);

async fn simulate() -> Running {
    Sim::start(Options { containers: 5, ..Options::default() }).await.unwrap()
}

/// The watcher waited forever for the end of the error message.
#[tokio::test]
async fn error_response_with_an_endless_body_is_an_error() {
    for bytes_per_second in [10, 10_000_000] {
        let sim = simulate().await;
        let watched = Watched::reconciling(sim.url(), RECONCILE).await;
        let endless = Fault { bytes_per_second: Some(bytes_per_second), ..Fault::new(Kind::Endless) };
        sim.faults().switch_on(endless.on("/events"));
        sim.faults().switch_on(Fault::new(Kind::CutEvents));
        let reachable = || watched.reader.look(|state| state.hosts().any(|host| host.is_reachable()));
        eventually(TIMEOUT, "engine unreachable", async || !reachable()).await;
        // By then it has received the endless response.
        let struck = || sim.faults().list().iter().map(|it| it.struck).sum::<u64>();
        eventually(TIMEOUT, "it asks again and again", async || struck() >= 2).await;
        sim.faults().switch_all_off();
        eventually(TIMEOUT, "the engine is back", async || reachable()).await;
    }
}

#[tokio::test]
async fn followed_log_ends_when_its_host_becomes_unreachable() {
    let sim = simulate().await;
    let wire = Wire::to(sim.url()).await;
    let server = TestServer::reconciling(wire.url(), Duration::from_secs(1)).await;
    let id = sim.truth().containers.iter().find(|it| it.state == "running").unwrap().id.clone();
    let short = format!("/api/containers/{id}/logs?tail=1");
    eventually(TIMEOUT, "it knows the container", async || ask(&server.url(), "GET", &short, "").await.0 == 200).await;
    let mut log = Raw::get(&server.url(), &format!("{short}&follow=true")).await;
    log.until(" 200 ").await;
    wire.stall(true);
    assert!(log.ends_within(TIMEOUT).await, "it goes on: {}", log.text());
    assert!(!log.text().ends_with("0\r\n\r\n"), "it is not whole");
    wire.stall(false);
    eventually(TIMEOUT, "it is back", async || ask(&server.url(), "GET", &short, "").await.0 == 200).await;
    server.stop().await;
}

/// The upload fails together with the engine: the reported cause is the engine, not the upload.
#[tokio::test]
async fn upload_to_a_lost_engine_reports_the_engine_failure() {
    let sim = simulate().await;
    let wire = Wire::to(sim.url()).await;
    let server = TestServer::reconciling(wire.url(), Duration::from_secs(1)).await;
    let id = sim.truth().containers.iter().find(|it| it.state == "running").unwrap().id.clone();
    let files = format!("/api/containers/{id}/files?path=/");
    eventually(TIMEOUT, "it knows the container", async || ask(&server.url(), "GET", &files, "").await.0 == 200).await;
    let length = "Content-Length: 1000000\r\n";
    let mut upload = Raw::head_only(&server.url(), "POST", &format!("{files}&name=kept"), length).await;
    let says = async |words: &str| ask(&server.url(), "GET", "/api/tasks", "").await.1.contains(words);
    eventually(TIMEOUT, "it uploads", async || says("Uploading").await).await;
    wire.stall(true);
    let reason = "Connection to the engine failed";
    eventually(TIMEOUT, "it fails for the engine", async || says(reason).await).await;
    upload.until(reason).await;
    server.stop().await;
}

/// For each connection to this port, whether its TCP keepalive timer runs.
fn keepalive_timers(port: u16) -> Vec<bool> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let established = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = established.filter(|it| it[2].ends_with(&format!(":{port:04X}")) && it[3] == "01");
    // 1 is a retransmission, 2 the keepalive.
    ours.map(|it| it[5].starts_with("02")).collect()
}

#[tokio::test]
async fn remote_engine_connections_use_tcp_keepalive() {
    let sim = simulate().await;
    let watched = Watched::start(sim.url()).await;
    let port = sim.url().rsplit(':').next().unwrap().parse().unwrap();
    eventually(TIMEOUT, "each connection is watched", async || {
        let timers = keepalive_timers(port);
        !timers.is_empty() && timers.iter().all(|is_on| *is_on)
    })
    .await;
    drop(watched);
}
