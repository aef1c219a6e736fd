//! Events: live on the socket, in pages of history, and as an export.

use crate::{
    live::Client,
    raw_http::{Raw, ask},
    support::{Docker, TestServer},
};
use futures::{SinkExt, future::join_all};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

impl Client {
    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn event(&mut self, action: &str, name: &str) -> Value {
        let wanted = |it: &Value| it["event"]["action"] == action && it["event"]["name"] == name;
        self.until(None, |it| it["type"] == "engine_event" && wanted(it)).await["event"].clone()
    }
}

async fn page(server: &TestServer, query: &str) -> Vec<Value> {
    let (status, body) = ask(&server.url(), "GET", &format!("/api/events?{query}"), "").await;
    assert_eq!(status, 200, "{body}");
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(page["history"], json!({"recording": true, "reason": null}));
    page["events"].as_array().unwrap().clone()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|it| it["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn subscriber_receives_recent_events_and_then_each_new_one() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    server.until_listed().await;
    let mut client = Client::connect(&server).await;
    client.until(None, |it| it["type"] == "engine_state_update").await;
    let before = docker.create("before", &[]).await;
    client.until(None, |it| it.to_string().contains(&before)).await;
    client.say(json!({"type": "subscribe", "channels": ["events"]})).await;
    let current = client.until(None, |it| it["type"] == "engine_events").await;
    assert_eq!(current["history"], json!({"recording": true, "reason": null}));
    assert!(current["events"].as_array().unwrap().iter().any(|it| it["name"] == before && it["action"] == "create"));

    let name = docker.create("after", &["--label", "com.docker.compose.project=shop"]).await;
    let created = client.event("create", &name).await;
    assert_eq!(
        (&created["kind"], &created["project"], &created["actor"]),
        (&json!("container"), &json!("shop"), &Value::Null)
    );
    docker.run(&["start", &name]).await;
    client.event("start", &name).await;
    docker.run(&["exec", &name, "true"]).await;
    let noise = client.event("exec_create", &name).await;
    assert_eq!(noise["attributes"]["command"], "true");
    // Kinds without a list are reported too.
    let network = docker.network("net").await;
    client.event("create", &network).await;

    client.say(json!({"type": "unsubscribe", "channels": ["events"]})).await;
    client.say(json!({"type": "ping", "nonce": 1})).await;
    client.until(None, |it| it["type"] == "pong").await;
    docker.run(&["rm", "-f", &name]).await;
    client
        .until(None, |it| {
            assert_ne!(it["type"], "engine_event", "{it}");
            it.to_string().contains("gone")
        })
        .await;
    server.stop().await;
}

#[tokio::test]
async fn user_actions_are_recorded_with_actor_and_outcome() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let name = docker.create("acted", &[]).await;
    let id = docker.run(&["inspect", "--format", "{{.Id}}", &name]).await;
    let mut client = Client::connect(&server).await;
    client.until(None, |it| it.to_string().contains(&id)).await;
    client.say(json!({"type": "subscribe", "channels": ["events"]})).await;
    for action in ["container.start", "container.unpause", "container.remove"] {
        client.say(json!({"type": "action", "id": action, "action": action, "target": id, "options": {}})).await;
        client.until(None, |it| it["type"] == "ack").await;
    }
    let events = page(&server, &format!("entity={name}&by=users")).await;
    assert_eq!(actions(&events), ["remove", "unpause", "start"]);
    assert!(events.iter().all(|it| it["actor"] == "local" && it["id"] == id && it["name"] == name), "{events:?}");
    assert_eq!(events[2]["error"], Value::Null);
    assert!(events[1]["error"].as_str().unwrap().contains("not paused"), "{events:?}");
    server.stop().await;
}

#[tokio::test]
async fn refused_action_is_recorded_as_an_event() {
    let (docker, server) = (Docker::new(), TestServer::start(&["--read-only"]).await);
    let name = docker.create("kept", &[]).await;
    let id = docker.run(&["inspect", "--format", "{{.Id}}", &name]).await;
    let mut client = Client::connect(&server).await;
    client.until(None, |it| it.to_string().contains(&id)).await;
    client.say(json!({"type": "action", "id": "1", "action": "container.start", "target": id})).await;
    client.until(None, |it| it["type"] == "ack").await;
    let events = page(&server, "by=users").await;
    assert_eq!((&events[0]["name"], &events[0]["error"]), (&json!(name), &json!("This server is read-only")));
    server.stop().await;
}

#[tokio::test]
async fn events_are_paged_filtered_and_exported() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    server.until_listed().await;
    let mut client = Client::connect(&server).await;
    client.until(None, |it| it["type"] == "engine_state_update").await;
    let name = docker.create("one", &["--label", "a.label=x, \"y\""]).await;
    for verb in ["start", "pause", "unpause", "kill"] {
        docker.run(&[verb, &name]).await;
    }
    let is_dead = |it: &Value| it.to_string().contains(&name) && it.to_string().contains("exited");
    client.until(None, is_dead).await;
    let all = page(&server, &format!("entity={name}&since=1h")).await;
    assert_eq!(actions(&all), ["die", "kill", "unpause", "pause", "start", "create"]);
    assert_eq!(all[0]["attributes"]["exitCode"], "137");
    let first = page(&server, &format!("entity={name}&limit=4")).await;
    let rest = page(&server, &format!("entity={name}&before={}", first[3]["seq"])).await;
    assert_eq!([first, rest].concat(), all);
    let since = page(&server, &format!("entity={name}&after={}", all[2]["seq"])).await;
    assert_eq!(actions(&since), ["kill", "die"]);
    assert_eq!(actions(&page(&server, &format!("entity={name}&action=die,start")).await), ["die", "start"]);
    assert_eq!(page(&server, &format!("entity={name}&kind=image")).await.len(), 0);

    assert_eq!(page(&server, &format!("entity={name}&since=4294967295d")).await, all);
    let address = format!("/api/events?entity={name}&format=ndjson");
    for encoding in ["br", "gzip"] {
        let headers = format!("Accept-Encoding: {encoding}\r\n");
        let file = Raw::get_with(&server.url(), &address, &headers).await.whole().await;
        assert!(file.contains(&format!("content-encoding: {encoding}")), "{file}");
        assert!(file.ends_with("\r\n0\r\n\r\n"), "it ends with its last chunk");
    }
    let file = Raw::get(&server.url(), &address).await.whole().await;
    assert!(file.contains("attachment; filename=\"quaylight-events-") && file.contains(".ndjson\""), "{file}");
    let lines: Vec<Value> =
        file.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect();
    assert_eq!(lines, all);
    let file = Raw::get(&server.url(), &format!("/api/events?entity={name}&format=csv&limit=2")).await.whole().await;
    assert!(file.contains("\ntime,host,kind,") || file.contains("time,host,kind,"), "{file}");
    assert_eq!(file.matches(",container,die,").count() + file.matches(",container,kill,").count(), 2, "{file}");
    assert!(file.contains(r#"""a.label"":""x, \""y\""""#), "{file}");

    for query in ["since=yesterday", "limit=many", "format=xml", "by=me"] {
        let (status, body) = ask(&server.url(), "GET", &format!("/api/events?{query}"), "").await;
        assert_eq!(status, 400, "{query}: {body}");
        assert!(body.contains(query.split('=').nth(1).unwrap()), "{body}");
    }
    server.stop().await;
}

/// A page that awaits while it renders moves between threads: any thread-bound value would break the response.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_page_renders_under_concurrent_requests() {
    let server = TestServer::start(&[]).await;
    let page = async || {
        for _ in 0..40 {
            let page = Raw::get(&server.url(), "/events").await.whole().await;
            assert!(page.starts_with("HTTP/1.1 200") && page.contains("</html>"), "{page:.200}");
        }
    };
    join_all((0..50).map(|_| page())).await;
    server.stop().await;
}
