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
const HTML: &str = "text/html";
const UPGRADE: &str = "upgrade";

const HOST: (&str, bool, &str) = ("host", false, "Host ID; optional if there is only one host");

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

/// Redirects to a page if it succeeds.
const fn form(path: &'static str, words: &'static str) -> Route {
    let takes = Some("application/x-www-form-urlencoded");
    Route { method: "post", path, words, query: &[], takes, gives: HTML }
}

const ROUTES: &[Route] = &[
    get(
        routes::SOCKET,
        "Stream the state and its changes over a WebSocket (see docs/protocol.md)",
        &[
            ("epoch", false, "With `rev`: the position that the client already has"),
            ("rev", false, "With `epoch`"),
            ("quiet", false, "true: send no WebSocket pings"),
            ("probe", false, "Token under which the server records this handshake"),
        ],
        UPGRADE,
    ),
    get(
        routes::LOGS,
        "Stream the logs of one or more containers over a WebSocket",
        &[
            ("ids", true, "Container IDs, comma-separated"),
            ("tail", false, "Number of existing lines to send before new ones"),
            ("q", false, "Search the full log for this text instead"),
            ("regex", false, "true: `q` is a regular expression"),
            (
                "before",
                false,
                "Return earlier lines instead. One cursor per ID, comma-separated: the time of the client's first line in microseconds since 1970, a dot, and how many lines of that microsecond the client has",
            ),
            ("held", false, "With `before`: approximate number of lines known to be after it"),
            ("around", false, "Return the lines before and after this time instead, in microseconds since 1970"),
            ("line", false, "With `around`: start of the text of one of the lines at that time"),
            ("in", false, "With `line`: index of its log in `ids`, from 0"),
        ],
        UPGRADE,
    ),
    get(
        routes::TERMINAL,
        "Run a command in a container over a WebSocket",
        &[
            ("id", true, "Container ID"),
            ("command", false, "Command line for the container's `sh`; a shell if omitted"),
            ("user", false, "User to run as, in the format of `docker exec --user`"),
            ("columns", false, "Initial width in columns"),
            ("rows", false, "Initial height in rows"),
        ],
        UPGRADE,
    ),
    get(routes::CONTAINERS_STREAM, "Stream container changes", &[], SSE),
    get(routes::IMAGES_STREAM, "Stream image changes", &[], SSE),
    get(
        routes::STREAM,
        "Stream all changes",
        &[("epoch", false, "With `rev`: the position that the client already has"), ("rev", false, "With `epoch`")],
        SSE,
    ),
    get(
        routes::STATE,
        "Get the state, or its changes since a revision",
        &[
            ("since", false, "<epoch>-<revision>: only the changes since then"),
            ("wait", false, "Seconds to wait for a change, up to 30"),
        ],
        JSON,
    ),
    get(
        routes::STATS,
        "Get the resource usage of containers",
        &[("ids", false, "Container IDs, comma-separated"), ("loads", false, "true: include total usage")],
        JSON,
    ),
    get(
        routes::EVENTS,
        "List events, newest first",
        &[
            ("kind", false, "Any of these values, comma-separated"),
            ("action", false, "Any of these values, comma-separated"),
            ("entity", false, "Name, ID or ID prefix"),
            ("project", false, "Compose project"),
            ("q", false, "Words to search for"),
            ("since", false, "RFC 3339 time or an age such as 90s, 15m, 24h or 7d"),
            ("until", false, "Same format as `since`"),
            ("around", false, "Only the ten minutes before and after this time; same format as `since`"),
            ("by", false, "users: only user actions"),
            ("noise", false, "true: include noise such as health checks"),
            ("limit", false, "Maximum number of events, up to 1,000"),
            ("before", false, "Only events before this `seq`"),
            ("after", false, "Only events after this `seq`"),
            ("format", false, "ndjson or csv: return all matching events as a file"),
        ],
        JSON,
    ),
    get(routes::ALERTS, "List firing and pending alerts", &[], JSON),
    get(routes::TASKS, "List tasks", &[], JSON),
    get(routes::TASK_OUTPUT, "Get the output of a task", &[], TEXT),
    get(
        routes::CONTAINER_LOGS,
        "Get the logs of a container",
        &[
            ("tail", false, "Number of last lines to return"),
            ("since", false, "RFC 3339 time or an age such as 90s, 15m, 24h or 7d"),
            ("until", false, "Same format as `since`"),
            ("follow", false, "true: continue with new output"),
            ("timestamps", false, "true: begin each line with its time"),
            ("format", false, "text or ndjson"),
            ("download", false, "true: return a file"),
        ],
        TEXT,
    ),
    get(routes::CONTAINER_EXPORT, "Export a container's filesystem as a tar archive", &[HOST], TAR),
    get(
        routes::CONTAINER_FILES,
        "Download a file, or a folder as a tar archive",
        &[("path", true, "Absolute path"), HOST],
        BYTES,
    ),
    post(
        routes::CONTAINER_FILES,
        "Upload a file to a folder",
        &[("path", true, "Absolute path of the folder"), ("name", true, "File name"), HOST],
        BYTES,
    ),
    by_post(
        routes::VOLUME_DOWNLOAD,
        "Download a file, or a folder as a tar archive",
        &[("path", true, "Absolute path from the volume's root"), HOST],
        BYTES,
    ),
    post(
        routes::VOLUME_FILES,
        "Upload a file to a folder",
        &[("path", true, "Absolute path of the folder"), ("name", true, "File name"), HOST],
        BYTES,
    ),
    by_post(routes::VOLUME_BACKUP, "Back up a volume as a tar archive", &[HOST], TAR),
    post(routes::VOLUME_RESTORE, "Restore a volume from a backup", &[HOST], TAR),
    post(
        routes::IMAGE_BUILD,
        "Build an image from a build context (.tar) that contains a Dockerfile",
        &[
            ("name", true, "Image name"),
            ("dockerfile", false, "Path of the Dockerfile in the build context (default: Dockerfile)"),
            ("target", false, "Build stage to stop at"),
            ("platform", false, "Platform, for example linux/arm64"),
            ("no_cache", false, "true: don't use the build cache"),
            ("pull", false, "true: pull newer base images"),
            ("arg", false, "Build argument as key=value; repeatable"),
            HOST,
        ],
        TAR,
    ),
    post(
        routes::IMAGE_IMPORT,
        "Import images from an archive (.tar) from docker save or an export",
        &[("file", false, "File name, for display"), HOST],
        TAR,
    ),
    get(
        routes::IMAGE_EXPORT,
        "Export images as a tar archive",
        &[("name", true, "Image name or ID; repeatable"), HOST],
        TAR,
    ),
    get(routes::PING, "Get the server's clock and latest revision", &[], BYTES),
    get(routes::HANDSHAKES, "List the WebSocket handshakes that reached the server", &[], JSON),
    post(routes::PROBE, "Run a step of the self-test", &[], JSON),
    get(routes::HEALTH, "Check whether the server is healthy and each engine is reachable", &[], JSON),
    get(routes::METRICS, "Get metrics in the Prometheus text format", &[], TEXT),
    get(routes::OPENAPI, "Get this OpenAPI document", &[], JSON),
    get(routes::LOGIN, "Get the sign-in form", &[("next", false, "Path of the page to return to")], HTML),
    form(routes::LOGIN, "Sign in: name, password and next"),
    form(routes::LOGIN_CODE, "Finish a sign-in with a code: unfinished, code and next"),
    get(
        routes::LOGIN_OIDC,
        "Start a sign-in at the OpenID provider",
        &[("next", false, "Path of the page to return to")],
        HTML,
    ),
    get(
        routes::LOGIN_OIDC_CALLBACK,
        "Finish a sign-in at the OpenID provider",
        &[
            ("code", false, "Authorization code"),
            ("state", false, "State of the sign-in"),
            ("iss", false, "Issuer"),
            ("error", false, "Why the provider refused"),
            ("error_description", false, "The same in words"),
        ],
        HTML,
    ),
    form(routes::LOGOUT, "Sign out"),
    get(
        routes::SETUP,
        "Get the form that creates the first user",
        &[("token", false, "Token of the setup link")],
        HTML,
    ),
    form(routes::SETUP, "Create the first user: token, name and password"),
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
            "description": "A real-time Docker console. See docs/protocol.md, also for the WebSocket protocol.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": if base_path.is_empty() { "/" } else { base_path }}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "An API token; see docs/security.md"}},
        },
        "security": [{"token": []}],
    })
}

impl Route {
    fn operation(&self) -> Value {
        let mut parameters: Vec<Value> = in_path(self.path).map(|name| parameter(name, "path", true, "")).collect();
        parameters.extend(self.query.iter().map(|(name, must, words)| parameter(name, "query", *must, words)));
        if self.takes.is_some() {
            let words = "Unique key of this upload: a repeated upload with the same key is rejected with 409";
            parameters.push(parameter(IDEMPOTENCY_KEY, "header", false, words));
        }
        let id = format!("{} {}", self.method, self.path);
        let id: String = id.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
        let mut operation = json!({
            "operationId": id,
            "summary": self.words,
            "parameters": parameters,
            "responses": responses(match self.gives {
                UPGRADE => ("101", json!({"description": "The connection is upgraded to a WebSocket"})),
                gives => ("200", answer(gives, json!({}))),
            }),
        });
        if let Some(takes) = self.takes {
            operation["requestBody"] = json!({"content": {takes: {"schema": {}}}});
        }
        operation
    }
}

const REPEATED: &str =
    "Unique key of this request: a repeated request with the same key gets the response of the first one";

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
    let goes_on = if action.is_task { " Runs as a task; the response contains its ID." } else { "" };
    json!({
        "operationId": action.name,
        "summary": action.words,
        "description": format!("Same as the `action` message on the WebSocket.{goes_on}"),
        "parameters": [parameter(IDEMPOTENCY_KEY, "header", false, REPEATED)],
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
    json!({"description": "Success", "content": {kind: {"schema": schema}}})
}

fn responses((status, answer): (&str, Value)) -> Value {
    let problem = json!({
        "description": "What happened, and what to do",
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
            "id": {"type": "string", "nullable": true, "description": "ID of the created entity"},
            "task": {"type": "integer", "nullable": true, "description": "ID of the started task"},
        }},
        "Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "properties": {
            "type": text, "title": text, "status": number, "detail": text,
            "message": {"oneOf": [text, {"type": "object", "required": ["id", "values"]}]},
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
    fn every_route_is_documented() {
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
        let documented: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, documented);
    }

    #[test]
    fn container_spec_schema_matches_its_type() {
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
