//! Management of containers, images, volumes and networks on Podman 4.3's Docker API: the same as on Docker, except for
//! missing features, which are reported.

use crate::{
    live::Client,
    podman_service::Podman,
    raw_http::{ask, download, download_by_post, post},
    support::{TestServer, eventually, hint_of, local},
};
use quaylight::{
    model::{Action, ContainerAction, ContainerId, Lack, NetworkAction},
    server::engine::{Shell, WritableEngine},
    wire::{ActionError, ErrorKind},
};
use serde_json::{Value, json};
use std::time::Duration;

const IMAGE: &str = "localhost/quaylight-test/busybox:1";

async fn done(client: &mut Client, action: &str, target: &str, options: Value) -> Value {
    let ack = client.act(action, target, options).await;
    assert_eq!(ack["ok"], true, "{action}: {ack}");
    ack["result"].clone()
}

/// Starts a long action and returns its finished task.
async fn ended(server: &TestServer, client: &mut Client, action: &str, target: &str, options: Value) -> Value {
    let id = done(client, action, target, options).await["task"].as_u64().expect("a task");
    task(server, id).await
}

async fn task(server: &TestServer, id: u64) -> Value {
    let find = async || {
        let (_, body) = ask(&server.url(), "GET", "/api/tasks", "").await;
        let all: Value = serde_json::from_str(&body).unwrap();
        all["tasks"].as_array().unwrap().iter().find(|it| it["id"] == id).cloned().expect("the task is there")
    };
    eventually(Duration::from_secs(30), "the task to end", async || find().await["state"] != "running").await;
    find().await
}

#[tokio::test]
async fn containers_are_created_recreated_and_committed() {
    let podman = Podman::start().await;
    let server = TestServer::at(&podman.url(), &[]).await;
    let mut client = Client::connect(&server).await;
    let spec = json!({
        "image": IMAGE, "command": ["sleep", "600"], "env": ["A=1"], "labels": {"team": "web"},
        "networks": [{"name": "none"}], "limits": {"pids": 50}, "stop_signal": "SIGKILL",
    });
    let made = ended(&server, &mut client, "container.create", "web", json!({"spec": spec})).await;
    assert_eq!(made["state"], "done", "{made}");
    let id = podman.run(&["inspect", "--format", "{{.Id}}", "web"]).await;
    assert_eq!(
        podman.run(&["inspect", "--format", "{{.Config.Labels.team}} {{.State.Status}}", "web"]).await,
        "web running"
    );

    let mut changed = spec.clone();
    changed["env"] = json!(["A=2"]);
    let recreated = ended(&server, &mut client, "container.recreate", &id, json!({"spec": changed})).await;
    assert_eq!(recreated["state"], "done", "{recreated}");
    let second = podman.run(&["inspect", "--format", "{{.Id}}", "web"]).await;
    assert_ne!(second, id);
    assert!(podman.run(&["inspect", "--format", "{{.Config.Env}}", "web"]).await.contains("A=2"));
    let image = done(&mut client, "container.commit", &second, json!({"name": "localhost/saved:1"})).await;
    assert!(image["id"].as_str().is_some_and(|id| !id.is_empty()), "{image}");
    podman.run(&["image", "exists", "localhost/saved:1"]).await;

    // An impossible creation is reported, and leaves nothing behind.
    let broken = json!({"image": IMAGE, "command": ["/none"], "networks": [{"name": "none"}]});
    let failed = ended(&server, &mut client, "container.create", "broken", json!({"spec": broken})).await;
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(podman.attempt(&["container", "exists", "broken"]).await.is_err());
    done(&mut client, "container.remove", &second, json!({"force": true})).await;
    server.stop().await;
}

#[tokio::test]
async fn images_are_built_tagged_pruned_exported_and_imported() {
    let podman = Podman::start().await;
    let server = TestServer::at(&podman.url(), &[]).await;
    let mut client = Client::connect(&server).await;
    let dockerfile = format!("FROM {IMAGE}\nLABEL team=web\n");
    let built =
        ended(&server, &mut client, "image.build", "localhost/built:1", json!({"dockerfile": dockerfile})).await;
    assert_eq!(built["state"], "done", "{built}");
    let id = podman.run(&["image", "inspect", "--format", "{{.Id}}", "localhost/built:1"]).await;
    done(&mut client, "image.tag", &id, json!({"name": "localhost/other:2"})).await;
    podman.run(&["image", "exists", "localhost/other:2"]).await;
    done(&mut client, "image.untag", &id, json!({"name": "localhost/built:1"})).await;
    assert!(podman.attempt(&["image", "exists", "localhost/built:1"]).await.is_err());
    let tar = download(&server.url(), "/api/images/export?name=localhost/other:2").await;
    let pruned = ended(&server, &mut client, "host.prune", "local", json!({"images": [id]})).await;
    assert_eq!(pruned["state"], "done", "{pruned}");
    let (status, body) = post(&server.url(), "/api/images/import", "application/x-tar", &tar).await;
    assert_eq!(status, 200, "{body}");
    let id = serde_json::from_str::<Value>(&body).unwrap()["task"].as_u64().unwrap();
    let imported = task(&server, id).await;
    assert_eq!(imported["state"], "done", "{imported}");
    podman.run(&["image", "exists", "localhost/other:2"]).await;
    server.stop().await;
}

#[tokio::test]
async fn files_and_volumes_are_read_and_written() {
    let podman = Podman::start().await;
    let server = TestServer::at(&podman.url(), &[]).await;
    let run = ["run", "--detach", "--name", "shelf", "--network", "none", "--volume", "data:/v", IMAGE];
    let make = "mkdir -p /shelf && printf text > /shelf/file && printf kept > /v/file && exec sleep 600";
    let id = podman.run(&[&run[..], &["sh", "-c", make]].concat()).await;
    eventually(Duration::from_secs(10), "the files to be there", async || {
        podman.attempt(&["exec", "shelf", "cat", "/v/file"]).await.is_ok_and(|it| it == "kept")
    })
    .await;
    let files = format!("/api/containers/{id}/files");
    assert_eq!(download(&server.url(), &format!("{files}?path=/shelf/file")).await, b"text");
    let (status, body) =
        post(&server.url(), &format!("{files}?path=/shelf&name=up"), "application/octet-stream", b"put").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(podman.run(&["exec", "shelf", "cat", "/shelf/up"]).await, "put");

    let tar = download_by_post(&server.url(), "/api/volumes/data/backup").await;
    podman.run(&["volume", "create", "copy"]).await;
    let (status, body) = post(&server.url(), "/api/volumes/copy/restore", "application/x-tar", &tar).await;
    assert_eq!(status, 200, "{body}");
    let restored = task(&server, serde_json::from_str::<Value>(&body).unwrap()["task"].as_u64().unwrap()).await;
    assert_eq!(restored["state"], "done", "{restored}");
    assert_eq!(download_by_post(&server.url(), "/api/volumes/copy/download?path=/file").await, b"kept");
    podman.run(&["rm", "--force", "--time", "0", "shelf"]).await;
    server.stop().await;
}

#[tokio::test]
async fn container_and_engine_details_are_read() {
    let podman = Podman::start().await;
    let engine = WritableEngine::new(local(), podman.url().parse().unwrap());
    let run =
        ["run", "--detach", "--name", "web", "--network", "none", "--env", "TOKEN=s3cret", "--memory", "64m", IMAGE];
    let id = podman.run(&[&run[..], &["sh", "-c", "printf x > /new && exec sleep 600"]].concat()).await;
    let id = ContainerId::new(&id).unwrap();
    let inspected = engine.inspect(&id).await.unwrap();
    assert!(inspected.environment.contains(&"TOKEN".to_owned()) && !inspected.json.contains("s3cret"));
    assert_eq!(engine.variable(&id, "TOKEN").await.unwrap().as_deref(), Some("s3cret"));
    let processes = engine.processes(&id).await.unwrap();
    assert!(processes.rows.iter().flatten().any(|it| it.contains("sleep")), "{processes:?}");
    let is_new = async || engine.file_changes(&id).await.unwrap().iter().any(|it| it.path == "/new");
    eventually(Duration::from_secs(10), "the file to be a change", is_new).await;
    // Podman's own settings are not part of the recipe.
    let recipe = engine.recipe(&id).await.unwrap().unwrap();
    let spec = recipe.spec;
    assert_eq!((spec.env, recipe.left_out), (vec!["TOKEN=s3cret".to_owned()], Vec::new()));
    assert_eq!((spec.pid_mode, spec.ipc_mode, spec.runtime, spec.shm_size), (None, None, None, None));
    let image = engine.images().await.unwrap().remove(0);
    assert!(!engine.image_details(&image.id).await.unwrap().layers.is_empty());
    let usage = engine.disk_usage().await.unwrap();
    assert!(usage.images.iter().any(|(it, _)| *it == image.id), "{usage:?}");

    let facts = engine.describe().await.unwrap().1;
    // Podman 5 changes limits, and its builder supports the newer syntax.
    let version = podman.run(&["version", "--format", "{{.Version}}"]).await;
    let is_old = version.starts_with("4.");
    let old = [Lack::Update, Lack::BuildCache, Lack::FileOwners, Lack::Heredocs, Lack::LinkedCopies];
    let lacks = if is_old { &old[..] } else { &[Lack::BuildCache] };
    assert_eq!((&*facts.product, &*facts.lacks), ("Podman", lacks));
    let shell = Shell { command: Some("echo $((40 + 2))".into()), columns: 80, rows: 24, ..Shell::default() };
    let mut terminal = engine.terminal(&id, shell).await.unwrap();
    let mut said = Vec::new();
    while let Some(bytes) = terminal.reader.next().await {
        said.extend(bytes);
    }
    assert!(String::from_utf8_lossy(&said).contains("42"), "{said:?}");
    assert_eq!(terminal.exec.exit_code().await.unwrap(), Some(0));

    engine.act_on_container(&id, ContainerAction::Pause).await.unwrap();
    engine.act_on_container(&id, ContainerAction::Stop { timeout: Some(0) }).await.unwrap();
    let refused = ActionError::from(engine.processes(&id).await.unwrap_err());
    assert_eq!((refused.kind, hint_of(&refused).as_str()), (ErrorKind::Conflict, "Start it first."));
    podman.run(&["rm", "--force", "--time", "0", "web"]).await;
}

#[tokio::test]
async fn network_in_use_is_not_removed() {
    let podman = Podman::start().await;
    let engine = WritableEngine::new(local(), podman.url().parse().unwrap());
    podman.run(&["network", "create", "front"]).await;
    podman.run(&["run", "--detach", "--name", "web", "--network", "front", IMAGE]).await;
    let network = engine.networks().await.unwrap().into_iter().find(|it| it.name == "front").unwrap();
    let remove = Action::Network(local(), network.id.clone(), NetworkAction::Remove);
    let refused = ActionError::from(engine.act(&remove).await.unwrap_err());
    assert_eq!(hint_of(&refused), "Disconnect its containers first.");
    podman.run(&["rm", "--force", "--time", "0", "web"]).await;
    engine.act(&remove).await.unwrap();
    assert!(engine.network(&network.id).await.unwrap().is_none());
}
