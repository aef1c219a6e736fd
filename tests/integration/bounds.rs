//! Server limits on sockets, messages and long responses, and the errors beyond them.

use crate::{
    client_faults::{close_code, upgraded_at},
    raw_http::{Raw, ask, post},
    support::{Docker, TestServer, eventually},
};
use futures::future::join_all;
use quaylight::sim::{Options, Running, Sim};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The server's limit of concurrent uploads, downloads and followed logs.
const BUDGET: usize = 128;

async fn serve() -> (Running, TestServer, String) {
    let sim = Sim::start(Options { containers: 5, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    let id = sim.truth().containers.iter().find(|it| it.state == "running").unwrap().id.clone();
    let logs = format!("/api/containers/{id}/logs?tail=1");
    eventually(TIMEOUT, "it knows the container", async || ask(&server.url(), "GET", &logs, "").await.0 == 200).await;
    (sim, server, id)
}

#[tokio::test]
async fn message_over_64_kib_closes_every_kind_of_socket() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let name = docker.create("spoken-to", &[]).await;
    docker.run(&["start", &name]).await;
    let id = docker.run(&["inspect", "--format", "{{.Id}}", &name]).await;
    let logs = format!("/api/containers/{id}/logs?tail=1");
    eventually(TIMEOUT, "it knows the container", async || ask(&server.url(), "GET", &logs, "").await.0 == 200).await;
    for path in ["/ws".to_owned(), format!("/ws/logs?ids={id}"), format!("/ws/terminal?id={id}")] {
        let mut socket = upgraded_at(&server, &path, 64 * 1024).await;
        // The header of a masked message of 65,537 bytes, without any payload.
        socket.write_all(&[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4]).await.unwrap();
        let closed = timeout(TIMEOUT, close_code(&mut socket)).await.expect("it is closed");
        assert_eq!(closed.unwrap(), 1009, "{path}");
    }
    server.stop().await;
}

async fn is_dropped(socket: &mut TcpStream) {
    let mut unread = vec![0; 64 * 1024];
    while socket.read(&mut unread).await.is_ok_and(|length| length > 0) {}
}

#[tokio::test]
async fn log_client_that_answers_no_ping_is_dropped() {
    let (_sim, server, id) = serve().await;
    let mut deaf = upgraded_at(&server, &format!("/ws/logs?ids={id}"), 64 * 1024).await;
    let dropped = timeout(Duration::from_secs(45), is_dropped(&mut deaf)).await;
    dropped.expect("it is dropped with the second ping, after 40 s");
    server.stop().await;
}

#[tokio::test]
async fn idle_quiet_socket_is_dropped_after_ten_minutes() {
    let (_sim, server, _) = serve().await;
    let mut quiet = upgraded_at(&server, "/ws?quiet=true", 64 * 1024).await;
    // From here on, time advances as soon as all tasks are idle.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let dropped = timeout(Duration::from_secs(3_600), is_dropped(&mut quiet)).await;
    dropped.expect("it is dropped");
    assert!(begun.elapsed() >= Duration::from_secs(580), "not before: {:?}", begun.elapsed());
}

#[tokio::test]
async fn followed_logs_beyond_the_limit_get_503_until_slots_are_free() {
    let (_sim, server, id) = serve().await;
    let url = server.url();
    let follow = format!("/api/containers/{id}/logs?tail=1&follow=true");
    let followed = join_all((0..BUDGET).map(|_| async {
        let mut log = Raw::get(&url, &follow).await;
        log.until(" 200 ").await;
        log
    }))
    .await;
    let (status, body) = ask(&url, "GET", &follow, "").await;
    assert_eq!(status, 503);
    assert!(body.contains("Too many transfers") && body.contains("Wait for a task to finish"), "{body}");
    // An upload is refused too, after it has been sent.
    let upload = format!("/api/containers/{id}/files?path=/&name=file");
    let (status, body) = post(&url, &upload, "application/octet-stream", &vec![7; 4 << 20]).await;
    assert!(status == 503 && body.contains("Too many transfers"), "{status} {body}");
    // Short responses are still served.
    assert_eq!(ask(&url, "GET", "/api/state", "").await.0, 200);
    drop(followed);
    let short = format!("/api/containers/{id}/logs?tail=1");
    eventually(TIMEOUT, "places come back", async || ask(&url, "GET", &short, "").await.0 == 200).await;
    server.stop().await;
}
