//! Secrets of containers and images: masked in every configuration, and each reveal is recorded.

use crate::{
    raw_http::ask,
    support::{Docker, IMAGE, TestServer, eventually, local},
};
use quaylight::model::{ContainerId, ImageId};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

const SECRET: &str = "s3cret";

/// A server function's response as text.
async fn answer(server: &TestServer, path: &str, arguments: &impl Serialize) -> String {
    let body = postcard::to_allocvec(arguments).unwrap();
    let headers = "Content-Type: application/x-postcard\r\nAccept: application/x-postcard\r\n";
    let answer = crate::raw_http::Raw::post_with(&server.url(), path, headers, &body).await.whole().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    answer
}

async fn events_of(server: &TestServer, id: &ContainerId) -> Vec<String> {
    let (_, body) = ask(&server.url(), "GET", &format!("/api/events?entity={id}&by=users"), "").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let events = body["events"].as_array().unwrap().iter();
    events.map(|it| format!("{} {}", it["action"].as_str().unwrap(), it["attributes"]["variable"])).collect()
}

#[tokio::test]
async fn container_secrets_are_masked_and_reveals_are_recorded() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let health = format!("--health-cmd=curl --user admin:{SECRET} localhost");
    let options = ["--env", "TOKEN=s3cret", "--log-driver", "gelf", &health];
    let log = ["--log-opt", "gelf-address=udp://admin:s3cret@127.0.0.1:12201", "--log-opt", "tag=web"];
    let name = docker.create("secretive", &[&options[..], &log[..]].concat()).await;
    let id = ContainerId::new(&docker.run(&["inspect", "--format", "{{.Id}}", &name]).await).unwrap();
    let of = (local(), id.clone());
    for path in ["/queries/inspect", "/queries/recipe"] {
        let response = answer(&server, path, &of).await;
        assert!(response.contains("TOKEN=***") && response.contains("gelf-address"), "{path}: {response}");
        assert!(!response.contains(SECRET), "{path}: {response}");
    }
    assert!(events_of(&server, &id).await.is_empty());

    assert!(answer(&server, "/queries/variable", &(local(), id.clone(), "TOKEN")).await.contains(SECRET));
    let whole = answer(&server, "/queries/recipe_with_secrets", &of).await;
    assert_eq!(whole.matches(SECRET).count(), 3, "{whole}");
    eventually(TIMEOUT, "both reveals to be in the history", async || {
        let events = events_of(&server, &id).await;
        events.len() == 2
            && events.iter().all(|it| it.starts_with("reveal "))
            && events.iter().any(|it| it.contains("TOKEN"))
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn build_secrets_are_masked_in_image_layers() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        &format!("FROM {IMAGE}"),
        "ARG TOKEN=s3cret-default",
        "ENV PASSWORD=s3cret",
        "RUN echo built > /built",
        "SHELL [\"/bin/busybox\", \"sh\", \"-c\"]",
        "RUN echo again > /again",
        "HEALTHCHECK CMD curl --user admin:s3cret localhost",
        "ONBUILD ARG KEY=s3cret",
    ];
    std::fs::write(folder.path().join("Dockerfile"), lines.join("\n")).unwrap();
    let name = format!("{}:1", docker.name("built"));
    let context = folder.path().to_str().unwrap();
    docker
        .run(&["build", "--tag", &name, "--label", &docker.label(), "--build-arg", "TOKEN=s3cret-given", context])
        .await;
    let history = docker.run(&["history", "--no-trunc", "--format", "{{.CreatedBy}}", &name]).await;
    assert!(history.contains("s3cret-given") && history.contains("s3cret-default"), "the engine tells them: {history}");
    let id = ImageId::new(&docker.run(&["inspect", "--format", "{{.Id}}", &name]).await).unwrap();
    let response = answer(&server, "/queries/image_details", &(local(), id)).await;
    assert!(response.contains("ARG TOKEN=***") && response.contains("RUN echo built > /built"), "{response}");
    assert!(!response.contains(SECRET), "{response}");
    server.stop().await;
    // Also removes the images of its steps, which have no label to clean up by.
    docker.run(&["rmi", &name]).await;
}
