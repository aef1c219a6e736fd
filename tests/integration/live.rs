//! Live updates for clients: a following socket, a client that never reads, and the close message.

use crate::support::{Docker, TestServer};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

pub struct Client(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub async fn connect(server: &TestServer) -> Self {
        Self::connect_to(&server.address.to_string()).await
    }

    /// `address` is a host and a port.
    pub async fn connect_to(address: &str) -> Self {
        let request = format!("ws://{address}/ws").into_client_request().unwrap();
        Self(connect_async(request).await.unwrap().0)
    }

    pub async fn message(&mut self) -> Value {
        loop {
            let message = timeout(Duration::from_secs(10), self.0.next()).await.expect("a message comes");
            if let Message::Text(text) = message.expect("the socket is open").unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Waits for the next message of any kind, or the end.
    pub async fn any(&mut self) {
        let _ = timeout(Duration::from_secs(10), self.0.next()).await.expect("it says something, or ends");
    }

    /// Reads until a message matches; all diffs on the way must be consecutive.
    pub async fn until(&mut self, mut revision: Option<u64>, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.message().await;
            match message["type"].as_str() {
                Some("engine_state_update") => revision = message["revision"].as_u64(),
                Some("engine_state_diff") => {
                    if let Some(revision) = revision {
                        assert_eq!(message["from"].as_u64(), Some(revision), "{message}");
                    }
                    revision = message["to"].as_u64();
                }
                _ => {}
            }
            if wanted(&message) {
                return message;
            }
        }
    }
}

#[tokio::test]
async fn socket_receives_hello_then_the_snapshot_then_diffs() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    assert_eq!(client.message().await["type"], "hello");
    let name = docker.create("seen", &[]).await;
    client.until(None, |message| message.to_string().contains(&format!("\"name\":\"{name}\""))).await;
    server.stop().await;
}

#[tokio::test]
async fn client_that_never_reads_delays_no_other_client() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let _deaf: Vec<Client> = futures::future::join_all((0..20).map(|_| Client::connect(&server))).await;
    let mut client = Client::connect(&server).await;
    for round in 0..10 {
        let name = docker.create(&format!("round{round}"), &[]).await;
        client.until(None, |message| message.to_string().contains(&format!("\"name\":\"{name}\""))).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn shutdown_closes_sockets_with_1001() {
    let server = TestServer::start(&[]).await;
    let mut client = Client::connect(&server).await;
    client.message().await;
    let farewell = async {
        loop {
            match client.0.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                Some(Ok(_)) => {}
                other => panic!("no farewell: {other:?}"),
            }
        }
    };
    let (code, ()) = tokio::join!(farewell, server.stop());
    assert_eq!(code, 1001);
}

#[tokio::test]
async fn a_read_only_server_refuses_every_change() {
    let (docker, server) = (Docker::new(), TestServer::start(&["--read-only"]).await);
    let mut client = Client::connect(&server).await;
    let name = docker.create("kept", &[]).await;
    let id = docker.run(&["inspect", "--format", "{{.Id}}", &name]).await;
    for action in ["container.start", "container.stop", "container.kill", "container.remove"] {
        let request = format!(r#"{{"type":"action","id":"{action}","action":"{action}","target":"{id}"}}"#);
        client.0.send(Message::text(request)).await.unwrap();
        let ack = client.until(None, |message| message["type"] == "ack").await;
        assert_eq!(
            (&ack["ok"], &ack["error"]["kind"]),
            (&Value::Bool(false), &Value::String("forbidden".into())),
            "{ack}"
        );
    }
    server.stop().await;
}
