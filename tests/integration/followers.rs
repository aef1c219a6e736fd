//! Minimal correct clients: each keeps a map by applying changes, over one transport, and resumes from its last
//! position when its connection is cut.

use crate::raw_http::ask;
use futures::StreamExt;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Notify,
    task::JoinHandle,
    time::sleep,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// The delay before a reconnect.
const PAUSE: Duration = Duration::from_millis(20);

/// The state that a client knows, and how it received it.
#[derive(Debug, Default)]
pub struct Known {
    position: Option<(u64, u64)>,
    /// Name and state by id.
    pub containers: BTreeMap<String, String>,
    pub whole_states: u64,
    pub diffs: u64,
    pub cuts: u64,
    /// Errors that must never occur.
    pub gaps: Vec<String>,
}

impl Known {
    fn hear(&mut self, message: &Value) {
        let number = |field: &str| message[field].as_u64();
        match message["type"].as_str() {
            Some("engine_state_update") => {
                self.whole_states += 1;
                self.position = number("epoch").zip(number("revision"));
                let containers = message["data"]["containers"].as_array().into_iter().flatten();
                self.containers = containers.map(id_and_text).collect();
            }
            Some("engine_state_diff") => {
                self.diffs += 1;
                if self.position != number("epoch").zip(number("from")) {
                    self.gaps.push(format!("at {:?}: {message}", self.position));
                }
                self.position = number("epoch").zip(number("to"));
                for change in message["data"]["changes"].as_array().into_iter().flatten() {
                    match (change["kind"].as_str(), change["op"].as_str()) {
                        (Some("container"), Some("put")) => self.containers.extend([id_and_text(&change["value"])]),
                        (Some("container"), _) => drop(self.containers.remove(change["id"].as_str().unwrap())),
                        _ => {}
                    }
                }
            }
            Some("engine_state_diffs") => message["diffs"].as_array().unwrap().iter().for_each(|diff| self.hear(diff)),
            _ => {}
        }
    }
}

/// A container's id, and the text to compare.
pub fn id_and_text(container: &Value) -> (String, String) {
    let word = |field: &str| container[field].as_str().unwrap_or_default().to_owned();
    (word("id"), format!("{} {}", word("name"), word("state")))
}

#[derive(Debug, Clone, Copy)]
pub enum Transport {
    Socket,
    EventStream,
    Polling,
}

pub struct Follower {
    known: Arc<Mutex<Known>>,
    cut: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Follower {
    pub fn start(server: SocketAddr, transport: Transport) -> Self {
        let (known, cut) = (Arc::<Mutex<Known>>::default(), Arc::<Notify>::default());
        let (its, its_cut) = (known.clone(), cut.clone());
        let task = tokio::spawn(async move {
            loop {
                let position = its.lock().unwrap().position;
                let follow = async {
                    match transport {
                        Transport::Socket => socket(server, position, &its).await,
                        Transport::EventStream => event_stream(server, position, &its).await,
                        Transport::Polling => poll(server, &its).await,
                    }
                };
                // Dropped at any await point: its connection closes with it.
                tokio::select! {
                    _ = follow => {}
                    () = its_cut.notified() => its.lock().unwrap().cuts += 1,
                }
                sleep(PAUSE).await;
            }
        });
        Self { known, cut, task }
    }

    /// Cuts its connection now.
    pub fn cut(&self) {
        self.cut.notify_one();
    }

    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn socket(server: SocketAddr, position: Option<(u64, u64)>, known: &Mutex<Known>) -> Option<()> {
    let query = position.map_or(String::new(), |(epoch, revision)| format!("?epoch={epoch}&rev={revision}"));
    let mut socket = connect_async(format!("ws://{server}/ws{query}")).await.ok()?.0;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            known.lock().unwrap().hear(&serde_json::from_str(&text).unwrap());
        }
    }
    None
}

async fn event_stream(server: SocketAddr, position: Option<(u64, u64)>, known: &Mutex<Known>) -> Option<()> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let last = position.map_or(String::new(), |(epoch, revision)| format!("Last-Event-ID: {epoch}-{revision}\r\n"));
    // HTTP/1.0, so that the response is not chunked.
    let request = format!("GET /api/stream HTTP/1.0\r\nHost: {server}\r\n{last}\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.ok()? {
        if let Some(data) = line.strip_prefix("data: ") {
            known.lock().unwrap().hear(&serde_json::from_str(data).unwrap());
        }
    }
    None
}

async fn poll(server: SocketAddr, known: &Mutex<Known>) -> Option<()> {
    loop {
        let since = known.lock().unwrap().position;
        let query = since.map_or(String::new(), |(epoch, revision)| format!("?since={epoch}-{revision}"));
        let body = get(server, &format!("/api/state{query}")).await?;
        known.lock().unwrap().hear(&body);
        sleep(PAUSE * 5).await;
    }
}

/// The JSON of a successful response.
pub async fn get(server: SocketAddr, path: &str) -> Option<Value> {
    let (status, body) = ask(&format!("tcp://{server}"), "GET", path, "").await;
    (status == 200).then(|| serde_json::from_str(&body).unwrap())
}
