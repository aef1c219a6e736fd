//! Five hundred downloads that no client reads: each once held a thread and two megabytes, and the history stopped.

use crate::{
    raw_http::{Raw, ask, download},
    server_process::ServerProcess,
    support::eventually,
};
use futures::{StreamExt, future::join_all, stream};
use quaylight::sim::{
    Options, Running, Sim,
    faults::{Fault, Kind},
};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

const DOWNLOADS: usize = 500;

/// The server's limit of long responses; beyond it, the error includes a hint.
const BUDGET: usize = 128;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Requests a file, and reads no more of the response than its status.
async fn unread(url: &str, path: &str) -> (TcpStream, bool) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let host = url.trim_start_matches("tcp://");
    let mut stream = socket.connect(host.parse().unwrap()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    let is_there = match &start {
        b"HTTP/1.1 200" => true,
        b"HTTP/1.1 503" => false,
        other => panic!("{}", String::from_utf8_lossy(other)),
    };
    (stream, is_there)
}

async fn serve(folder: &TempDir) -> (Running, ServerProcess, String) {
    let sim = Sim::start(Options { containers: 5, ..Options::default() }).await.unwrap();
    let server = ServerProcess::start(sim.url(), folder.path());
    let id = sim.truth().containers[0].id.clone();
    let logs = format!("/api/containers/{id}/logs?tail=1");
    eventually(TIMEOUT, "it knows the container", async || ask(&server.url, "GET", &logs, "").await.0 == 200).await;
    (sim, server, format!("/api/containers/{id}/files?path=/large"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_downloads_block_no_thread_and_release_their_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (_sim, server, large) = serve(&folder).await;
    ask(&server.url, "GET", "/api/events?limit=10", "").await;
    let before = server.anonymous_memory();

    let downloads: Vec<_> =
        stream::iter(0..DOWNLOADS).map(|_| unread(&server.url, &large)).buffer_unordered(50).collect().await;
    let there = downloads.iter().filter(|(_, is_there)| *is_there).count();

    let mut took = Vec::new();
    for _ in 0..21 {
        let asked = Instant::now();
        let (status, body) = ask(&server.url, "GET", "/api/events?limit=10", "").await;
        assert!(status == 200 && body.contains("\"events\":["), "{body}");
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    let (threads, memory) = (server.threads(), server.anonymous_memory());
    eprintln!("events after {:?}, {threads} threads, {before} MB before, {memory} MB with {there} unread", took[10]);
    assert!(took[10] < Duration::from_millis(200), "{took:?}");
    assert!(threads <= 40, "{threads} threads");
    assert!(memory < before + 200, "{memory} MB");

    assert_eq!(there, BUDGET);
    let (status, body) = ask(&server.url, "GET", &large, "").await;
    assert!(status == 503 && body.contains("Wait for a task to finish"), "{body}");
    drop(downloads);
    eventually(TIMEOUT, "the memory is given back", async || server.anonymous_memory() <= before + 8).await;
    assert_eq!(download(&server.url, &large).await.len(), 64 << 20, "there is room again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_engine_blocks_no_thread_during_a_download() {
    let folder = tempfile::tempdir().unwrap();
    let (sim, server, large) = serve(&folder).await;
    let archive = large.replace("/api", "").replace("/files?path=/large", "/archive");
    let silent = Fault { method: Some("GET".into()), ..Fault::new(Kind::SilentHeaders) };
    sim.faults().switch_on(silent.on(&archive));
    let asked = join_all((0..100).map(|_| Raw::get(&server.url, &large))).await;
    let struck = || sim.faults().list().iter().map(|it| it.struck).sum::<u64>();
    eventually(TIMEOUT, "all have met the silence", async || struck() == 100).await;
    assert!(server.threads() <= 40, "{} threads", server.threads());
    for answer in asked {
        let text = answer.whole_within(TIMEOUT).await;
        assert!(text.starts_with("HTTP/1.1 504"), "{text}");
    }
}

/// The server gives up the pending write, releases the slot and closes the connection.
#[tokio::test]
async fn unread_download_times_out_after_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let (_sim, server, large) = serve(&folder).await;
    let (unread, is_there) = unread(&server.url, &large).await;
    assert!(is_there);
    let port = unread.local_addr().unwrap().port();
    let is_connected = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let remote = format!(":{port:04X}");
        table.lines().skip(1).any(|line| line.split_whitespace().nth(2).is_some_and(|it| it.ends_with(&remote)))
    };
    assert!(is_connected());
    eventually(Duration::from_secs(90), "the connection is closed", async || !is_connected()).await;
    drop(unread);
}
