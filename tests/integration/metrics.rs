//! `GET /metrics`: checked by promtool, scraped by a real Prometheus, and compared before and after changes.

use crate::{
    client_faults::{create_large, rename, upgraded},
    live::Client,
    prometheus::{Prometheus, promtool_check},
    raw_http::{Raw, ask},
    support::{Docker, TIMEOUT, TestServer, Watched, eventually},
};
use futures::SinkExt;
use quaylight::sim::{Options, Running, Sim};
use serde_json::Value;
use std::collections::BTreeSet;
use tokio_tungstenite::tungstenite::Message;

const DASHBOARD: &str = include_str!("../../docs/grafana-dashboard.json");

async fn metrics(server: &TestServer) -> String {
    let (status, text) = ask(&server.url(), "GET", "/metrics", "").await;
    assert_eq!(status, 200, "{text}");
    text
}

/// The value of the sample with exactly this name and labels.
fn value(metrics: &str, sample: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
}

/// Waits until the sample's value matches.
#[track_caller]
fn until_value(server: &TestServer, sample: &str, wanted: impl Fn(f64) -> bool) -> impl Future<Output = ()> {
    eventually(TIMEOUT, sample, async move || value(&metrics(server).await, sample).is_some_and(&wanted))
}

/// A simulated engine without churn.
async fn quiet_engine(containers: usize) -> (Running, TestServer) {
    let sim = Sim::start(Options { containers, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    until_value(&server, "quaylight_engine_up{host=\"local\"}", |up| up == 1.0).await;
    (sim, server)
}

#[tokio::test]
async fn promtool_accepts_the_exported_metrics() {
    let (_sim, server) = quiet_engine(40).await;
    let mut client = Client::connect(&server).await;
    client.message().await;
    assert_eq!(promtool_check(&metrics(&server).await).await, "");
    server.stop().await;
}

/// Proves that the test above can fail.
#[tokio::test]
async fn promtool_rejects_a_counter_without_total_suffix_and_help() {
    let complaints = promtool_check("# TYPE quaylight_drift counter\nquaylight_drift 1\n").await;
    assert!(complaints.contains("_total") && complaints.contains("no help text"), "{complaints}");
}

#[tokio::test]
async fn prometheus_counts_containers_and_runs_the_dashboard_queries() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let project = docker.name("shop");
    let label = format!("com.docker.compose.project={project}");
    let names = [docker.create("one", &["--label", &label]).await, docker.create("two", &["--label", &label]).await];
    docker.create("three", &[]).await;
    docker.run(&["start", &names[0]]).await;
    let prometheus = Prometheus::looking_at(&server.address.to_string()).await;

    let mine = format!("name=~\".*-{}\"", docker.name("").trim_start_matches('-'));
    for (query, expected) in [
        (format!("count(quaylight_container_state{{{mine}}})"), "3"),
        (format!("count(quaylight_container_state{{{mine},state=\"running\"}})"), "1"),
        (format!("count(quaylight_container_state{{project=\"{project}\"}})"), "2"),
        ("sum(quaylight_containers) - count(quaylight_container_state)".to_owned(), "0"),
    ] {
        eventually(TIMEOUT, &format!("{query} = {expected}"), async || {
            prometheus.query(&query).await.as_deref() == Some(expected)
        })
        .await;
    }
    for query in dashboard_queries() {
        prometheus
            .query(&query.replace("$__rate_interval", "1m").replace("$host", ".*").replace("$project", ".*"))
            .await;
    }
    drop(prometheus);
    server.stop().await;
}

#[tokio::test]
async fn dashboard_uses_only_exported_metrics() {
    let (_sim, server) = quiet_engine(2).await;
    let text = metrics(&server).await;
    let exported: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let queries = dashboard_queries();
    let words = queries.iter().flat_map(|query| query.split(|c| !is_part(c)));
    let named: BTreeSet<&str> = words
        .filter(|word| word.starts_with("quaylight_") || word.starts_with("process_"))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
        .collect();
    assert!(named.len() > 15, "{named:?}");
    let missing: Vec<_> = named.difference(&exported).copied().collect();
    assert_eq!(missing, [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn docs_list_exactly_the_exported_metrics() {
    let (_sim, server) = quiet_engine(2).await;
    let text = metrics(&server).await;
    let exported: BTreeSet<String> =
        text.lines().filter_map(|line| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned())).collect();
    let rows = include_str!("../../docs/metrics.md").lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<String> = rows.map(|row| row.split(['`', '{']).next().unwrap().to_owned()).collect();
    assert_eq!(exported, listed);
    server.stop().await;
}

/// The queries of the dashboard's panels.
fn dashboard_queries() -> Vec<String> {
    fn gather(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| gather(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| gather(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather(&serde_json::from_str(DASHBOARD).unwrap(), &mut found);
    found
}

#[tokio::test]
async fn response_has_a_content_type_and_is_compressed_on_request() {
    let (_sim, server) = quiet_engine(2).await;
    let plain = Raw::get(&server.url(), "/metrics").await.whole().await.to_lowercase();
    assert!(plain.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{plain}");
    assert!(!plain.contains("content-encoding"), "{plain}");
    let zipped =
        Raw::get_with(&server.url(), "/metrics", "Accept-Encoding: gzip\r\n").await.whole().await.to_lowercase();
    assert!(zipped.contains("content-encoding: gzip\r\n"), "{zipped}");
    server.stop().await;
}

#[tokio::test]
async fn connected_clients_are_counted_by_transport() {
    let (_sim, server) = quiet_engine(2).await;
    let clients = |transport: &str| format!("quaylight_clients{{transport=\"{transport}\"}}");
    let socket = Client::connect(&server).await;
    let mut stream = Raw::get(&server.url(), "/api/stream").await;
    stream.until("engine_state_update").await;
    until_value(&server, &clients("websocket"), |count| count == 1.0).await;
    until_value(&server, &clients("sse"), |count| count == 1.0).await;

    let url = server.url();
    // A change in between ends a poll.
    let polling = tokio::spawn(async move {
        loop {
            let (_, health) = ask(&url, "GET", "/healthz", "").await;
            let health: Value = serde_json::from_str(&health).unwrap();
            let poll = format!("/api/state?since={}-{}&wait=30", health["epoch"], health["revision"]);
            Raw::get(&url, &poll).await.whole().await;
        }
    });
    until_value(&server, &clients("polling"), |count| count == 1.0).await;
    assert!(value(&metrics(&server).await, "quaylight_polls_total").is_some_and(|polls| polls >= 1.0));

    drop((socket, stream));
    polling.abort();
    for transport in ["websocket", "sse", "polling"] {
        until_value(&server, &clients(transport), |count| count == 0.0).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn change_latency_is_recorded_once_for_any_number_of_clients() {
    let (sim, server) = quiet_engine(2).await;
    let docker = Docker::simulated(sim.url());
    let mut clients = [Client::connect(&server).await, Client::connect(&server).await];
    for client in &mut clients {
        client.until(None, |message| message["type"] == "engine_state_update").await;
    }
    let count = "quaylight_event_to_send_seconds_count";
    assert_eq!(value(&metrics(&server).await, count), Some(0.0));
    let name = docker.create("seen", &[]).await;
    for client in &mut clients {
        client.until(None, |message| message.to_string().contains(&name)).await;
    }
    let text = metrics(&server).await;
    let (changes, revision) = (value(&text, count).unwrap(), value(&text, "quaylight_state_revision").unwrap());
    // Creating it is an event or two, each sent to both clients.
    assert!((1.0..=revision).contains(&changes), "{text}");
    assert!(value(&text, "quaylight_event_to_send_seconds_sum").unwrap() < 1.0, "{text}");
    server.stop().await;
}

#[tokio::test]
async fn resume_from_another_epoch_is_counted_as_a_resync() {
    let (_sim, server) = quiet_engine(2).await;
    let resyncs = "quaylight_resyncs_total{reason=\"returned\"}";
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message["type"] == "engine_state_update").await;
    assert_eq!(value(&metrics(&server).await, resyncs), Some(0.0));
    client.0.send(Message::text(r#"{"type":"resume","epoch":1,"revision":1}"#)).await.unwrap();
    client.until(None, |message| message["type"] == "engine_state_update").await;
    assert_eq!(value(&metrics(&server).await, resyncs), Some(1.0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_client_is_counted_with_its_skipped_revisions() {
    // More changes than the server keeps for clients that reconnect.
    const MISSED: f64 = 1_200.0;
    // Ten megabytes exceed the kernel's buffers for a client that does not read.
    const LARGE: u32 = 160;
    let (sim, server) = quiet_engine(2).await;
    let (large, small) = (create_large(&sim).await, sim.truth().containers[0].id.clone());
    let mut slow = upgraded(&server, 256 * 1024).await;
    let revision = async || value(&metrics(&server).await, "quaylight_state_revision").unwrap();
    // One after the other: of two simultaneous changes only the last is sent.
    for n in 0..LARGE {
        let before = revision().await;
        rename(&sim, &large, &format!("large-{n}")).await;
        eventually(TIMEOUT, "the change is published", async || revision().await > before).await;
    }
    let (enough, mut n) = (revision().await + MISSED, 0);
    while revision().await < enough {
        for _ in 0..50 {
            n += 1;
            rename(&sim, &small, &format!("small-{n}")).await;
        }
    }
    assert_eq!(value(&metrics(&server).await, "quaylight_lagged_revisions_total"), Some(0.0), "its turn has not come");
    let reading = tokio::spawn(async move { tokio::io::copy(&mut slow, &mut tokio::io::sink()).await });
    // The kernel has doubled the time between its attempts to send while nothing was read.
    let resyncs = "quaylight_resyncs_total{reason=\"slow\"}";
    eventually(std::time::Duration::from_secs(120), resyncs, async || {
        value(&metrics(&server).await, resyncs) == Some(1.0)
    })
    .await;
    until_value(&server, "quaylight_lagged_revisions_total", |count| count > 1_024.0).await;
    reading.abort();
    server.stop().await;
}

#[tokio::test]
async fn engine_calls_are_timed_and_failures_are_counted() {
    let watched = Watched::start(&crate::support::engine_url()).await;
    let missing = quaylight::model::ContainerId::new(&"0".repeat(64)).unwrap();
    assert_eq!(watched.engine.container(&missing).await.unwrap(), None);
    let start = quaylight::model::ContainerAction::Start;
    assert!(watched.engine.act_on_container(&missing, start).await.is_err());
    let calls = watched.engine.calls();
    let of = |name: &str| {
        let (_, measured) = calls.iter().find(|(call, _)| call.name() == name).unwrap();
        (measured.took.is_used(), measured.failed.get())
    };
    assert_eq!(of("container.list"), (true, 0));
    assert_eq!(of("engine.events"), (true, 0));
    assert_eq!(of("container.inspect"), (true, 0), "what is not there is no failure");
    assert_eq!(of("container.remove"), (false, 0));
    let unreachable =
        quaylight::server::engine::Engine::new(crate::support::local(), "unix:///nowhere.sock".parse().unwrap());
    assert!(unreachable.containers().await.is_err());
    let failed = unreachable.calls().iter().find(|(call, _)| call.name() == "container.list").unwrap().1.failed.get();
    assert_eq!(failed, 1);
}
