//! Access matrix: each kind of request, sent as each kind of client. The result is `docs/permissions.md`.

use crate::{
    accounts::{PASSWORD, World},
    raw_http::Raw,
    requests::{INVALID, Objects, Sample, page, sample},
};
use futures::{SinkExt, StreamExt, stream};
use leptos::server_fn::axum::server_fn_paths;
use quaylight::{
    model::{AccountChange, Action, ContainerAction, Permission, Request as ModelRequest, Role},
    server::{
        auth::{Access, function_access},
        http::table,
    },
    views::PAGES,
    wire::{NOT_SIGNED_IN, described::ACTIONS, routes},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{HeaderName, HeaderValue},
    },
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/permissions.md");

/// The actual matrix, written when it differs from the document.
const ACTUAL: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/permissions.md");

const AT_ONCE: usize = 16;

const PARTS: [&str; 4] = ["Pages", "Actions", "Server functions", "Routes"];

const HEAD: &str = "\
| Request | Permission | Viewer | Operator | Operator with a scope | Admin | Read-only server |
|---|---|---|---|---|---|---|
";

const INTRODUCTION: &str = "\
# Requests and who may send them

A test sends each of these requests as each kind of client, and fails if a client is allowed more or less than this document says, or
if a request is missing. \"Permission\" is what the route or the server function requires; some server functions require more for some
changes. An operator with a scope sees only containers of some projects or with some names: responses contain nothing about others.
The last column is an admin on a server with `--read-only`. Static files need no permission.

Requests that need a permission are refused

- without sign-in, with an expired API token and with a session that has ended;
- from other sites, except links to pages;
- at a name of the server that is not in the setting `hosts`.

An action has the same permission over the WebSocket, over HTTP and from a page.
";

/// A request, with what it requires.
struct Row {
    /// The heading in the document.
    part: &'static str,
    name: String,
    access: Access,
    request: Request,
}

enum Request {
    Http {
        method: String,
        path: String,
        kind: &'static str,
        body: Vec<u8>,
    },
    Socket(String),
    /// A message of the live socket.
    Action(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Allowed,
    NotSignedIn,
    /// The caller's role doesn't allow it.
    Role,
    /// The caller may only see some containers.
    Scope,
    ReadOnly,
    /// The request comes from another site.
    Origin,
    /// The server doesn't answer to this name.
    Host,
}

/// The access of an action.
fn access_to(request: &ModelRequest) -> Access {
    let permission = request.permission();
    match request {
        ModelRequest::Act(Action::Container(.., ContainerAction::Rename { .. })) => Access::Requires(permission),
        ModelRequest::Act(Action::Container(..)) => Access::Scoped(permission),
        _ => Access::Requires(permission),
    }
}

/// All kinds of requests, for objects that don't exist, so that nothing changes.
fn rows() -> Vec<Row> {
    let objects = Objects::missing();
    let mut rows = Vec::new();
    for route in table() {
        let method = route.method.as_str();
        let mut add = |name: String, request| {
            rows.push(Row { part: "Routes", name, access: route.access, request });
        };
        let http =
            |path: String, kind, body: &[u8]| Request::Http { method: method.into(), path, kind, body: body.into() };
        match sample(method, route.path) {
            Sample::Plain(path, body) => {
                add(format!("{method} {}", route.path), http(objects.fill(path), "application/octet-stream", body));
            }
            Sample::Socket(path) => add(format!("{method} {}", route.path), Request::Socket(objects.fill(path))),
            Sample::Steps(path, steps) => {
                for (step, body) in steps {
                    let path = path.replace("{step}", step);
                    add(format!("{method} {path}"), http(path.clone(), "application/json", body.as_bytes()));
                }
            }
            Sample::Actions => {}
        }
    }
    let paths = PAGES.iter().map(|(path, _)| *path).chain(["/any/other"]);
    for path in paths {
        let page = objects.fill(&page(path));
        let request = Request::Http { method: "GET".into(), path: page, kind: "text/html", body: Vec::new() };
        rows.push(Row { part: "Pages", name: path.to_owned(), access: Access::Scoped(Permission::See), request });
    }
    for action in ACTIONS {
        let (target, options) = objects.words(action);
        let body = json!({"target": target, "options": options}).to_string().into_bytes();
        let path = routes::ACTION.replace("{action}", action.name);
        let access = access_to(&objects.request(action));
        let message = json!({"type": "action", "id": "1", "action": action.name, "target": target, "options": options});
        for request in
            [Request::Http { method: "POST".into(), path, kind: "application/json", body }, Request::Action(message)]
        {
            rows.push(Row { part: "Actions", name: action.name.into(), access, request });
        }
    }
    for (path, _) in server_fn_paths() {
        for (name, body) in objects.arguments(path) {
            let is_action = path == "/actions/request";
            let access = match ACTIONS.iter().find(|it| is_action && it.name == name) {
                Some(action) => access_to(&objects.request(action)),
                None => function_access(path).expect("it is listed"),
            };
            let request =
                Request::Http { method: "POST".into(), path: path.into(), kind: "application/x-postcard", body };
            let (part, name) = match is_action {
                true => ("Actions", name),
                false => ("Server functions", format!("{path} {name}").trim().to_owned()),
            };
            rows.push(Row { part, name, access, request });
        }
    }
    // It ends the session that the others need.
    rows.sort_by_key(|row| row.name == format!("POST {}", routes::LOGOUT));
    rows
}

/// A kind of client: its header lines, each with its line end.
struct Client(String);

impl Client {
    async fn send(&self, world: &World, row: &Row) -> Outcome {
        match &row.request {
            Request::Http { method, path, kind, body } => {
                let headers = format!("{}Content-Type: {kind}\r\nAccept: {kind}\r\n", self.0);
                let mut raw = Raw::request(&world.server.url, method, path, &headers, body).await;
                raw.until("\r\n\r\n").await;
                let is_endless = raw.text().contains("text/event-stream");
                let text = if is_endless { raw.text() } else { raw.whole().await };
                assert!(!text.contains(INVALID), "{}: {text}", row.name);
                match of_response(&text) {
                    // The response to several actions has an error for each.
                    Outcome::Allowed if path == "/actions/containers" => of_body(&text),
                    // A public route may send its client to the sign-in.
                    Outcome::NotSignedIn if row.access == Access::Public => Outcome::Allowed,
                    outcome => outcome,
                }
            }
            Request::Socket(path) => self.open(world, path, None).await,
            Request::Action(message) => self.open(world, routes::SOCKET, Some(message)).await,
        }
    }

    async fn open(&self, world: &World, path: &str, message: Option<&Value>) -> Outcome {
        let address = world.server.url.trim_start_matches("tcp://");
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in self.0.lines().filter_map(|it| it.split_once(": ")) {
            let name: HeaderName = name.to_lowercase().parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let mut socket = match connect_async(request).await {
            Ok((socket, _)) => socket,
            Err(Error::Http(response)) => {
                let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
                return of_response(&format!("HTTP/1.1 {} \r\n\r\n{body}", response.status().as_u16()));
            }
            Err(error) => panic!("{path}: {error}"),
        };
        if let Some(message) = message {
            // A socket that is closed already takes none.
            socket.send(Message::text(message.to_string())).await.ok();
        }
        loop {
            let next = timeout(Duration::from_secs(10), socket.next()).await;
            match next.unwrap_or_else(|_| panic!("{path} {message:?} says nothing")) {
                Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == NOT_SIGNED_IN => {
                    return Outcome::NotSignedIn;
                }
                Some(Ok(Message::Text(text))) if message.is_some() && !text.contains(r#""type":"ack""#) => {}
                Some(Ok(Message::Text(text))) => return of_body(&text),
                _ => return Outcome::Allowed,
            }
        }
    }
}

fn of_response(text: &str) -> Outcome {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    let to_sign_in = head.lines().any(|it| it.to_lowercase().starts_with("location: /login"));
    match status {
        "401" => Outcome::NotSignedIn,
        "303" if to_sign_in => Outcome::NotSignedIn,
        // Events of other refusals are no refusal.
        "200" => Outcome::Allowed,
        _ => of_body(body),
    }
}

fn of_body(body: &str) -> Outcome {
    let reasons = [
        ("Your role doesn't allow this", Outcome::Role),
        ("You may only see some containers", Outcome::Scope),
        ("This server is read-only", Outcome::ReadOnly),
        ("doesn't match host", Outcome::Origin),
        ("Cross-origin request", Outcome::Origin),
        ("isn't allowed. To open Quaylight at this name", Outcome::Host),
    ];
    reasons.iter().find(|(reason, _)| body.contains(reason)).map_or(Outcome::Allowed, |it| it.1)
}

/// CVE-2026-47125, CVE-2018-12678, CVE-2026-44848: endpoints without a check of the session or the role.
#[tokio::test]
async fn each_client_is_allowed_exactly_what_the_documented_matrix_says() {
    let world = World::start().await;
    let anna = world.set_up().await;
    world.add_users();
    let sign_in = async |name| world.sign_in(name, PASSWORD, "").await.cookie();
    let (vera, omar) = (sign_in("vera").await, sign_in("omar").await);
    let ended = sign_in("anna").await;
    let expired = world.create_token(&anna, Role::Admin).await;
    assert_eq!(world.change(&anna, AccountChange::EndOtherSessions).await.0, 200);

    // The clock of the server can't be changed, so the token's expiry is.
    let world = world.restarted_after(&[], |folder| {
        let database = Connection::open(folder.join("history.db")).unwrap();
        let changed = database.execute(
            "UPDATE documents SET json = json_set(json, '$.what.api_token.expires', 0) WHERE json LIKE '%api_token%'",
            [],
        );
        assert_eq!(changed.unwrap(), 1);
    });
    let rows = rows();
    for (client, headers) in
        [("a client without sign-in", ""), ("an expired token", &*expired), ("an ended session", &*ended)]
    {
        for (row, outcome) in rows.iter().zip(outcomes(&world, &rows, headers).await) {
            let expected = if row.access == Access::Public { Outcome::Allowed } else { Outcome::NotSignedIn };
            assert_eq!(outcome, expected, "{client}: {}", row.name);
        }
    }
    for (client, headers, expected) in [
        ("another site's script", "Origin: http://evil.example\r\n", Outcome::Origin),
        (
            "another site's frame",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
            Outcome::Origin,
        ),
        ("another name of the server", "Host: evil.example\r\n", Outcome::Host),
    ] {
        for (row, outcome) in rows.iter().zip(outcomes(&world, &rows, &format!("{anna}{headers}")).await) {
            assert_eq!(outcome, expected, "{client}: {}", row.name);
        }
    }
    let mut columns = Vec::new();
    for (role, cookie) in [(Role::Viewer, vera), (Role::Operator, omar), (Role::Admin, anna)] {
        columns.push(column(&world, &rows, &cookie, |access| access.permission().is_none_or(|it| role.may(it))).await);
    }
    world.user(&["add", "sven", "--role", "operator", "--project", "shop", "--password-stdin"], PASSWORD);
    let sven = world.sign_in("sven", PASSWORD, "").await.cookie();
    let may =
        |access| matches!(access, Access::Public) || matches!(access, Access::Scoped(it) if Role::Operator.may(it));
    columns.insert(2, column(&world, &rows, &sven, may).await);
    let world = world.restarted_with(&[("QUAYLIGHT_READ_ONLY", "true")]);
    let anna = world.sign_in("anna", PASSWORD, "").await.cookie();
    columns.push(column(&world, &rows, &anna, |access| access.permission().is_none_or(|it| !it.is_change())).await);
    let text = document(&rows, &columns);
    if std::fs::read_to_string(DOCUMENT).unwrap_or_default() != text {
        std::fs::write(ACTUAL, text).unwrap();
        panic!("the server isn't as docs/permissions.md says: compare it with {ACTUAL}");
    }
}

/// The outcome of each request, as a client with these header lines. The last one ends the client's session.
async fn outcomes(world: &World, rows: &[Row], headers: &str) -> Vec<Outcome> {
    let client = Client(headers.to_owned());
    let (last, rows) = rows.split_last().unwrap();
    let mut outcomes: Vec<_> = stream::iter(rows).map(|row| client.send(world, row)).buffered(AT_ONCE).collect().await;
    outcomes.push(client.send(world, last).await);
    outcomes
}

/// Whether the client may send each of the requests.
async fn column(world: &World, rows: &[Row], headers: &str, may: impl Fn(Access) -> bool) -> Vec<bool> {
    let outcomes = outcomes(world, rows, headers).await;
    for (row, outcome) in rows.iter().zip(&outcomes) {
        assert!(may(row.access) || *outcome != Outcome::Allowed, "{}: {outcome:?}", row.name);
    }
    outcomes.into_iter().map(|outcome| outcome == Outcome::Allowed).collect()
}

fn document(rows: &[Row], columns: &[Vec<bool>]) -> String {
    let mut text = INTRODUCTION.to_owned();
    for part in PARTS {
        write!(text, "\n## {part}\n\n{HEAD}").unwrap();
        let mut lines: Vec<String> = Vec::new();
        for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.part == part) {
            let permission = match row.access.permission() {
                None => "none".to_owned(),
                Some(permission) => serde_json::to_value(permission).unwrap().as_str().unwrap().replace('_', " "),
            };
            let marks = columns.iter().map(|column| if column[at] { " ✓ |" } else { " |" });
            lines.push(format!("| `{}` | {permission} |{}\n", row.name, marks.collect::<String>()));
        }
        lines.sort();
        lines.dedup();
        text.extend(lines);
    }
    text
}
