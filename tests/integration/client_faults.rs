//! Misbehaving clients, which must not affect other clients.

use crate::{
    followers::id_and_text,
    live::Client,
    raw_http::ask,
    support::{TestServer, eventually},
};
use futures::{SinkExt, StreamExt, future::join_all};
use quaylight::{
    model::Timestamp,
    server::clock::Clock,
    sim::{Options, Running, Sim},
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{interval, timeout},
};
use tokio_tungstenite::tungstenite::{Bytes, Message};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The server's limit of open sockets and streams.
const CAP: usize = 2_000;

async fn serve(containers: usize) -> (Running, TestServer) {
    let sim = Sim::start(Options { containers, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    (sim, server)
}

/// A raw socket after its WebSocket upgrade.
pub async fn upgraded(server: &TestServer, receive_buffer: u32) -> TcpStream {
    upgraded_at(server, "/ws", receive_buffer).await
}

pub async fn upgraded_at(server: &TestServer, path: &str, receive_buffer: u32) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(receive_buffer).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// Reads frames until the close frame and returns its code.
pub async fn close_code(stream: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<u16> {
    loop {
        let (kind, short) = (stream.read_u8().await? & 0x0f, stream.read_u8().await?);
        let length = match short {
            126 => u64::from(stream.read_u16().await?),
            127 => stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut body = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut body).await?;
        if kind == 8 {
            return Ok(u16::from_be_bytes([body[0], body[1]]));
        }
    }
}

pub async fn rename(sim: &Running, id: &str, name: &str) {
    let (status, body) = ask(sim.url(), "POST", &format!("/containers/{id}/rename?name={name}"), "").await;
    assert_eq!(status, 204, "{body}");
}

async fn sees(client: &mut Client, name: &str) -> Value {
    let wanted = format!("\"name\":\"{name}\"");
    client.until(None, |message| message.to_string().contains(&wanted)).await
}

/// Waits until the initial inspects are done: otherwise a test would measure them, and a diff might stem from an
/// inspect that read a new name before its event arrived.
async fn all_are_inspected(sim: &Running, server: &TestServer) {
    let all = sim.truth().containers.len();
    let is_whole = async || {
        let body = ask(&server.url(), "GET", "/api/state", "").await.1;
        body.matches("\"restart_policy\":\"").count() >= all
    };
    eventually(TIMEOUT * 3, "all are inspected", is_whole).await;
}

fn container_in(sim: &Running, state: &str) -> String {
    sim.truth().containers.iter().find(|it| it.state == state).unwrap().id.clone()
}

/// Creates a container whose labels make each of its changes larger than a connection's buffers. Returns its id.
pub async fn create_large(sim: &Running) -> String {
    let labels = json!({"Image": sim.truth().containers[0].image, "Labels": {"long": "x".repeat(64 * 1024)}});
    let (status, body) = ask(sim.url(), "POST", "/containers/create?name=large", &labels.to_string()).await;
    assert_eq!(status, 201, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["Id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_delay_no_other_and_are_dropped() {
    let (sim, server) = serve(100).await;
    let id = create_large(&sim).await;
    all_are_inspected(&sim, &server).await;
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message["type"] == "engine_state_update").await;
    let mut deaf = join_all((0..10).map(|_| upgraded(&server, 4 * 1024))).await;
    for n in 0..100 {
        rename(&sim, &id, &format!("large-{n}")).await;
        sees(&mut client, &format!("large-{n}")).await;
    }
    receives_changes_in_time(&sim, &mut client).await;
    // Sends masked empty pings. Writing to a closed socket returns an error.
    let dropped = async {
        for stream in &mut deaf {
            let mut pings = interval(Duration::from_millis(100));
            while stream.write_all(&[0x89, 0x80, 1, 2, 3, 4]).await.is_ok() {
                pings.tick().await;
            }
        }
    };
    timeout(Duration::from_secs(40), dropped).await.expect("they are dropped after 30 s");
    server.stop().await;
}

/// Makes a hundred changes; the client receives each within 50 ms of the engine's event (p95).
async fn receives_changes_in_time(sim: &Running, client: &mut Client) {
    let (small, mut late) = (container_in(sim, "running"), Vec::new());
    let mut pace = interval(Duration::from_millis(20));
    for n in 0..100 {
        pace.tick().await;
        rename(sim, &small, &format!("small-{n}")).await;
        let message = sees(client, &format!("small-{n}")).await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let then: Timestamp = serde_json::from_value(message["engine_time"].clone()).unwrap();
        late.push(i64::try_from(now.as_micros()).unwrap() - then.micros());
    }
    late.sort_unstable();
    let p95 = late[late.len() * 95 / 100];
    eprintln!("p50 {} µs, p95 {p95} µs", late[late.len() / 2]);
    assert!(p95 < 50_000, "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_client_delays_no_other_client() {
    let (sim, server) = serve(100).await;
    all_are_inspected(&sim, &server).await;
    let mut slow = upgraded(&server, 4 * 1024).await;
    let reading = tokio::spawn(async move {
        let mut pace = interval(Duration::from_secs(1));
        while slow.read_u8().await.is_ok() {
            pace.tick().await;
        }
    });
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message["type"] == "engine_state_update").await;
    receives_changes_in_time(&sim, &mut client).await;
    assert!(!reading.is_finished(), "it was there all the time");
    reading.abort();
    server.stop().await;
}

/// Nothing changes here, so nothing is ever queued: only missing pongs reveal a dead client.
#[tokio::test]
async fn only_a_client_that_answers_no_ping_is_dropped() {
    let (_sim, server) = serve(5).await;
    let mut alive = Client::connect(&server).await;
    let mut deaf = upgraded(&server, 64 * 1024).await;
    let dropped = async {
        let mut unread = vec![0; 64 * 1024];
        while deaf.read(&mut unread).await.is_ok_and(|length| length > 0) {}
    };
    tokio::select! {
        dropped = timeout(Duration::from_secs(45), dropped) => dropped.expect("it is dropped with the second ping, after 40 s"),
        // Reading answers pings.
        () = async { while alive.0.next().await.is_some_and(|it| it.is_ok()) {} } => panic!("the other is dropped, too"),
    }
    server.stop().await;
}

#[tokio::test]
async fn garbage_closes_only_the_socket_that_sent_it() {
    let (sim, server) = serve(5).await;
    let mut other = Client::connect(&server).await;
    for (garbage, code) in [
        // An unknown opcode; an unmasked frame; text that is not UTF-8.
        (&[0x83, 0x80, 0, 0, 0, 0][..], 1002),
        (&[0x81, 0x01, b'x'][..], 1002),
        (&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28][..], 1007),
        // A frame header that announces 64 MiB.
        (&[0x81, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4][..], 1009),
    ] {
        let mut stream = upgraded(&server, 64 * 1024).await;
        stream.write_all(garbage).await.unwrap();
        let closed = timeout(TIMEOUT, close_code(&mut stream)).await.expect("it is closed").unwrap();
        assert_eq!(closed, code, "{garbage:x?}");
    }
    let id = container_in(&sim, "running");
    rename(&sim, &id, "after-garbage").await;
    sees(&mut other, "after-garbage").await;
    server.stop().await;
}

#[tokio::test]
async fn message_of_64_mib_is_refused_with_1009_while_being_sent() {
    let (sim, server) = serve(5).await;
    let mut other = Client::connect(&server).await;
    let (mut reading, mut writing) = upgraded(&server, 64 * 1024).await.into_split();
    let send = async {
        let _ = writing.write_all(&[0x82, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]).await;
        for _ in 0..64 {
            if writing.write_all(&vec![7; 1024 * 1024]).await.is_err() {
                return;
            }
        }
    };
    let (closed, ()) = timeout(TIMEOUT, async { tokio::join!(close_code(&mut reading), send) }).await.unwrap();
    assert_eq!(closed.unwrap(), 1009);
    let id = container_in(&sim, "running");
    rename(&sim, &id, "after-64-mib").await;
    sees(&mut other, "after-64-mib").await;
    server.stop().await;
}

#[tokio::test]
async fn invalid_message_gets_an_error_and_the_socket_stays_open() {
    let (_sim, server) = serve(5).await;
    let mut client = Client::connect(&server).await;
    let garbage = ["", "}{", "null", "[]", "{\"type\":\"dance\"}", "{\"type\":\"resume\",\"epoch\":-1,\"revision\":0}"];
    for text in garbage {
        client.0.send(Message::text(text)).await.unwrap();
        client.until(None, |message| message["type"] == "error").await;
    }
    client.0.send(Message::Binary(Bytes::from_static(&[0xff; 100]))).await.unwrap();
    client.until(None, |message| message["type"] == "error").await;
    client.0.send(Message::text(json!({"type": "ping", "nonce": 9}).to_string())).await.unwrap();
    client.until(None, |message| message["type"] == "pong" && message["nonce"] == 9).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_beyond_the_limit_get_1013_until_slots_are_free() {
    let (_sim, server) = serve(2).await;
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..50 {
        for mut client in join_all((0..100).map(|_| Client::connect(&server))).await {
            match timeout(TIMEOUT, client.0.next()).await.expect("each hears something") {
                Some(Ok(Message::Close(Some(frame)))) => {
                    assert_eq!(u16::from(frame.code), 1013);
                    refused += 1;
                }
                Some(Ok(Message::Text(_))) => open.push(client),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((open.len(), refused), (CAP, 3_000));
    // Other sockets count against the same limit.
    let id = "0".repeat(64);
    let mut logs = upgraded_at(&server, &format!("/ws/logs?ids={id}"), 64 * 1024).await;
    assert_eq!(timeout(TIMEOUT, close_code(&mut logs)).await.unwrap().unwrap(), 1013);
    open.truncate(CAP - 50);
    let mut back = 0;
    let again = async {
        while back < 50 {
            let mut client = Client::connect(&server).await;
            if let Some(Ok(Message::Text(_))) = client.0.next().await {
                back += 1;
                open.push(client);
            }
        }
    };
    timeout(TIMEOUT, again).await.expect("50 places come back");
    drop(open);
    server.stop().await;
}

async fn stop(client: &mut Client, target: &str) -> Value {
    let request = json!({"type": "action", "id": "1", "action": "container.stop", "target": target});
    client.0.send(Message::text(request.to_string())).await.unwrap();
    client.until(None, |message| message["type"] == "ack").await
}

#[tokio::test]
async fn clock_jumps_lose_no_changes() {
    static JUMP: AtomicI64 = AtomicI64::new(0);
    let jumping = Clock::new(|| Timestamp::from_micros(Clock::SYSTEM.now().micros() + JUMP.load(Ordering::Relaxed)));
    let sim = Sim::start(Options { containers: 5, ..Options::default() }).await.unwrap();
    let server = TestServer::clocked(sim.url(), jumping).await;
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message["type"] == "engine_state_update").await;
    let id = container_in(&sim, "running");
    let mut revision = 0;
    for (n, jump) in [-3_600_000_000, 7_200_000_000, -i64::MAX / 2, 0].into_iter().enumerate() {
        JUMP.store(jump, Ordering::Relaxed);
        rename(&sim, &id, &format!("jump-{n}")).await;
        let received = sees(&mut client, &format!("jump-{n}")).await["to"].as_u64().unwrap();
        assert!(received > revision, "revisions go on");
        revision = received;
        // A client that reconnects resumes from its last revision.
        let (status, body) = ask(&server.url(), "GET", "/api/state", "").await;
        assert!(status == 200 && body.contains(&format!("jump-{n}")), "{body}");
    }
    server.stop().await;
}

#[tokio::test]
async fn action_on_a_removed_container_returns_not_found() {
    let (sim, server) = serve(5).await;
    let mut client = Client::connect(&server).await;
    let id = container_in(&sim, "running");
    let (status, _) = ask(sim.url(), "DELETE", &format!("/containers/{id}?force=1"), "").await;
    assert_eq!(status, 204);
    for target in [id, "0".repeat(64)] {
        let ack = stop(&mut client, &target).await;
        assert_eq!((&ack["ok"], &ack["error"]["kind"]), (&json!(false), &json!("not_found")), "{ack}");
    }
    server.stop().await;
}

#[tokio::test]
async fn two_clients_can_stop_the_same_container_at_once() {
    let (sim, server) = serve(5).await;
    let (mut one, mut two) = (Client::connect(&server).await, Client::connect(&server).await);
    let id = container_in(&sim, "running");
    let (first, second) = tokio::join!(stop(&mut one, &id), stop(&mut two, &id));
    assert_eq!((&first["ok"], &second["ok"]), (&json!(true), &json!(true)), "{first} {second}");
    let is_down = async || {
        let (_, body) = ask(&server.url(), "GET", "/api/state", "").await;
        let state: Value = serde_json::from_str(&body).unwrap();
        let mut all = state["data"]["containers"].as_array().unwrap().iter().map(id_and_text);
        all.any(|(its, words)| its == id && words.ends_with(" exited"))
    };
    eventually(TIMEOUT, "it is down", is_down).await;
    server.stop().await;
}
