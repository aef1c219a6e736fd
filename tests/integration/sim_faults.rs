//! Faults of the simulator, each as received on a bare connection.

use crate::raw_http::{Raw, ask};
use quaylight::sim::{
    Options, Running, Sim,
    faults::{Fault, Kind},
};
use serde_json::Value;
use std::time::{Duration, Instant};

async fn simulate() -> Running {
    Sim::start(Options { containers: 6, ..Options::default() }).await.unwrap()
}

async fn with(fault: Fault) -> Running {
    let sim = simulate().await;
    sim.faults().switch_on(fault);
    sim
}

/// An open event stream.
async fn events(sim: &Running) -> Raw {
    let mut stream = Raw::get(sim.url(), "/v1.41/events").await;
    stream.until("\r\n\r\n").await;
    stream
}

/// Causes one event.
async fn tag(sim: &Running, name: &str) {
    let image = sim.truth().images[0].id.clone();
    let (status, body) = ask(sim.url(), "POST", &format!("/images/{image}/tag?repo={name}"), "").await;
    assert_eq!(status, 201, "{body}");
}

#[tokio::test]
async fn refused_request_receives_no_bytes() {
    let sim = with(Fault::new(Kind::Refuse).times(1)).await;
    assert_eq!(Raw::get(sim.url(), "/version").await.whole().await, "");
    assert_eq!(ask(sim.url(), "GET", "/version", "").await.0, 200);
}

#[tokio::test]
async fn hanging_engine_is_silent_and_resumes_its_event_stream() {
    let sim = simulate().await;
    let mut stream = events(&sim).await;
    sim.faults().switch_on(Fault::new(Kind::Hang));
    let mut asked = Raw::get(sim.url(), "/version").await;
    sim.faults().switch_on(Fault::new(Kind::Flood));
    assert!(asked.is_silent().await && stream.is_silent().await);
    sim.faults().switch_all_off();
    stream.until("\"Action\":\"update\"").await;
    assert_eq!(ask(sim.url(), "GET", "/version", "").await.0, 200);
}

#[tokio::test]
async fn fault_ends_after_its_duration() {
    let sim = with(Fault::new(Kind::Status).lasting(Duration::from_millis(50))).await;
    while ask(sim.url(), "GET", "/version", "").await.0 == 500 {}
    assert_eq!(ask(sim.url(), "GET", "/version", "").await.0, 200);
}

#[tokio::test]
async fn silent_headers_fault_sends_headers_without_a_body() {
    let sim = with(Fault::new(Kind::SilentHeaders).on("/containers/json")).await;
    let mut answer = Raw::get(sim.url(), "/v1.41/containers/json").await;
    answer.until("\r\n\r\n").await;
    assert!(answer.text().starts_with("HTTP/1.1 200"));
    assert!(answer.is_silent().await);
}

#[tokio::test]
async fn status_fault_affects_only_its_path_as_often_as_configured() {
    let fault = Fault { status: Some(503), message: Some("no space left".into()), ..Fault::new(Kind::Status) };
    let sim = with(fault.on("/images").times(2)).await;
    assert_eq!(ask(sim.url(), "GET", "/containers/json", "").await.0, 200);
    for _ in 0..2 {
        let (status, body) = ask(sim.url(), "GET", "/v1.41/images/json", "").await;
        assert_eq!((status, body.trim()), (503, r#"{"message":"no space left"}"#));
    }
    assert_eq!(ask(sim.url(), "GET", "/images/json", "").await.0, 200);
}

#[tokio::test]
async fn half_fault_sends_half_of_the_announced_body() {
    let sim = with(Fault::new(Kind::Half).times(1)).await;
    let text = Raw::get(sim.url(), "/containers/json?all=1").await.whole().await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|it| it.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let length: usize = length.unwrap().parse().unwrap();
    assert_eq!(body.len(), length / 2);
    assert!(serde_json::from_str::<Value>(body).is_err());
}

#[tokio::test]
async fn half_fault_truncates_an_event_and_ends_the_stream() {
    let sim = simulate().await;
    let stream = events(&sim).await;
    sim.faults().switch_on(Fault::new(Kind::Half).on("/events").times(1));
    tag(&sim, "half").await;
    let text = stream.whole().await;
    assert!(text.contains("\"Type\":\"image\"") && !text.contains("timeNano"), "{text}");
    assert!(!text.ends_with("0\r\n\r\n"), "{text}");
}

#[tokio::test]
async fn slow_body_is_throttled() {
    let fault = Fault { bytes_per_second: Some(2_000), ..Fault::new(Kind::Slow) };
    let sim = with(fault).await;
    let began = Instant::now();
    let (status, body) = ask(sim.url(), "GET", "/version", "").await;
    let least = Duration::from_secs_f64(body.len() as f64 / 2_000.0 * 0.8);
    assert!(status == 200 && began.elapsed() > least, "{} bytes in {:?}", body.len(), began.elapsed());
}

#[tokio::test]
async fn unknown_enum_fault_affects_list_and_inspect() {
    let sim = with(Fault::new(Kind::UnknownEnum)).await;
    let id = sim.truth().containers[0].id.clone();
    let list: Value = serde_json::from_str(&ask(sim.url(), "GET", "/containers/json?all=1", "").await.1).unwrap();
    let states: Vec<&str> = list.as_array().unwrap().iter().filter_map(|it| it["State"].as_str()).collect();
    assert_eq!(states, ["levitating"; 6]);
    let one = ask(sim.url(), "GET", &format!("/containers/{id}/json"), "").await.1;
    assert_eq!(serde_json::from_str::<Value>(&one).unwrap()["State"]["Status"], "levitating");
}

#[tokio::test]
async fn dropped_events_are_counted_and_never_sent() {
    let sim = simulate().await;
    let mut stream = events(&sim).await;
    sim.faults().switch_on(Fault::new(Kind::DropEvent).of_action("tag").times(1));
    tag(&sim, "lost").await;
    tag(&sim, "heard").await;
    stream.until("heard:latest").await;
    assert!(!stream.text().contains("lost:latest"));
    let repeated = ask(sim.url(), "GET", "/events?since=1&until=1", "").await.1;
    assert!(!repeated.contains("lost:latest"));
    let truth = sim.truth();
    assert_eq!((truth.events_sent, truth.events_dropped), (1, 1));
    assert_eq!((truth.dropped[0].action.as_str(), &truth.dropped[0].id), ("tag", &truth.images[0].id));
}

#[tokio::test]
async fn event_stream_receives_unknown_events_garbage_a_flood_and_an_end() {
    let sim = simulate().await;
    let mut stream = events(&sim).await;
    for fault in [Kind::UnknownEvent, Kind::GarbageLine] {
        sim.faults().switch_on(Fault::new(fault));
    }
    sim.faults().switch_on(Fault::new(Kind::Flood).times(1_000));
    sim.faults().switch_on(Fault::new(Kind::CutEvents));
    stream.until("0\r\n\r\n").await;
    let text = stream.whole().await;
    assert!(text.contains("wormhole") && text.contains("teleport") && text.contains("no event"));
    assert_eq!(text.matches("\"Action\":\"update\"").count(), 1_000);
}

#[tokio::test]
async fn faults_are_controlled_over_http_and_spare_the_control_api() {
    let sim = simulate().await;
    let url = sim.url();
    let faults = r#"[{"fault":"refuse","path":"/images"},{"fault":"hang","path":"/containers"}]"#;
    let (status, listed) = ask(url, "POST", "/_sim/faults", faults).await;
    assert!(status == 200 && listed.contains("\"struck\":0"), "{listed}");
    assert_eq!(Raw::get(url, "/images/json").await.whole().await, "");
    let (_, listed) = ask(url, "GET", "/_sim/faults", "").await;
    assert!(listed.contains(r#""fault":"refuse","path":"/images","struck":1"#), "{listed}");
    assert_eq!(ask(url, "DELETE", "/_sim/faults", "").await.0, 204);
    assert_eq!(ask(url, "GET", "/images/json", "").await.0, 200);
    assert_eq!(ask(url, "POST", "/_sim/faults", r#"{"fault":"refuse","paht":"/x"}"#).await.0, 400);
    assert_eq!(ask(url, "POST", "/_sim/churn", r#"{"per_second":1}"#).await.0, 204);
    let truth: Value = serde_json::from_str(&ask(url, "GET", "/_sim/truth", "").await.1).unwrap();
    assert_eq!(truth["requests"]["GET /images/json"], 2);
}
