//! Server run by a user without root rights, as in the recommended deployment.

use crate::{
    raw_http::ask,
    server_process::ServerProcess,
    support::{Docker, IMAGE, engine_url, eventually},
};
use serde_json::Value;
use std::{path::Path, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn container_network_usage_is_reported_without_root() {
    let docker = Docker::new();
    let (name, label) = (docker.name("talking"), docker.label());
    let run = ["run", "--detach", "--name", &name, "--label", &label, "--stop-timeout", "0", IMAGE, "sleep", "600"];
    let id = docker.run(&run).await;
    let gateway = docker.run(&["inspect", "--format", "{{.NetworkSettings.Gateway}}", &id]).await;
    assert!(!gateway.is_empty(), "the engine's default network");
    docker.run(&["exec", &id, "ping", "-c", "2", "-W", "5", &gateway]).await;

    let url = engine_url();
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_without_rights(Path::new(url.trim_start_matches("unix://")), folder.path());
    let sample = async || {
        let answer = ask(&server.url, "GET", &format!("/api/stats?ids={id}"), "").await.1;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        answer["samples"].as_array().and_then(|samples| samples.first().cloned()).unwrap_or_default()
    };
    let is_known = async || {
        let sample = sample().await;
        ["network_rx", "network_tx"].iter().all(|field| sample[field].as_u64().is_some_and(|bytes| bytes >= 100))
    };
    eventually(TIMEOUT, "its network is counted", is_known).await;
    let is_exported = async || {
        let metrics = ask(&server.url, "GET", "/metrics", "").await.1;
        let line = metrics.lines().find(|line| {
            line.starts_with("quaylight_container_network_receive_bytes_total") && line.contains(&id[..12])
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).is_some_and(|bytes| bytes >= 100.0)
    };
    eventually(TIMEOUT, "the metrics say it", is_exported).await;
}
