//! Users with a scope: no response, on any transport, contains anything about containers outside it.

use crate::{
    accounts::{PASSWORD, World},
    raw_http::Raw,
    requests::{Objects, Sample, bytes, pages, sample},
    support::{eventually, local},
};
use futures::{SinkExt, StreamExt};
use leptos::server_fn::axum::server_fn_paths;
use quaylight::{
    model::{AccessScope, ContainerAction, ContainerId, ContainerState, EngineState, Role, UserChange},
    server::http::table,
    wire::described::ACTIONS,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio_tungstenite::tungstenite::Message;

/// An operator whose scope is one project of the engine.
struct Scoped {
    world: World,
    anna: String,
    /// The operator's cookie.
    omar: String,
    state: EngineState,
    project: String,
}

impl Scoped {
    async fn start() -> Self {
        let world = World::start().await;
        let anna = world.set_up().await;
        let state = state(&world, &anna).await;
        let project = state.containers().find(|it| it.state == ContainerState::Running && it.project().is_some());
        let project = project.unwrap().project().unwrap().to_owned();
        world.user(&["add", "omar", "--role", "operator", "--project", &project, "--password-stdin"], PASSWORD);
        let omar = world.sign_in("omar", PASSWORD, "").await.cookie();
        Self { world, anna, omar, state, project }
    }

    fn scope(&self) -> AccessScope {
        AccessScope { projects: vec![self.project.clone()], names: Vec::new() }
    }

    /// Names and ids that must not reach the operator.
    fn foreign(&self) -> BTreeSet<String> {
        let (scope, state) = (self.scope(), &self.state);
        let mut foreign = BTreeSet::new();
        let mut own = BTreeSet::new();
        for it in state.containers() {
            let texts = [it.id.to_string(), it.name.clone()];
            let list = if scope.includes(it) { &mut own } else { &mut foreign };
            list.extend(texts);
        }
        let uses: Vec<_> = state.containers().filter(|it| scope.includes(it)).flat_map(|it| it.uses()).collect();
        for key in state.keys() {
            let entity = state.get(key).unwrap();
            if entity.as_used().is_some_and(|used| !uses.contains(&used)) {
                foreign.extend([key.id().to_owned(), entity.name().to_owned()]);
            }
        }
        // A short name may be part of another word.
        foreign.retain(|it| it.len() > 6 && !own.iter().any(|own| own.contains(it)));
        assert!(foreign.len() > 100 && own.len() > 2, "{} {}", foreign.len(), own.len());
        foreign
    }

    /// A running container in the scope, and one outside it.
    fn containers(&self) -> [ContainerId; 2] {
        let scope = self.scope();
        [true, false].map(|is_own| {
            let fits = |it: &&std::sync::Arc<quaylight::model::Container>| {
                scope.includes(it) == is_own && it.state == ContainerState::Running
            };
            self.state.containers().find(fits).unwrap().id.clone()
        })
    }
}

async fn state(world: &World, cookie: &str) -> EngineState {
    let body = world.get("/api/state", cookie).await.body;
    let update: Value = serde_json::from_str(&body).unwrap();
    serde_json::from_value(update["data"].clone()).unwrap()
}

fn assert_nothing_of(foreign: &BTreeSet<String>, except: &str, what: &str, text: &str) {
    let found = foreign.iter().find(|it| text.contains(*it) && !except.contains(*it));
    assert!(found.is_none(), "{what} contains {found:?}: {}", text.chars().take(2_000).collect::<String>());
}

/// GHSA-m855-r557-5rc5: a list that hides containers, and other requests that don't.
#[tokio::test]
async fn no_request_reveals_anything_about_containers_outside_the_scope() {
    let scoped = Scoped::start().await;
    let (foreign, [_, outside]) = (scoped.foreign(), scoped.containers());
    let Scoped { world, omar, .. } = &scoped;
    let truth = world.sim.truth();
    let other = |names: Vec<String>| names.into_iter().find(|it| foreign.contains(it)).unwrap();
    let objects = Objects {
        container: outside.to_string(),
        containers: vec![outside.to_string(); ACTIONS.len()],
        images: [0, 1].map(|_| other(truth.images.iter().map(|it| it.id.clone()).collect())),
        volume: other(truth.volumes.clone()),
        network: other(truth.networks.iter().map(|it| it.id.clone()).collect()),
    };
    // A page and an error may contain the id that the request has.
    let asked = format!("{outside} {} {} {}", objects.images[0], objects.volume, objects.network);
    let mut count = 0;
    let mut check = |what: &str, text: &str| {
        count += 1;
        assert_nothing_of(&foreign, &asked, what, text);
    };
    for route in table() {
        let method = route.method.as_str();
        if let Sample::Plain(path, body) = sample(method, route.path)
            && route.path != "/logout"
        {
            let path = objects.fill(path);
            let mut raw = Raw::request(&world.server.url, method, &path, omar, body).await;
            raw.until("\r\n\r\n").await;
            let is_endless = raw.text().contains("text/event-stream");
            if is_endless && raw.text().contains(" 200 ") {
                raw.until("\n\n").await;
            }
            let text = if is_endless { raw.text() } else { raw.whole().await };
            check(&path, &text);
        }
    }
    for page in pages() {
        let page = objects.fill(&page);
        check(&page, &world.get(&page, omar).await.body);
    }
    for (path, _) in server_fn_paths() {
        for (name, body) in objects.arguments(path) {
            let headers = format!("{omar}Content-Type: application/x-postcard\r\n");
            let raw = Raw::request(&world.server.url, "POST", path, &headers, &body).await;
            check(&format!("{path} {name}"), &raw.whole().await);
        }
    }
    for path in ["/api/stats?loads=true", "/api/events?noise=true&limit=1000", "/api/events?format=csv&noise=true"] {
        check(path, &world.get(path, omar).await.body);
    }
    assert!(count > 80, "{count}");
    assert!(truth_of(world, &outside) == "running", "nothing was done to it");
}

fn truth_of(world: &World, id: &ContainerId) -> &'static str {
    world.sim.truth().containers.iter().find(|it| it.id == id.as_str()).map_or("gone", |it| it.state)
}

#[tokio::test]
async fn every_transport_delivers_only_what_is_in_the_scope() {
    let scoped = Scoped::start().await;
    let (foreign, scope) = (scoped.foreign(), scoped.scope());
    let Scoped { world, omar, anna, .. } = &scoped;
    let seen = state(world, omar).await;
    let expected = scoped.state.containers().filter(|it| scope.includes(it)).count();
    assert_eq!(seen.containers().count(), expected);
    assert!(seen.images().all(|it| it.usage.all > 0) && seen.volumes().all(|it| it.usage.all > 0));

    let mut socket = world.socket("/ws", omar).await;
    let channels = ["containers", "images", "volumes", "networks", "events", "stats", "loads", "tasks"];
    socket.send(Message::text(json!({"type": "subscribe", "channels": channels}).to_string())).await.unwrap();
    let mut stream = Raw::get_with(&world.server.url, "/api/stream", omar).await;
    let [own, outside] = scoped.containers();
    let mut revisions = Vec::new();
    // Each is followed by one in the scope, which arrives.
    for round in 0..3 {
        for (id, is_own) in [(&outside, false), (&own, true)] {
            for action in ["container.pause", "container.unpause"] {
                let body = json!({"target": id}).to_string();
                let path = format!("/api/actions/{action}");
                let done = world.request("POST", &path, anna, &body).await;
                assert_eq!(done.status, 200, "{round} {is_own} {}", done.body);
            }
        }
    }
    let mut samples = 0;
    let mut pauses = 0;
    while samples < 3 || pauses < 3 {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("a message").unwrap();
        let text = message.unwrap().to_string();
        assert_nothing_of(&foreign, "", "the socket", &text);
        let frame: Value = serde_json::from_str(&text).unwrap_or_default();
        match frame["type"].as_str().unwrap_or_default() {
            "engine_state_diff" => revisions.push((frame["from"].as_u64(), frame["to"].as_u64())),
            "stats" => samples += frame["samples"].as_array().map_or(0, Vec::len),
            "engine_event" if frame["event"]["action"] == "pause" => pauses += 1,
            _ => {}
        }
    }
    assert!(revisions.windows(2).all(|pair| pair[0].1 == pair[1].0), "no gap tells of other changes: {revisions:?}");
    stream.until("\"paused\"").await;
    assert_nothing_of(&foreign, "", "the stream", &stream.text());

    let since = world.get("/api/state", omar).await;
    let etag = since.header("etag").unwrap().trim_matches('"').to_owned();
    let poll = world.get(&format!("/api/state?since={etag}&wait=1"), omar).await.body;
    assert_nothing_of(&foreign, "", "a poll", &poll);

    let mut before = String::new();
    let mut count = 0;
    loop {
        let page = world.get(&format!("/api/events?noise=true&limit=2{before}"), omar).await.body;
        let page: Value = serde_json::from_str(&page).unwrap();
        let events = page["events"].as_array().unwrap();
        assert!(events.iter().all(|it| it["project"] == json!(scoped.project) && it["kind"] == "container"), "{page}");
        count += events.len();
        match events.last().filter(|_| page["more"] == json!(true)) {
            Some(last) => before = format!("&before={}", last["seq"]),
            None => break,
        }
    }
    assert!(count >= 6, "{count}");
}

#[tokio::test]
async fn actions_and_reads_stay_within_the_scope() {
    let scoped = Scoped::start().await;
    let [own, outside] = scoped.containers();
    let Scoped { world, omar, .. } = &scoped;
    let act = async |id: &ContainerId, action: &str, options: Value| {
        let body = json!({"target": id, "options": options}).to_string();
        world.request("POST", &format!("/api/actions/{action}"), omar, &body).await
    };
    for (id, status) in [(&own, 200), (&outside, 404)] {
        assert_eq!(act(id, "container.pause", json!({})).await.status, status);
        let path = format!("/api/containers/{id}/logs?tail=1");
        assert_eq!(world.get(&path, omar).await.status, status, "{path}");
        for path in ["/queries/inspect", "/queries/top", "/queries/recipe", "/queries/file_changes"] {
            let headers = format!("{omar}Content-Type: application/x-postcard\r\n");
            let raw = Raw::request(&world.server.url, "POST", path, &headers, &bytes(&(local(), id))).await;
            let is_found = !raw.whole().await.contains("Container not found");
            assert_eq!(is_found, status == 200, "{path}");
        }
        let mut socket = world.socket(&format!("/ws/logs?ids={id}&tail=5"), omar).await;
        let first = socket.next().await.unwrap().unwrap().into_data();
        let is_refused = String::from_utf8_lossy(&first).contains("no longer exists");
        assert_eq!(is_refused, status == 404);
    }
    // A short id, as docker accepts it.
    let short = ContainerAction::Unpause;
    let arguments = bytes(&(local(), ContainerId::new(&own.as_str()[..12]).unwrap(), short));
    let headers = format!("{omar}Content-Type: application/x-postcard\r\n");
    let raw = Raw::request(&world.server.url, "POST", "/actions/container", &headers, &arguments).await;
    assert!(raw.whole().await.starts_with("HTTP/1.1 200"));
    eventually(Duration::from_secs(5), "it runs again", async || truth_of(world, &own) == "running").await;
    assert_eq!(truth_of(world, &outside), "running");
    assert_eq!(act(&own, "container.rename", json!({"name": "other"})).await.status, 403);
}

#[tokio::test]
async fn change_of_the_scope_ends_sessions_and_tokens() {
    let scoped = Scoped::start().await;
    let Scoped { world, omar, anna, .. } = &scoped;
    let token = world.create_token(omar, Role::Operator).await;
    for headers in [omar, &token] {
        assert_eq!(state(world, headers).await.containers().filter(|it| !scoped.scope().includes(it)).count(), 0);
    }
    let mut socket = world.socket("/ws", &token).await;
    let change = |role, scope| UserChange::ChangeRole { name: "omar".into(), role, scope };
    let (status, body) = world.change_user(anna, change(Role::Admin, Some(scoped.scope()))).await;
    assert!(status != 200 && body.contains("Admins see all containers"), "{status} {body}");
    let none = AccessScope { projects: Vec::new(), names: vec!["none".into()] };
    assert_eq!(world.change_user(anna, change(Role::Operator, Some(none))).await.0, 200);
    for headers in [omar, &token] {
        assert_eq!(world.get("/api/state", headers).await.status, 401);
    }
    let end = async { while !matches!(socket.next().await, None | Some(Err(_) | Ok(Message::Close(_)))) {} };
    tokio::time::timeout(Duration::from_secs(5), end).await.expect("the socket ends");
    let omar = world.sign_in("omar", PASSWORD, "").await.cookie();
    assert_eq!(state(world, &omar).await.containers().count(), 0);
    let listed = world.user(&["list"], "");
    assert!(listed.contains("omar\toperator\tcontainers none"), "{listed}");
}

#[tokio::test]
async fn renames_reveal_no_name_outside_the_scope() {
    let scoped = Scoped::start().await;
    let Scoped { world, anna, state, .. } = &scoped;
    world.user(&["add", "nina", "--container", "own-*", "--password-stdin"], PASSWORD);
    let nina = world.sign_in("nina", PASSWORD, "").await.cookie();
    let [first, second] = [0, 1].map(|at| state.containers().nth(at).unwrap());
    for (id, name) in [(&first.id, "own-1"), (&first.id, "hidden-2"), (&first.id, &*second.name), (&first.id, "own-3")]
    {
        let body = json!({"target": id, "options": {"name": name}}).to_string();
        world.request("POST", "/api/actions/container.rename", anna, &body).await;
    }
    let events = async || world.get("/api/events?noise=true", &nina).await.body;
    eventually(Duration::from_secs(10), "both names in the scope are listed", async || {
        let events = events().await;
        events.contains("own-1") && events.contains("own-3")
    })
    .await;
    let events = events().await;
    for hidden in ["hidden-2", &first.name, &second.name] {
        assert!(!events.contains(hidden), "{hidden}: {events}");
    }
}
