//! Automatic removal of Quaylight's own containers, and of no others, whatever their labels are.

use crate::{
    raw_http::ask,
    support::{Docker, TestServer, eventually},
};
use serde_json::{Value, json};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(15);

const LEDGER: &str = "own-containers.json";

async fn is_there(docker: &Docker, id: &str) -> bool {
    docker.run(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &format!("id={id}")]).await == id
}

async fn inspected_id(docker: &Docker, name: &str) -> String {
    docker.run(&["inspect", "--format", "{{.Id}}", name]).await
}

/// The label alone was enough once, so any user who may start containers could have had one removed with its volumes.
#[tokio::test]
async fn label_alone_does_not_make_a_container_a_probe() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let theirs = docker.create("theirs", &["--label", "quaylight.probe=true"]).await;
    let id = inspected_id(&docker, &theirs).await;
    for step in ["start", "rename", "stop", "remove"] {
        let body = json!({ "id": id }).to_string();
        let headers = "Content-Type: application/json\r\n";
        let path = format!("/api/probe/{step}");
        let answer =
            crate::raw_http::Raw::post_with(&server.url(), &path, headers, body.as_bytes()).await.whole().await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{step}: {answer}");
    }
    let state = docker.run(&["inspect", "--format", "{{.Name}} {{.State.Status}}", &id]).await;
    assert_eq!(state, format!("/{theirs} created"));
    server.stop().await;
}

async fn probe(server: &TestServer) -> String {
    let headers = "Content-Type: application/json\r\n";
    let raw = crate::raw_http::Raw::post_with(&server.url(), "/api/probe/create", headers, b"{}").await;
    let answer = raw.whole().await;
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    serde_json::from_str::<Value>(body).unwrap_or_else(|_| panic!("{answer}"))["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn next_server_removes_only_the_containers_of_a_killed_server() {
    let docker = Docker::new();
    let labels = ["--label", "quaylight.probe=true", "--label", "quaylight.helper=files"];
    let theirs = inspected_id(&docker, &docker.create("theirs", &labels).await).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let first = TestServer::in_folder(folder).await;
    eventually(TIMEOUT, "the engine to be known", async || {
        ask(&first.url(), "GET", "/api/state", "").await.1.contains("\"arch\":\"")
    })
    .await;
    let probe = probe(&first).await;
    assert!(is_there(&docker, &probe).await);
    let kept = std::fs::read(path.join(LEDGER)).unwrap();
    first.stop().await;

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(LEDGER), kept).unwrap();
    let path = folder.path().to_owned();
    let second = TestServer::in_folder(folder).await;
    eventually(TIMEOUT, "the probe to be removed", async || !is_there(&docker, &probe).await).await;
    eventually(TIMEOUT, "it to be forgotten", async || std::fs::read(path.join(LEDGER)).unwrap() == b"[]").await;
    assert!(is_there(&docker, &theirs).await, "it has the labels, but the server did not create it");
    second.stop().await;
}
