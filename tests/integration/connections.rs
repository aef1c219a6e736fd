//! TCP connections that send no request, or half of one: their cost and their timeouts.

use crate::{
    live::Client,
    raw_http::{Raw, ask},
    server_process::ServerProcess,
    support::{TestServer, eventually},
};
use quaylight::sim::{Options, Sim};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream as BlockingStream,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout of a partial request, as promised in product.md.
const HALF_REQUEST: Duration = Duration::from_secs(15);

const IDLE: u64 = 2_000;

/// Memory limit for each idle connection.
const MOST_BYTES: u64 = 30_000;

async fn serve() -> (quaylight::sim::Running, TestServer) {
    let sim = Sim::start(Options { containers: 3, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    (sim, server)
}

/// Anonymous memory of this process.
fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

async fn open_connections(server: &TestServer) -> u64 {
    let metrics = ask(&server.url(), "GET", "/metrics", "").await.1;
    let value = metrics.lines().find_map(|line| line.strip_prefix("quaylight_connections ")).unwrap();
    value.parse().unwrap()
}

/// The clients are blocking sockets: each costs this process a file descriptor and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_use_little_memory_and_are_closed() {
    let (_sim, server) = serve().await;
    // The first request's one-time allocations are no cost of a connection.
    ask(&server.url(), "GET", "/healthz", "").await;
    let before = anonymous_bytes();
    let began = Instant::now();
    let address = server.address;
    let clients = tokio::task::spawn_blocking(move || {
        (0..IDLE).map(|_| BlockingStream::connect(address).unwrap()).collect::<Vec<_>>()
    });
    let clients = clients.await.unwrap();
    eventually(TIMEOUT, "all are accepted", async || open_connections(&server).await > IDLE).await;
    let each = anonymous_bytes().saturating_sub(before) / IDLE;
    eprintln!("{each} bytes for each of {IDLE} idle connections");
    assert!(each <= MOST_BYTES, "{each} bytes for each of {IDLE} idle connections");
    eventually(HALF_REQUEST, "all are closed", async || open_connections(&server).await < 10).await;
    eprintln!("closed after {:?}", began.elapsed());
    drop(clients);
    server.stop().await;
}

/// Whether the server closes the connection within the timeout, with or without a response.
async fn is_ended(mut stream: TcpStream) -> bool {
    let mut answer = Vec::new();
    timeout(HALF_REQUEST, stream.read_to_end(&mut answer)).await.is_ok()
}

#[tokio::test]
async fn incomplete_request_times_out_within_15_s() {
    let (_sim, server) = serve().await;
    let host = server.address.to_string();
    let half = async |sent: String| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        is_ended(stream).await
    };
    let kept_alive = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let head = format!("GET /containers HTTP/1.1\r\nHost: {host}\r\nX-Slow: ");
    let json = "Content-Type: application/json\r\nContent-Length: 100";
    let body = format!("POST /api/actions/container.stop HTTP/1.1\r\nHost: {host}\r\n{json}\r\n\r\n{{\"target\"");
    let after_one = format!("{kept_alive}GET /hea");
    let ended = tokio::join!(half(String::new()), half(head), half(body), half(after_one), half(kept_alive));
    assert_eq!(ended, (true, true, true, true, true));
    server.stop().await;
}

/// 5,000 connections with half a request each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_beyond_the_limit_are_refused_and_earlier_clients_are_unaffected() {
    const HALF_OPEN: usize = 5_000;
    const OPEN_FILES: u32 = 3_000;
    rlimit::increase_nofile_limit(2 * HALF_OPEN as u64).unwrap();
    let (sim, folder) = (Sim::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
    let server = ServerProcess::start_with_open_files(OPEN_FILES, sim.url(), folder.path());
    let address = server.url.trim_start_matches("tcp://").to_owned();
    let mut client = Client::connect_to(&address).await;
    let renamed = async |client: &mut Client, name: &str| {
        let began = Instant::now();
        let path = format!("/containers/{}/rename?name={name}", sim.truth().containers[0].id);
        assert_eq!(ask(sim.url(), "POST", &path, "").await.0, 204);
        client.until(None, |message| message.to_string().contains(&format!("\"{name}\""))).await;
        began.elapsed()
    };
    renamed(&mut client, "before").await;
    let memory = server.anonymous_memory();
    let half_open = tokio::task::spawn_blocking(move || {
        let open = |_| {
            let mut stream = BlockingStream::connect(&address).unwrap();
            // A refused one may be closed already.
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").ok();
            stream.set_nonblocking(true).unwrap();
            stream
        };
        (0..HALF_OPEN).map(open).collect::<Vec<_>>()
    });
    let half_open = half_open.await.unwrap();
    let during = renamed(&mut client, "during").await;
    // 512 files are for other uses, and the client has one of the others.
    let limit = OPEN_FILES as usize - 512 - 1;
    let refused = || {
        let waits = |mut stream: &BlockingStream| {
            stream.read(&mut [0; 64]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        half_open.iter().filter(|stream| !waits(stream)).count()
    };
    // The last ones may still be in the accept queue.
    let all_accepted = async || refused() >= HALF_OPEN - limit;
    eventually(HALF_REQUEST / 2, "all are accepted or refused", all_accepted).await;
    let refused = refused();
    let memory = server.anonymous_memory().saturating_sub(memory);
    eprintln!("{refused} of {HALF_OPEN} refused; {memory} MB more; a change arrives after {during:?}");
    assert!(refused < HALF_OPEN - limit / 2, "{refused}");
    assert!(memory * 1_000_000 <= limit as u64 * MOST_BYTES, "{memory} MB");
    assert!(during < Duration::from_secs(1), "{during:?}");
    eventually(HALF_REQUEST, "new clients are served again", async || {
        ask(&server.url, "GET", "/healthz", "").await.0 == 200
    })
    .await;
    renamed(&mut client, "after").await;
}

#[tokio::test]
async fn endless_request_header_is_refused() {
    let (_sim, server) = serve().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nX-Long: ").await.unwrap();
    let flood = async {
        let piece = [b'x'; 4096];
        while stream.write_all(&piece).await.is_ok() {}
    };
    timeout(TIMEOUT, flood).await.expect("the server stops to take more");
    // Other clients are still served.
    assert_eq!(ask(&server.url(), "GET", "/healthz", "").await.0, 200);
    server.stop().await;
}

/// A request in progress completes, and a kept-alive connection does not delay the server's shutdown.
#[tokio::test]
async fn shutdown_does_not_wait_for_idle_connections() {
    let (_sim, server) = serve().await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    let mut stream = Raw::get(&server.url(), "/api/stream").await;
    stream.until("engine_state_update").await;
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(idle);
}
