//! Read-only requests change nothing. The test walks every route, page, server function and socket action, and checks
//! the engine's own request counts.

use crate::{
    live::Client,
    raw_http::Raw,
    requests::{INVALID, Objects, Sample, bytes, pages, sample},
    support::{TestServer, local},
};
use futures::SinkExt;
use quaylight::{
    model::{ContainerId, FilePath, FilesOf},
    server::http::{Effect, table},
    sim::{Options, Running, Sim},
    wire::{described::ACTIONS, routes},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const FORM: &str = "application/octet-stream";
const POSTCARD: &str = "application/x-postcard";

struct World {
    sim: Running,
    server: TestServer,
    objects: Objects,
}

impl World {
    async fn start(flags: &[&str]) -> Self {
        let sim = Sim::start(Options::default()).await.unwrap();
        let server = TestServer::at(sim.url(), flags).await;
        let objects = Objects::of(&sim.truth());
        server.until_listed().await;
        Self { sim, server, objects }
    }

    /// Counts of requests that are not reads.
    async fn changes(self) -> BTreeMap<String, u64> {
        self.server.stop().await;
        let mut requests = self.sim.truth().requests;
        requests.retain(|pattern, _| !pattern.starts_with("GET ") && !pattern.starts_with("HEAD "));
        requests
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) {
        let headers = format!("Content-Type: {kind}\r\nAccept: {kind}\r\n");
        let mut raw = Raw::request(&self.server.url(), method, path, &headers, body).await;
        raw.until("\r\n\r\n").await;
        if !raw.text().contains("text/event-stream") {
            let text = raw.whole().await;
            assert!(!text.contains(INVALID), "{path}: {text}");
        }
    }

    /// Opens a socket and receives its first message.
    async fn open(&self, path: &str) {
        let request = format!("ws://{}{path}", self.server.address).into_client_request().unwrap();
        if let Ok((socket, _)) = connect_async(request).await {
            Client(socket).any().await;
        }
    }

    /// Calls every route, except pages.
    async fn walk(&self, wanted: impl Fn(Effect) -> bool) {
        for route in table().iter().filter(|route| wanted(route.effect)) {
            match sample(route.method.as_str(), route.path) {
                Sample::Socket(path) => self.open(&self.objects.fill(path)).await,
                Sample::Steps(path, steps) => {
                    for (step, body) in steps {
                        self.ask("POST", &path.replace("{step}", step), "application/json", body.as_bytes()).await;
                    }
                }
                Sample::Actions => {}
                Sample::Plain(path, body) => {
                    let path = self.objects.fill(path);
                    self.ask(route.method.as_str(), &path, FORM, body).await;
                    if route.method == "GET" {
                        self.ask("HEAD", &path, FORM, b"").await;
                    }
                }
            }
        }
    }

    async fn see_pages(&self) {
        for page in pages() {
            self.ask("GET", &self.objects.fill(&page), "text/html", b"").await;
            self.ask("HEAD", &self.objects.fill(&page), "text/html", b"").await;
        }
    }

    async fn walk_server_functions(&self) {
        let known: BTreeSet<_> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
        assert!(known.len() > 10, "{known:?}");
        for path in known {
            for (_, body) in self.objects.arguments(path) {
                self.ask("POST", path, POSTCARD, &body).await;
            }
        }
    }

    async fn walk_actions(&self) {
        let mut client = Client::connect(&self.server).await;
        for message in [
            json!({"type": "ping", "nonce": 1}),
            json!({"type": "subscribe", "channels": ["containers", "images", "volumes", "networks", "events", "tasks"]}),
            json!({"type": "subscribe", "channels": ["stats"], "ids": [self.objects.container]}),
            json!({"type": "unsubscribe", "channels": ["stats"]}),
            json!({"type": "resume", "epoch": 1, "revision": 1}),
        ] {
            client.0.send(Message::text(message.to_string())).await.unwrap();
        }
        for action in ACTIONS {
            let (target, options) = self.objects.words(action);
            client.act(action.name, &target, options.clone()).await;
            let mut body = Map::from_iter([("target".to_owned(), json!(target))]);
            body.insert("options".into(), options);
            let path = routes::ACTION.replace("{action}", action.name);
            self.ask("POST", &path, "application/json", Value::Object(body).to_string().as_bytes()).await;
        }
    }
}

#[tokio::test]
async fn read_only_server_sends_only_reads_to_its_engine() {
    let world = World::start(&["--read-only"]).await;
    world.walk(|_| true).await;
    world.see_pages().await;
    world.walk_server_functions().await;
    world.walk_actions().await;
    assert_eq!(world.changes().await, BTreeMap::new());
}

/// Without it, the walk above would prove nothing.
#[tokio::test]
async fn writable_server_sends_every_kind_of_change_to_its_engine() {
    let world = World::start(&[]).await;
    world.walk(|_| true).await;
    world.walk_server_functions().await;
    world.walk_actions().await;
    let changes = world.changes().await;
    for pattern in [
        "POST /auth",
        "POST /build",
        "POST /commit",
        "POST /containers/create",
        "POST /containers/{id}/exec",
        "POST /containers/{id}/start",
        "POST /containers/{id}/stop",
        "POST /containers/{id}/update",
        "POST /images/create",
        "POST /images/load",
        "POST /images/{name}/tag",
        "POST /networks/create",
        "POST /volumes/create",
        "PUT /containers/{id}/archive",
        "DELETE /containers/{id}",
    ] {
        assert!(changes.contains_key(pattern), "{pattern} in {changes:?}");
    }
}

/// A page of any site can make a browser send these.
#[tokio::test]
async fn get_requests_change_nothing_on_a_writable_server() {
    let world = World::start(&[]).await;
    world.walk(|effect| effect == Effect::Reads).await;
    world.see_pages().await;
    for path in ["/api/volumes/{volume}/files?path=/", "/api/volumes/{volume}/backup"] {
        let path = world.objects.fill(path);
        let answer = Raw::get(&world.server.url(), &path).await.whole().await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{path}: {answer}");
    }
    assert_eq!(world.changes().await, BTreeMap::new());
}

/// It once ran `find` in the container, as root.
#[tokio::test]
async fn folder_of_a_running_container_is_listed_from_its_archive_only() {
    let world = World::start(&[]).await;
    let of = FilesOf::Container(ContainerId::new(&world.objects.container).unwrap());
    let arguments = bytes(&(local(), of, FilePath::new("/etc").unwrap()));
    let headers = format!("Content-Type: {POSTCARD}\r\nAccept: {POSTCARD}\r\n");
    let answer = Raw::post_with(&world.server.url(), "/queries/files", &headers, &arguments).await.whole().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("hostname"), "{answer}");
    assert_eq!(world.changes().await, BTreeMap::new());
}
