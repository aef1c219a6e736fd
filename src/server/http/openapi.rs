//! OpenAPI description of the HTTP API: `GET /api/openapi.json`.

use crate::{
    server::app::App,
    wire::{
        IDEMPOTENCY_KEY,
        described::{ACTIONS, Described, Kind},
        routes,
    },
};
use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

pub async fn openapi(State(app): State<App>) -> Json<Value> {
    Json(document(&app.base_path))
}

/// A route that is not an action.
struct Route {
    method: &'static str,
    path: &'static str,
    words: &'static str,
    /// Query parameters: name, whether it is required, and its description.
    query: &'static [(&'static str, bool, &'static str)],
    /// The media type of the body, if there is one.
    takes: Option<&'static str>,
    gives: &'static str,
}

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
const TAR: &str = "application/x-tar";
const SSE: &str = "text/event-stream";
const TEXT: &str = "text/plain";
const UPGRADE: &str = "upgrade";

const HOST: (&str, bool, &str) = ("host", false, "A host's id; may be left out while there is one");

const fn get(
    path: &'static str,
    words: &'static str,
    query: &'static [(&'static str, bool, &'static str)],
    gives: &'static str,
) -> Route {
    Route { method: "get", path, words, query, takes: None, gives }
}

const fn post(
    path: &'static str,
    words: &'static str,
    query: &'static [(&'static str, bool, &'static str)],
    takes: &'static str,
) -> Route {
    Route { method: "post", path, words, query, takes: Some(takes), gives: JSON }
}

/// Returns a file, but by `POST`, since it has to create something first.
const fn by_post(
    path: &'static str,
    words: &'static str,
    query: &'static [(&'static str, bool, &'static str)],
    gives: &'static str,
) -> Route {
    Route { method: "post", path, words, query, takes: None, gives }
}

const ROUTES: &[Route] = &[
    get(
        routes::SOCKET,
        "The state and its changes, over a WebSocket: see docs/protocol.md",
        &[
            ("epoch", false, "With rev: the state that one has already"),
            ("rev", false, "With epoch"),
            ("quiet", false, "true: no pings"),
            ("probe", false, "A token, under which the handshake is noted"),
        ],
        UPGRADE,
    ),
    get(
        routes::LOGS,
        "Logs of one container or several, over a WebSocket",
        &[
            ("ids", true, "Ids of containers, with commas between"),
            ("tail", false, "A number: that many lines of the past, and then what comes"),
            ("q", false, "Searches all that is kept for these words instead"),
            ("regex", false, "true: q is a pattern"),
            (
                "before",
                false,
                "For each id, commas between: microseconds since 1970, a dot, and how many lines of that microsecond are had. Instead the lines before those",
            ),
            ("held", false, "With before: about how many lines are known to be after it"),
            ("around", false, "Microseconds since 1970: instead the lines before and after then"),
            ("line", false, "With `around`: how the one of that moment's lines begins that is meant"),
            ("in", false, "With `line`: the place of its log among `ids`, from 0"),
        ],
        UPGRADE,
    ),
    get(
        routes::TERMINAL,
        "A command in a container, over a WebSocket",
        &[
            ("id", true, "A container's id"),
            ("command", false, "A command line for sh"),
            ("user", false, "As docker exec takes it"),
            ("columns", false, "A number"),
            ("rows", false, "A number"),
        ],
        UPGRADE,
    ),
    get(routes::CONTAINERS_STREAM, "Containers as they change", &[], SSE),
    get(routes::IMAGES_STREAM, "Images as they change", &[], SSE),
    get(
        routes::STREAM,
        "Everything as it changes",
        &[("epoch", false, "With rev: the state that one has already"), ("rev", false, "With epoch")],
        SSE,
    ),
    get(
        routes::STATE,
        "The state, or its changes",
        &[
            ("since", false, "<epoch>-<revision>: the changes since then"),
            ("wait", false, "Seconds, 30 at most, to wait for one"),
        ],
        JSON,
    ),
    get(
        routes::STATS,
        "What containers use",
        &[("ids", false, "Ids of containers, with commas between"), ("loads", false, "true: sums as well")],
        JSON,
    ),
    get(
        routes::EVENTS,
        "What has happened, newest first",
        &[
            ("kind", false, "One of these, with commas between"),
            ("action", false, "One of these, with commas between"),
            ("entity", false, "A name, an id or its first digits"),
            ("project", false, "A Compose project"),
            ("q", false, "Words"),
            ("since", false, "A time, or how long ago: 90s, 15m, 24h, 7d"),
            ("until", false, "Likewise"),
            ("around", false, "Ten minutes before and after such a time"),
            ("by", false, "users: only what users did"),
            ("noise", false, "true: with health checks and the like"),
            ("limit", false, "At most 1,000"),
            ("before", false, "A seq"),
            ("after", false, "A seq"),
            ("format", false, "ndjson or csv: all as a file"),
        ],
        JSON,
    ),
    get(routes::ALERTS, "What fires and what is pending", &[], JSON),
    get(routes::TASKS, "What takes long, as it is now", &[], JSON),
    get(routes::TASK_OUTPUT, "All that a task has written", &[], TEXT),
    get(
        routes::CONTAINER_LOGS,
        "What a container has written",
        &[
            ("tail", false, "The last so many lines"),
            ("since", false, "A time, or how long ago"),
            ("until", false, "Likewise"),
            ("follow", false, "true: goes on"),
            ("timestamps", false, "true"),
            ("format", false, "text or ndjson"),
            ("download", false, "true: as a file"),
        ],
        TEXT,
    ),
    get(routes::CONTAINER_EXPORT, "A container's file system", &[HOST], TAR),
    get(routes::CONTAINER_FILES, "A file as it is, or a folder as a tar", &[("path", true, "Absolute"), HOST], BYTES),
    post(
        routes::CONTAINER_FILES,
        "Put a file into a folder",
        &[("path", true, "The folder"), ("name", true, "The file's name"), HOST],
        BYTES,
    ),
    by_post(
        routes::VOLUME_DOWNLOAD,
        "A file as it is, or a folder as a tar",
        &[("path", true, "From the volume's root on"), HOST],
        BYTES,
    ),
    post(
        routes::VOLUME_FILES,
        "Put a file into a folder",
        &[("path", true, "The folder"), ("name", true, "The file's name"), HOST],
        BYTES,
    ),
    by_post(routes::VOLUME_BACKUP, "All that is in a volume", &[HOST], TAR),
    post(routes::VOLUME_RESTORE, "What a backup gave, into a volume", &[HOST], TAR),
    post(
        routes::IMAGE_BUILD,
        "Build an image from a tar with a Dockerfile in it",
        &[
            ("name", true, "The image's"),
            ("dockerfile", false, "Where it is in the tar, Dockerfile without"),
            ("target", false, "The stage to stop at"),
            ("platform", false, "As in linux/arm64"),
            ("no_cache", false, "true"),
            ("pull", false, "true: newer base images"),
            ("arg", false, "key=value, as often as needed"),
            HOST,
        ],
        TAR,
    ),
    post(
        routes::IMAGE_IMPORT,
        "Images, as an export gives them",
        &[("file", false, "Its name, for people"), HOST],
        TAR,
    ),
    get(routes::IMAGE_EXPORT, "Images as a tar", &[("name", true, "A name or an id, as often as needed"), HOST], TAR),
    get(routes::PING, "The server's clock, revision and distance", &[], BYTES),
    get(routes::HANDSHAKES, "What arrived of a WebSocket's handshake", &[], JSON),
    post(routes::PROBE, "A step of the self-test", &[], JSON),
    get(routes::HEALTH, "Whether the server serves and each engine answers", &[], JSON),
    get(routes::METRICS, "For Prometheus", &[], TEXT),
    get(routes::OPENAPI, "This", &[], JSON),
];

fn document(base_path: &str) -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let operations = paths.entry(route.path).or_insert_with(|| json!({}));
        operations[route.method] = route.operation();
    }
    for action in ACTIONS {
        let path = routes::ACTION.replace("{action}", action.name);
        paths.insert(path, json!({"post": of_an_action(action)}));
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Quaylight",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A real-time Docker console. docs/protocol.md says more, above all of what goes over the socket.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": if base_path.is_empty() { "/" } else { base_path }}],
        "paths": paths,
        "components": {"schemas": schemas()},
    })
}

impl Route {
    fn operation(&self) -> Value {
        let mut parameters: Vec<Value> = in_path(self.path).map(|name| parameter(name, "path", true, "")).collect();
        parameters.extend(self.query.iter().map(|(name, must, words)| parameter(name, "query", *must, words)));
        if self.takes.is_some() {
            let words = "Of this upload's own: what comes again with it is refused with 409";
            parameters.push(parameter(IDEMPOTENCY_KEY, "header", false, words));
        }
        let id = format!("{} {}", self.method, self.path);
        let id: String = id.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
        let mut operation = json!({
            "operationId": id,
            "summary": self.words,
            "parameters": parameters,
            "responses": responses(match self.gives {
                UPGRADE => ("101", json!({"description": "The connection becomes a WebSocket"})),
                gives => ("200", answer(gives, json!({}))),
            }),
        });
        if let Some(takes) = self.takes {
            operation["requestBody"] = json!({"content": {takes: {"schema": {}}}});
        }
        operation
    }
}

fn of_an_action(action: &Described) -> Value {
    let properties: Map<_, _> =
        action.options.iter().map(|option| (option.name.to_owned(), schema(option.kind))).collect();
    let required: Vec<_> = action.options.iter().filter(|it| it.is_required).map(|it| it.name).collect();
    let mut options = json!({"type": "object", "properties": properties, "additionalProperties": false});
    let mut needed = vec!["target"];
    if !required.is_empty() {
        options["required"] = json!(required);
        needed.push("options");
    }
    let body = json!({
        "type": "object",
        "required": needed,
        "properties": {
            "target": {"type": "string", "description": action.target},
            "host": {"type": "string", "description": HOST.2},
            "options": options,
        },
        "additionalProperties": false,
    });
    let goes_on = if action.is_task { " Goes on as a task, whose id is answered." } else { "" };
    json!({
        "operationId": action.name,
        "summary": action.words,
        "description": format!("The same as the message `action` on the socket.{goes_on}"),
        "requestBody": {"required": true, "content": {JSON: {"schema": body}}},
        "responses": responses(("200", answer(JSON, json!({"$ref": "#/components/schemas/Done"})))),
    })
}

fn in_path(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn parameter(name: &str, place: &str, must: bool, words: &str) -> Value {
    json!({"name": name, "in": place, "required": must, "description": words, "schema": {"type": "string"}})
}

fn answer(kind: &str, schema: Value) -> Value {
    json!({"description": "Done", "content": {kind: {"schema": schema}}})
}

fn responses((status, answer): (&str, Value)) -> Value {
    let problem = json!({
        "description": "What went wrong, and what to do",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    json!({status: answer, "default": problem})
}

fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Number => json!({"type": "integer", "minimum": 0}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Kind::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Kind::Spec => json!({"$ref": "#/components/schemas/ContainerSpec"}),
        Kind::Limits => json!({"$ref": "#/components/schemas/Limits"}),
    }
}

fn schemas() -> Value {
    let object = |properties: Value| json!({"type": "object", "properties": properties, "additionalProperties": false});
    let (text, texts, map) = (schema(Kind::Text), schema(Kind::Texts), schema(Kind::Map));
    let (number, bool) = (schema(Kind::Number), schema(Kind::Bool));
    let signed = json!({"type": "integer"});
    let list = |of: Value| json!({"type": "array", "items": of});
    let port = object(json!({"private": number, "protocol": text, "ip": text, "public": number}));
    let mount = object(json!({
        "kind": {"type": "string", "enum": ["volume", "bind", "tmpfs"]},
        "source": text, "target": text, "read_only": bool, "size": number,
    }));
    let network = object(json!({"name": text, "ip": text, "aliases": texts}));
    let health = object(json!({
        "test": texts, "interval_ms": number, "timeout_ms": number, "start_period_ms": number, "retries": number,
    }));
    let ulimit = object(json!({"name": text, "soft": signed, "hard": signed}));
    let mut spec = object(json!({
        "image": text, "entrypoint": texts, "command": texts, "env": texts, "ports": list(port), "publish_all": bool,
        "expose": texts, "mounts": list(mount), "networks": list(network), "restart": text,
        "limits": schema(Kind::Limits), "health": health, "labels": map, "user": text, "workdir": text,
        "hostname": text, "domainname": text, "tty": bool, "stdin_open": bool, "init": bool, "privileged": bool,
        "read_only": bool, "auto_remove": bool, "cap_add": texts, "cap_drop": texts, "devices": texts,
        "extra_hosts": texts, "dns": texts, "dns_search": texts, "security_opt": texts, "group_add": texts,
        "sysctls": map, "ulimits": list(ulimit), "log_driver": text, "log_options": map, "shm_size": number,
        "stop_signal": text, "stop_timeout": number, "pid_mode": text, "ipc_mode": text, "runtime": text,
    }));
    spec["required"] = json!(["image"]);
    json!({
        "ContainerSpec": spec,
        "Limits": object(json!({
            "memory": number, "memory_reservation": number, "memory_swap": signed, "millicpus": number,
            "cpu_shares": number, "cpuset": text, "pids": signed,
        })),
        "Done": {"type": "object", "properties": {
            "id": {"type": "string", "nullable": true, "description": "Of what was made"},
            "task": {"type": "integer", "nullable": true, "description": "Of what goes on"},
        }},
        "Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "properties": {
            "type": text, "title": text, "status": number, "detail": text,
        }},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerSpec, HealthSpec, Limits, MountSpec, NetworkSpec, PortSpec};
    use serde::Serialize;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_is_there() {
        let document = document("");
        let constants = include_str!("../../wire/routes.rs").lines().filter_map(|line| {
            let path = line.strip_prefix("pub const ")?.split_once(": &str = \"")?.1;
            path.strip_suffix("\";")
        });
        for path in constants.filter(|path| *path != routes::ACTION) {
            assert!(document["paths"][path].is_object(), "{path}");
        }
    }

    /// Asserts that the fields of `value` are those that the schema documents.
    fn same(value: impl Serialize, schema: &Value) {
        let fields: BTreeSet<_> = serde_json::to_value(value).unwrap().as_object().unwrap().keys().cloned().collect();
        let told: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, told);
    }

    #[test]
    fn what_is_told_of_a_spec_is_what_it_has() {
        let all = schemas();
        let spec = &all["ContainerSpec"];
        same(ContainerSpec::default(), spec);
        same(Limits::default(), &all["Limits"]);
        same(PortSpec::default(), &spec["properties"]["ports"]["items"]);
        same(MountSpec::default(), &spec["properties"]["mounts"]["items"]);
        same(NetworkSpec::default(), &spec["properties"]["networks"]["items"]);
        same(HealthSpec::default(), &spec["properties"]["health"]);
    }
}
