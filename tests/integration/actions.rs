//! Actions on images, volumes, networks and names over the socket: performed on the real engine, or refused with a hint
//! and without partial effects.

use crate::{
    live::Client,
    raw_http::{Raw, ask, post_with_key},
    support::{Docker, IMAGE, TIMEOUT, TestServer, eventually},
};
use futures::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

impl Client {
    /// Sends an action and returns its ack.
    pub async fn act(&mut self, action: &str, target: &str, options: Value) -> Value {
        let id = format!("{action} {target} {options}");
        let request = json!({"type": "action", "id": id, "action": action, "target": target, "options": options});
        self.0.send(Message::text(request.to_string())).await.unwrap();
        self.until(None, |message| message["type"] == "ack" && message["id"] == *id).await
    }

    /// Performs an action and returns the id of the created object.
    async fn does(&mut self, action: &str, target: &str, options: Value) -> Option<String> {
        let ack = self.act(action, target, options).await;
        assert_eq!(ack["ok"], true, "{ack}");
        ack["result"]["id"].as_str().map(str::to_owned)
    }

    /// Expects an action to be refused; returns the error message and its hint.
    async fn is_refused(&mut self, kind: &str, action: &str, target: &str, options: Value) -> String {
        let ack = self.act(action, target, options).await;
        assert_eq!((&ack["ok"], ack["error"]["kind"].as_str()), (&Value::Bool(false), Some(kind)), "{ack}");
        format!("{} {}", ack["error"]["message"].as_str().unwrap(), ack["error"]["hint"].as_str().unwrap_or_default())
    }
}

async fn inspected(docker: &Docker, what: &str, format: &str, name: &str) -> String {
    docker.run(&[what, "inspect", "--format", format, name]).await
}

#[tokio::test]
async fn volume_is_created_once_and_removed_only_when_unused() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    let name = docker.name("data");
    let (key, value) = docker.label().split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap();
    let labels = json!({"labels": {key: value, "team": "web"}});
    assert_eq!(client.does("volume.create", &name, labels.clone()).await.as_deref(), Some(&*name));
    assert_eq!(inspected(&docker, "volume", "{{.Driver}} {{.Labels.team}}", &name).await, "local web");
    let words = client.is_refused("conflict", "volume.create", &name, labels).await;
    assert!(words.contains("already exists"), "{words}");

    let container = docker.create("user", &["--volume", &format!("{name}:/data")]).await;
    let words = client.is_refused("conflict", "volume.remove", &name, json!({})).await;
    assert!(words.contains("Remove the containers that use it first"), "{words}");
    docker.run(&["rm", "--force", &container]).await;
    client.does("volume.remove", &name, json!({})).await;
    client.is_refused("not_found", "volume.remove", &name, json!({})).await;
    client.is_refused("invalid", "volume.create", "../x", json!({})).await;
    server.stop().await;
}

#[tokio::test]
async fn network_is_created_connected_disconnected_and_removed() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    let name = docker.name("front");
    let (key, value) = docker.label().split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap();
    let new = json!({"subnet": "10.213.7.0/24", "gateway": "10.213.7.1", "internal": true, "labels": {key: value}});
    let id = client.does("network.create", &name, new.clone()).await.unwrap();
    let format = "{{.Id}} {{.Driver}} {{.Internal}} {{(index .IPAM.Config 0).Subnet}}";
    assert_eq!(inspected(&docker, "network", format, &name).await, format!("{id} bridge true 10.213.7.0/24"));
    let words = client.is_refused("conflict", "network.create", &name, json!({})).await;
    assert!(words.contains("already exists"), "{words}");

    let container = docker.name("member");
    let create = ["create", "--name", &container, "--label", &docker.label(), "--network", &name, IMAGE];
    let container_id = docker.run(&[&create[..], &["sleep", "600"]].concat()).await;
    client.does("network.disconnect", &id, json!({"container": container_id})).await;
    client.does("network.connect", &id, json!({"container": container_id, "ip": "10.213.7.9"})).await;
    docker.run(&["start", &container]).await;
    let ip = format!("{{{{(index .NetworkSettings.Networks \"{name}\").IPAddress}}}}");
    assert_eq!(inspected(&docker, "container", &ip, &container).await, "10.213.7.9");

    let words = client.is_refused("conflict", "network.remove", &id, json!({})).await;
    assert!(words.contains("Disconnect its containers first"), "{words}");
    client.does("network.disconnect", &id, json!({"container": container_id, "force": true})).await;
    client.does("network.remove", &id, json!({})).await;
    client.is_refused("not_found", "network.remove", &id, json!({})).await;
    server.stop().await;
}

#[tokio::test]
async fn image_is_tagged_untagged_and_removed_completely_or_not_at_all() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    let (first, second) = (docker.name("web:1"), docker.name("web:2"));
    // A separate image, not just another name of the one that all tests use.
    let made = docker.create("made", &[]).await;
    let id = docker.run(&["commit", "--message", &first, &made, &first]).await;
    client.does("image.tag", &id, json!({"name": second})).await;
    let tags = async || inspected(&docker, "image", "{{join .RepoTags \",\"}}", &id).await;
    assert_eq!(tags().await, format!("{first},{second}"));
    let words = client.is_refused("not_found", "image.untag", &id, json!({"name": IMAGE})).await;
    assert!(words.contains(IMAGE), "{words}");

    let user = docker.name("user");
    docker.run(&["run", "--detach", "--name", &user, "--label", &docker.label(), "--network", "none", &first]).await;
    let words = client.is_refused("conflict", "image.remove", &id, json!({"force": true})).await;
    assert!(words.contains("Remove the containers that use it first"), "{words}");
    assert_eq!(tags().await, format!("{first},{second}"), "none of its names is gone");

    client.does("image.untag", &id, json!({"name": second})).await;
    assert_eq!(tags().await, first);
    client.does("image.tag", &id, json!({"name": second})).await;
    docker.run(&["rm", "--force", &user]).await;
    client.does("image.remove", &id, json!({})).await;
    assert_eq!(docker.images(&["--quiet", "--no-trunc", "--filter", &format!("reference={first}")]).await, "");
    client.is_refused("not_found", "image.remove", &id, json!({})).await;
    client.is_refused("invalid", "image.tag", &id, json!({"name": "a//b"})).await;
    server.stop().await;
}

#[tokio::test]
async fn a_container_is_renamed_unless_the_name_is_taken() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    let (old, other) = (docker.create("old", &[]).await, docker.create("other", &[]).await);
    let id = inspected(&docker, "container", "{{.Id}}", &old).await;
    let words = client.is_refused("conflict", "container.rename", &id, json!({"name": other})).await;
    assert!(words.contains("Use a different name"), "{words}");
    let new = docker.name("new");
    client.does("container.rename", &id, json!({"name": new})).await;
    assert_eq!(inspected(&docker, "container", "{{.Name}}", &id).await, format!("/{new}"));
    client.is_refused("invalid", "container.rename", &id, json!({"name": "a b"})).await;
    server.stop().await;
}

#[tokio::test]
async fn repeated_action_with_the_same_key_runs_once() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let (url, path) = (server.url(), "/api/actions/volume.create");
    let (key, value) = docker.label().split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap();
    let body = |name: &str| json!({"target": docker.name(name), "options": {"labels": {&key: value}}}).to_string();

    // At once, then later. Without the key it is another request.
    let first = body("first");
    let both = tokio::join!(post_with_key(&url, path, "one", &first), post_with_key(&url, path, "one", &first));
    assert_eq!((both.0.0, &both.0), (200, &both.1), "{both:?}");
    assert_eq!(post_with_key(&url, path, "one", &first).await, both.0);
    assert_eq!(ask(&url, "POST", path, &first).await.0, 409);

    // Errors are repeated too, and a key stands for one request.
    let refused = post_with_key(&url, path, "two", &first).await;
    docker.run(&["volume", "rm", &docker.name("first")]).await;
    assert_eq!((refused.0, post_with_key(&url, path, "two", &first).await), (409, refused));
    assert_eq!(post_with_key(&url, path, "one", &body("other")).await.0, 422);
    assert_eq!(post_with_key(&url, path, &"k".repeat(129), &first).await.0, 400);

    // Its client disconnects without reading the response.
    let second = body("second");
    let unread = Raw::post_with(&url, path, "Idempotency-Key: three\r\n", second.as_bytes()).await;
    eventually(TIMEOUT, "the volume exists", async || {
        docker.run(&["volume", "ls", "--quiet"]).await.lines().any(|it| it == docker.name("second"))
    })
    .await;
    drop(unread);
    assert_eq!(post_with_key(&url, path, "three", &second).await.0, 200);
    server.stop().await;
}
