//! Read-only requests change nothing. The test walks every route, page, server function and socket action, and checks
//! the engine's own request counts.

use crate::{
    live::Client,
    raw_http::Raw,
    support::{TestServer, local},
};
use futures::SinkExt;
use quaylight::{
    model::{
        AccountChange, AlertChange, ContainerAction, ContainerId, FilePath, FilesOf, ImageId, Preferences,
        RegistryLogin, UserChange, VolumeName,
    },
    server::http::{Effect, table},
    sim::{Options, Running, Sim, Truth},
    views::PAGES,
    wire::{
        action::parse,
        described::{ACTIONS, ActionOption, Described, Kind},
        routes,
    },
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const FORM: &str = "application/octet-stream";
const POSTCARD: &str = "application/x-postcard";

/// The paths of all pages, with placeholders for existing objects.
pub fn pages() -> Vec<String> {
    let of_object = |pattern: &str| match pattern.split('/').nth(1) {
        Some("images") => "{image}",
        Some("volumes") => "{volume}",
        Some("networks") => "{network}",
        _ => "{id}",
    };
    let paths = PAGES.iter().map(|(pattern, _)| pattern.replace(":id", of_object(pattern)));
    paths.chain(["/containers/{id}?tab=files&path=/etc".to_owned()]).collect()
}

struct World {
    sim: Running,
    server: TestServer,
    truth: Truth,
}

impl World {
    async fn start(flags: &[&str]) -> Self {
        let sim = Sim::start(Options::default()).await.unwrap();
        let server = TestServer::at(sim.url(), flags).await;
        let truth = sim.truth();
        server.until_listed().await;
        Self { sim, server, truth }
    }

    /// Counts of requests that are not reads.
    async fn changes(self) -> BTreeMap<String, u64> {
        self.server.stop().await;
        let mut requests = self.sim.truth().requests;
        requests.retain(|pattern, _| !pattern.starts_with("GET ") && !pattern.starts_with("HEAD "));
        requests
    }

    /// A running container.
    fn container(&self) -> &str {
        &self.truth.containers.iter().find(|it| it.state == "running").unwrap().id
    }

    /// Replaces the placeholders in a path with existing objects.
    fn fill(&self, path: &str) -> String {
        path.replace("{id}", self.container())
            .replace("{image}", &self.truth.images[0].id)
            .replace("{volume}", &self.truth.volumes[0])
            .replace("{network}", &self.truth.networks[0].id)
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) {
        let headers = format!("Content-Type: {kind}\r\nAccept: {kind}\r\n");
        let mut raw = Raw::request(&self.server.url(), method, path, &headers, body).await;
        raw.until("\r\n\r\n").await;
        if !raw.text().contains("text/event-stream") {
            raw.whole().await;
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
                Sample::Socket(path) => self.open(&self.fill(path)).await,
                Sample::Steps(path, steps) => {
                    for (step, body) in steps {
                        self.ask("POST", &path.replace("{step}", step), "application/json", body.as_bytes()).await;
                    }
                }
                Sample::Actions => {}
                Sample::Plain(path, body) => {
                    let path = self.fill(path);
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
            self.ask("GET", &self.fill(&page), "text/html", b"").await;
            self.ask("HEAD", &self.fill(&page), "text/html", b"").await;
        }
    }

    async fn walk_server_functions(&self) {
        let known: BTreeSet<_> = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
        assert!(known.len() > 10, "{known:?}");
        for path in known {
            for body in self.arguments(path) {
                self.ask("POST", path, POSTCARD, &body).await;
            }
        }
    }

    /// Valid arguments of a server function, encoded as a page does.
    fn arguments(&self, path: &str) -> Vec<Vec<u8>> {
        let host = local();
        let id = ContainerId::new(self.container()).unwrap();
        let image = ImageId::new(&self.truth.images[0].id).unwrap();
        let volume = FilesOf::Volume(VolumeName::new(&self.truth.volumes[0]).unwrap());
        let login = RegistryLogin { registry: "127.0.0.1:5000".into(), username: "a".into(), password: "b".into() };
        let start = ContainerAction::Start;
        match path {
            "/actions/account" => vec![bytes(&AccountChange::EndOtherSessions)],
            "/actions/users" => vec![bytes(&UserChange::Remove { name: "none".into() })],
            "/actions/alerts" => [
                AlertChange::DeleteRule("none".into()),
                AlertChange::Silence("none".into(), 60),
                AlertChange::DeleteChannel("none".into()),
                AlertChange::TestChannel("none".into()),
                AlertChange::QuietHours(None),
            ]
            .map(|change| bytes(&change))
            .into(),
            "/actions/container" => vec![bytes(&(&host, &id, &start))],
            "/actions/containers" => vec![bytes(&vec![(&host, &id, &start)])],
            "/actions/preferences" => vec![bytes(&(Preferences::default(), Preferences::default()))],
            "/actions/sign_in" => vec![bytes(&(&host, &login))],
            "/actions/sign_out" => vec![bytes(&login.registry)],
            "/actions/request" => ACTIONS.iter().map(|action| bytes(&self.request(action))).collect(),
            "/queries/files" => [FilesOf::Container(id), volume]
                .map(|of| ["/", "/etc", "/etc/hostname"].map(|path| bytes(&(&host, &of, FilePath::new(path).unwrap()))))
                .concat(),
            "/queries/inspect"
            | "/queries/top"
            | "/queries/file_changes"
            | "/queries/recipe"
            | "/queries/recipe_with_secrets" => vec![bytes(&(&host, &id))],
            "/queries/variable" => vec![bytes(&(&host, &id, "PATH"))],
            "/queries/image_details" => vec![bytes(&(&host, &image))],
            "/queries/disk" => vec![bytes(&host)],
            "/queries/events" => vec![bytes(&Vec::<(String, String)>::new())],
            "/queries/usage" => {
                vec![bytes(&(&host, Some(&id), 3_600_u32)), bytes(&(&host, None::<ContainerId>, 60_u32))]
            }
            "/queries/account" | "/queries/alerts" | "/queries/notices" | "/queries/registries" | "/queries/users" => {
                vec![Vec::new()]
            }
            new => panic!("say here how the server function {new} is called"),
        }
    }

    fn request(&self, action: &Described) -> quaylight::model::Request {
        let (target, options) = self.words(action);
        parse(local(), action.name, &target, &options.to_string())
            .unwrap_or_else(|error| panic!("{}: {error}", action.name))
    }

    /// The message of an action. Each action has a separate container: one that is removed can't be started.
    fn words(&self, action: &Described) -> (String, Value) {
        let at = ACTIONS.iter().position(|it| it.name == action.name).unwrap();
        let container = || self.truth.containers[at].id.clone();
        let option = |it: &ActionOption| match (it.name, it.kind) {
            ("container" | "values_of", _) => json!(container()),
            ("ip" | "subnet" | "gateway", _) => Value::Null,
            (_, Kind::Text) => json!("walked"),
            (_, Kind::Number) => json!(1),
            (_, Kind::Bool) => json!(true),
            ("containers", Kind::Texts) => json!([container()]),
            ("images", Kind::Texts) => json!([self.truth.images[1].id]),
            (_, Kind::Texts) => json!(["walked"]),
            (_, Kind::Map) => json!({"a": "b"}),
            (_, Kind::Spec) => json!({"image": self.truth.images[0].id}),
            (_, Kind::Limits) => json!({"memory": 64_000_000}),
        };
        let options: Map<String, Value> = (action.options.iter())
            .map(|it| (it.name.to_owned(), option(it)))
            .filter(|(_, value)| !value.is_null())
            .collect();
        let target = match action.target {
            "a container's id" => container(),
            "an image's id" => self.truth.images[0].id.clone(),
            "a network's id" => self.truth.networks[0].id.clone(),
            "a task's id" => "1".to_owned(),
            "a host's id" => "local".to_owned(),
            _ => "walked".to_owned(),
        };
        (target, Value::Object(options))
    }

    async fn walk_actions(&self) {
        let mut client = Client::connect(&self.server).await;
        for message in [
            json!({"type": "ping", "nonce": 1}),
            json!({"type": "subscribe", "channels": ["containers", "images", "volumes", "networks", "events", "tasks"]}),
            json!({"type": "subscribe", "channels": ["stats"], "ids": [self.container()]}),
            json!({"type": "unsubscribe", "channels": ["stats"]}),
            json!({"type": "resume", "epoch": 1, "revision": 1}),
        ] {
            client.0.send(Message::text(message.to_string())).await.unwrap();
        }
        for action in ACTIONS {
            let (target, options) = self.words(action);
            client.act(action.name, &target, options.clone()).await;
            let mut body = Map::from_iter([("target".to_owned(), json!(target))]);
            body.insert("options".into(), options);
            let path = routes::ACTION.replace("{action}", action.name);
            self.ask("POST", &path, "application/json", Value::Object(body).to_string().as_bytes()).await;
        }
    }
}

fn bytes(arguments: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(arguments).unwrap()
}

enum Sample {
    Plain(&'static str, &'static [u8]),
    Socket(&'static str),
    /// Two steps, each with its body.
    Steps(&'static str, [(&'static str, String); 2]),
    /// Walked separately, each over the socket and over HTTP.
    Actions,
}

/// A request that triggers the route's effect.
fn sample(method: &str, path: &'static str) -> Sample {
    let plain = |path| Sample::Plain(path, b"");
    match (method, path) {
        ("GET", routes::SOCKET) => Sample::Socket("/ws"),
        ("GET", routes::LOGS) => Sample::Socket("/ws/logs?ids={id}&tail=5"),
        ("GET", routes::TERMINAL) => Sample::Socket("/ws/terminal?id={id}"),
        (
            "GET",
            routes::STREAM
            | routes::CONTAINERS_STREAM
            | routes::IMAGES_STREAM
            | routes::STATE
            | routes::EVENTS
            | routes::ALERTS
            | routes::TASKS
            | routes::PING
            | routes::OPENAPI
            | routes::HEALTH
            | routes::METRICS
            | routes::LOGIN
            | routes::SETUP,
        ) => plain(path),
        ("GET", routes::STATS) => plain("/api/stats?ids={id}&loads=true"),
        ("GET", routes::TASK_OUTPUT) => plain("/api/tasks/1/output"),
        ("GET", routes::HANDSHAKES) => plain("/api/handshakes/walk"),
        ("GET", routes::CONTAINER_LOGS) => plain("/api/containers/{id}/logs?tail=5"),
        ("GET", routes::CONTAINER_EXPORT) => plain("/api/containers/{id}/export"),
        ("GET", routes::CONTAINER_FILES) => plain("/api/containers/{id}/files?path=/etc/hostname"),
        ("GET", routes::IMAGE_EXPORT) => plain("/api/images/export?name={image}"),
        ("POST", routes::CONTAINER_FILES) => Sample::Plain("/api/containers/{id}/files?path=/etc&name=new", b"x"),
        ("POST", routes::VOLUME_FILES) => Sample::Plain("/api/volumes/{volume}/files?path=/&name=new", b"x"),
        ("POST", routes::VOLUME_DOWNLOAD) => plain("/api/volumes/{volume}/download?path=/"),
        ("POST", routes::LOGIN | routes::LOGOUT | routes::SETUP) => plain(path),
        ("POST", routes::VOLUME_BACKUP) => plain("/api/volumes/{volume}/backup"),
        ("POST", routes::VOLUME_RESTORE) => Sample::Plain("/api/volumes/{volume}/restore", b"x"),
        ("POST", routes::IMAGE_BUILD) => Sample::Plain("/api/images/build?name=walked:1", b"x"),
        ("POST", routes::IMAGE_IMPORT) => Sample::Plain("/api/images/import?file=x.tar", b"x"),
        ("POST", routes::PROBE) => {
            let target = json!({"id": "0".repeat(64)}).to_string();
            Sample::Steps("/api/probe/{step}", [("create", "{}".into()), ("remove", target)])
        }
        ("POST", routes::ACTION) => Sample::Actions,
        (method, new) => panic!("say here how {method} {new} is asked, and in its table what it may do"),
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
        let path = world.fill(path);
        let answer = Raw::get(&world.server.url(), &path).await.whole().await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{path}: {answer}");
    }
    assert_eq!(world.changes().await, BTreeMap::new());
}

/// It once ran `find` in the container, as root.
#[tokio::test]
async fn folder_of_a_running_container_is_listed_from_its_archive_only() {
    let world = World::start(&[]).await;
    let of = FilesOf::Container(ContainerId::new(world.container()).unwrap());
    let arguments = bytes(&(local(), of, FilePath::new("/etc").unwrap()));
    let headers = format!("Content-Type: {POSTCARD}\r\nAccept: {POSTCARD}\r\n");
    let answer = Raw::post_with(&world.server.url(), "/queries/files", &headers, &arguments).await.whole().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("hostname"), "{answer}");
    assert_eq!(world.changes().await, BTreeMap::new());
}
