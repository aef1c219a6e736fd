//! A valid request of each kind: for every route, page, server function and action. Tests that walk all of them fail when one is
//! added that isn't here.

use crate::{accounts::PASSWORD, support::local};
use quaylight::{
    model::{
        AccountChange, AlertChange, AlertScope, ChannelDraft, ChannelSettings, Condition, ContainerAction, ContainerId,
        ContainerState, FilePath, FilesOf, ImageId, Preferences, RegistryLogin, Rule, Severity, Timestamp, UserChange,
        VolumeName,
    },
    sim::Truth,
    views::PAGES,
    wire::{
        action::parse,
        described::{ACTIONS, ActionOption, Described, Kind},
        routes,
    },
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The path of a page, with placeholders for objects.
pub fn page(pattern: &str) -> String {
    let object = match pattern.split('/').nth(1) {
        Some("images") => "{image}",
        Some("volumes") => "{volume}",
        Some("networks") => "{network}",
        _ => "{id}",
    };
    pattern.replace(":id", object)
}

/// The paths of all pages.
pub fn pages() -> Vec<String> {
    PAGES.iter().map(|(pattern, _)| page(pattern)).chain(["/containers/{id}?tab=files&path=/etc".to_owned()]).collect()
}

/// The objects that the requests are for.
pub struct Objects {
    pub container: String,
    /// One for each action: a container that is removed can't be started.
    pub containers: Vec<String>,
    pub images: [String; 2],
    pub volume: String,
    pub network: String,
}

impl Objects {
    pub fn of(truth: &Truth) -> Self {
        Self {
            container: truth.containers.iter().find(|it| it.state == "running").unwrap().id.clone(),
            containers: truth.containers.iter().map(|it| it.id.clone()).collect(),
            images: [0, 1].map(|at: usize| truth.images[at].id.clone()),
            volume: truth.volumes[0].clone(),
            network: truth.networks[0].id.clone(),
        }
    }

    /// None of them exists.
    pub fn missing() -> Self {
        let id = "0".repeat(64);
        Self {
            container: id.clone(),
            containers: vec![id.clone(); ACTIONS.len()],
            images: [0, 1].map(|_| format!("sha256:{id}")),
            volume: "missing".into(),
            network: id,
        }
    }

    /// Replaces the placeholders in a path.
    pub fn fill(&self, path: &str) -> String {
        path.replace("{id}", &self.container)
            .replace("{image}", &self.images[0])
            .replace("{volume}", &self.volume)
            .replace("{network}", &self.network)
    }

    /// Valid arguments of a server function, encoded as a page does. A function of several changes has one of each, with its name.
    pub fn arguments(&self, path: &str) -> Vec<(String, Vec<u8>)> {
        let host = local();
        let id = ContainerId::new(&self.container).unwrap();
        let image = ImageId::new(&self.images[0]).unwrap();
        let volume = FilesOf::Volume(VolumeName::new(&self.volume).unwrap());
        let login = RegistryLogin { registry: "127.0.0.1:5000".into(), username: "a".into(), password: "b".into() };
        let start = ContainerAction::Start;
        let one = |arguments: Vec<u8>| vec![(String::new(), arguments)];
        match path {
            "/actions/account" => one(bytes(&AccountChange::EndOtherSessions)),
            "/actions/users" => one(bytes(&(UserChange::Remove { name: "none".into() }, PASSWORD))),
            "/actions/alerts" => alert_changes()
                .iter()
                .map(|change| {
                    let name = format!("{change:?}");
                    (name.split(|it: char| !it.is_alphanumeric()).next().unwrap().to_owned(), bytes(change))
                })
                .collect(),
            "/actions/container" => one(bytes(&(&host, &id, &start))),
            "/actions/containers" => one(bytes(&vec![(&host, &id, &start, ContainerState::Running)])),
            "/actions/preferences" => one(bytes(&(Preferences::default(), Preferences::default()))),
            "/actions/sign_in" => one(bytes(&(&host, &login))),
            "/actions/sign_out" => one(bytes(&login.registry)),
            "/actions/request" => {
                ACTIONS.iter().map(|action| (action.name.to_owned(), bytes(&self.request(action)))).collect()
            }
            "/queries/files" => [FilesOf::Container(id), volume]
                .iter()
                .flat_map(|of| {
                    let name = if matches!(of, FilesOf::Volume(_)) { "Volume" } else { "Container" };
                    let arguments = |path| bytes(&(&host, of, FilePath::new(path).unwrap()));
                    ["/", "/etc", "/etc/hostname"].map(|path| (name.to_owned(), arguments(path)))
                })
                .collect(),
            "/queries/inspect"
            | "/queries/top"
            | "/queries/file_changes"
            | "/queries/recipe"
            | "/queries/recipe_with_secrets" => one(bytes(&(&host, &id))),
            "/queries/variable" => one(bytes(&(&host, &id, "PATH"))),
            "/queries/image_details" => one(bytes(&(&host, &image))),
            "/queries/disk" => one(bytes(&host)),
            "/queries/events" => one(bytes(&Vec::<(String, String)>::new())),
            "/queries/usage" => [bytes(&(&host, Some(&id), 3_600_u32)), bytes(&(&host, None::<ContainerId>, 60_u32))]
                .map(|arguments| (String::new(), arguments))
                .into(),
            "/queries/account" | "/queries/alerts" | "/queries/notices" | "/queries/registries" | "/queries/users" => {
                one(Vec::new())
            }
            new => panic!("say here how the server function {new} is called"),
        }
    }

    pub fn request(&self, action: &Described) -> quaylight::model::Request {
        let (target, options) = self.words(action);
        parse(local(), action.name, &target, &options.to_string())
            .unwrap_or_else(|error| panic!("{}: {error}", action.name))
    }

    /// The message of an action. Each action has a separate container: one that is removed can't be started.
    pub fn words(&self, action: &Described) -> (String, Value) {
        let at = ACTIONS.iter().position(|it| it.name == action.name).unwrap();
        let container = || self.containers[at].clone();
        let option = |it: &ActionOption| match (it.name, it.kind) {
            ("container" | "values_of", _) => json!(container()),
            ("ip" | "subnet" | "gateway", _) => Value::Null,
            (_, Kind::Text) => json!("walked"),
            (_, Kind::Number) => json!(1),
            (_, Kind::Bool) => json!(true),
            ("containers", Kind::Texts) => json!([container()]),
            ("images", Kind::Texts) => json!([self.images[1]]),
            (_, Kind::Texts) => json!(["walked"]),
            (_, Kind::Map) => json!({"a": "b"}),
            (_, Kind::Spec) => json!({"image": self.images[0]}),
            (_, Kind::Limits) => json!({"memory": 64_000_000}),
        };
        let options: Map<String, Value> = (action.options.iter())
            .map(|it| (it.name.to_owned(), option(it)))
            .filter(|(_, value)| !value.is_null())
            .collect();
        let target = match action.target {
            "a container's id" => container(),
            "an image's id" => self.images[0].clone(),
            "a network's id" => self.network.clone(),
            "a task's id" => "1".to_owned(),
            "a host's id" => "local".to_owned(),
            _ => "walked".to_owned(),
        };
        (target, Value::Object(options))
    }
}

/// An alert rule for all containers.
pub fn rule(name: &str, condition: Condition) -> Rule {
    Rule {
        id: String::new(),
        name: name.into(),
        is_on: true,
        condition,
        scope: AlertScope::default(),
        severity: Severity::Warning,
        duration: 0,
        cooldown: 0,
        channels: Vec::new(),
        silenced_until: None,
        since: Timestamp::default(),
    }
}

fn alert_changes() -> Vec<AlertChange> {
    let rule = Rule { is_on: false, ..rule("walked", Condition::Disk { above: 100 }) };
    let settings = ChannelSettings::Webhook { url: "http://127.0.0.1:9/walked".into(), token: String::new() };
    vec![
        AlertChange::PutRule(rule),
        AlertChange::DeleteRule("none".into()),
        AlertChange::Silence("none".into(), 60),
        AlertChange::PutChannel(ChannelDraft { id: String::new(), name: "walked".into(), settings }),
        AlertChange::DeleteChannel("none".into()),
        AlertChange::TestChannel("none".into()),
        AlertChange::QuietHours(None),
    ]
}

/// In the response to a server function with invalid arguments, which proves nothing.
pub const INVALID: &str = "Couldn't process the request";

pub fn bytes(arguments: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(arguments).unwrap()
}

pub enum Sample {
    Plain(&'static str, &'static [u8]),
    Socket(&'static str),
    /// Two steps, each with its body.
    Steps(&'static str, [(&'static str, String); 2]),
    /// Walked separately, each over the socket and over HTTP.
    Actions,
}

/// A request that triggers the route's effect.
pub fn sample(method: &str, path: &'static str) -> Sample {
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
            | routes::LOGIN_OIDC
            | routes::LOGIN_OIDC_CALLBACK
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
        ("POST", routes::LOGIN | routes::LOGIN_CODE | routes::LOGOUT | routes::SETUP) => plain(path),
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
