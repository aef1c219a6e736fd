//! Long-running tasks: pull from and push to a real registry, build, import, remove. All clients see them, any client
//! can cancel them, and failures include a hint.

use crate::{
    live::Client,
    raw_http::{self, Raw, post},
    registry::{PASSWORD, Registry, SlowWay, USER},
    support::{Docker, IMAGE, TIMEOUT, TestServer, eventually},
};
use futures::SinkExt;
use quaylight::model::{HostId, RegistryLogin};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

impl Client {
    pub async fn watch_tasks(&mut self) -> Value {
        let request = json!({"type": "subscribe", "channels": ["tasks"]});
        self.0.send(Message::text(request.to_string())).await.unwrap();
        self.until(None, |message| message["type"] == "tasks").await
    }

    /// Starts a long action; returns the task's id.
    pub async fn starts(&mut self, action: &str, target: &str, options: Value) -> u64 {
        let ack = self.act(action, target, options).await;
        assert_eq!(ack["ok"], true, "{ack}");
        ack["result"]["task"].as_u64().expect("a task")
    }

    pub async fn until_task(&mut self, id: u64, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until(None, |message| message["type"] == "task" && message["id"] == id && is_so(message)).await
    }

    pub async fn ended(&mut self, id: u64) -> Value {
        self.until_task(id, |task| task["state"] != "running").await
    }
}

async fn ask(server: &TestServer, path: &str) -> Value {
    let (status, body) = raw_http::ask(&server.url(), "GET", path, "").await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The message of a task's end may arrive before the ack of its cancellation, so the state is polled instead.
async fn state_at_the_end(server: &TestServer, id: u64) -> Value {
    let state = async || {
        let tasks = ask(server, "/api/tasks").await;
        let its = tasks["tasks"].as_array().into_iter().flatten().find(|it| it["id"] == id).cloned();
        its.expect("it is listed")["state"].clone()
    };
    eventually(TIMEOUT, "it is over", async || state().await != "running").await;
    state().await
}

/// Uploads a tar; returns the id of the task that processes it.
pub async fn upload(server: &TestServer, path: &str, tar: &[u8]) -> u64 {
    let (status, body) = post(&server.url(), path, "application/x-tar", tar).await;
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["task"].as_u64().unwrap()
}

/// Creates an image with an incompressible layer of this many megabytes. Returns its id.
async fn image(docker: &Docker, name: &str, megabytes: u32) -> String {
    let made = docker.name("made");
    let write = format!("dd if=/dev/urandom of=/noise bs=1M count={megabytes} 2>/dev/null");
    let label = docker.label();
    let run = ["run", "--name", &made, "--label", &label, "--network", "none", IMAGE, "sh", "-c", &write];
    docker.run(&run).await;
    let id = docker.run(&["commit", &made, name]).await;
    docker.run(&["rm", &made]).await;
    id
}

async fn has(docker: &Docker, name: &str) -> bool {
    !docker.images(&["--quiet", "--filter", &format!("reference={name}")]).await.is_empty()
}

#[tokio::test]
async fn image_is_pushed_and_pulled_with_progress_for_all_clients() {
    let (docker, server, registry) = (Docker::new(), TestServer::start(&[]).await, Registry::open().await);
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    client.watch_tasks().await;
    other.watch_tasks().await;
    let name = format!("{}/{}", registry.address, docker.name("web:1"));
    image(&docker, &name, 8).await;

    let push = client.starts("image.push", &name, json!({})).await;
    let pushed = client.ended(push).await;
    assert_eq!((&pushed["state"], &pushed["kind"]), (&json!("done"), &json!("push")), "{pushed}");
    assert!(pushed["words"].as_str().unwrap().contains(&name), "{pushed}");

    docker.run(&["rmi", &name]).await;
    let pull = client.starts("image.pull", &name, json!({})).await;
    // Another tab sees the same.
    let done = other.ended(pull).await;
    assert_eq!((&done["state"], &done["progress"]["permille"]), (&json!("done"), &json!(1000)), "{done}");
    assert!(done["words"].as_str().unwrap().contains("Downloaded newer image"), "{done}");
    assert!(has(&docker, &name).await);

    // A client that connects later receives both at once, and the history has them.
    let received = Client::connect(&server).await.watch_tasks().await;
    let ids: Vec<_> = received["tasks"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [push, pull]);
    let listed = ask(&server, "/api/tasks").await;
    assert_eq!(listed["tasks"].as_array().unwrap().len(), 2);
    let events = ask(&server, "/api/events?kind=image&by=users").await;
    let actions: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["pull", "push"]);
    server.stop().await;
}

#[tokio::test]
async fn registry_sign_in_is_requested_and_its_password_never_shown() {
    use quaylight::server::{
        clock::Clock,
        engine::WritableEngine,
        registries::{self, Registries},
        vault::Vault,
    };
    let (docker, registry) = (Docker::new(), Registry::closed().await);
    let server = TestServer::start(&[]).await;
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let name = format!("{}/{}", registry.address, docker.name("secret:1"));
    docker.run(&["tag", IMAGE, &name]).await;
    let push = client.starts("image.push", &name, json!({})).await;
    let refused = client.ended(push).await;
    assert_eq!(refused["state"], "failed", "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("Sign in"), "{refused}");
    let pull = client.starts("image.pull", &name, json!({})).await;
    assert!(client.ended(pull).await["hint"].as_str().unwrap().contains("Sign in"));
    server.stop().await;

    // With the right password, through the engine itself.
    let engine = WritableEngine::new(HostId::new("local").unwrap(), crate::support::engine_url().parse().unwrap());
    let login = |password: &str| RegistryLogin {
        registry: registry.address.clone(),
        username: USER.into(),
        password: password.into(),
    };
    let wrong = engine.sign_in(&registries::credentials(login("wrong")).unwrap()).await;
    let words = quaylight::wire::ActionError::from(wrong.unwrap_err());
    assert!(crate::support::hint_of(&words).contains("Sign in"), "{words:?}");
    let credentials = registries::credentials(login(PASSWORD)).unwrap();
    engine.sign_in(&credentials).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = quaylight::server::history::Settings {
        folder: Some(folder.path().to_owned()),
        limits: Default::default(),
        retry: quaylight::server::history::Settings::RETRY,
    };
    let history = quaylight::server::history::History::start(settings, Clock::SYSTEM).await;
    let kept = Registries::load(history.clone(), Vault::open(Some(folder.path())), None).await;
    kept.keep(credentials.clone()).await.unwrap();
    history.close().await;
    let on_disk =
        std::fs::read_dir(folder.path()).unwrap().flat_map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let on_disk = String::from_utf8_lossy(&on_disk.collect::<Vec<_>>()).into_owned();
    assert!(on_disk.contains(&registry.address) && !on_disk.contains(PASSWORD), "it is kept sealed");

    // A server that finds the stored login uses it.
    let server = TestServer::in_folder(folder).await;
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let push = client.starts("image.push", &name, json!({})).await;
    let done = client.ended(push).await;
    assert_eq!(done["state"], "done", "{done}");
    docker.run(&["rmi", &name]).await;
    let pull = client.starts("image.pull", &name, json!({})).await;
    assert_eq!(client.ended(pull).await["state"], "done");
    server.stop().await;
}

#[tokio::test]
async fn cancelled_pull_can_be_started_again() {
    let (docker, server, registry) = (Docker::new(), TestServer::start(&[]).await, Registry::open().await);
    let slow = SlowWay::to(&registry, 2 << 20).await;
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let name = docker.name("slow:1");
    let (direct, by_way) = (format!("{}/{name}", registry.address), format!("{}/{name}", slow.address));
    image(&docker, &direct, 8).await;
    docker.run(&["push", "--quiet", &direct]).await;
    docker.run(&["rmi", &direct]).await;

    let pull = client.starts("image.pull", &by_way, json!({})).await;
    let halfway = client.until_task(pull, |task| task["progress"]["bytes"].as_u64() > Some(0)).await;
    assert!(halfway["parts"].as_array().unwrap().iter().any(|it| it["total"].as_u64() > Some(0)), "{halfway}");
    let permille = halfway["progress"]["permille"].as_u64().unwrap();
    assert!((1..500).contains(&permille), "{halfway}");
    let ack = client.act("task.cancel", &pull.to_string(), json!({})).await;
    assert_eq!(ack["ok"], true, "{ack}");
    assert_eq!(state_at_the_end(&server, pull).await, "cancelled");
    let ack = client.act("task.cancel", &pull.to_string(), json!({})).await;
    assert_eq!(ack["error"]["kind"], "conflict", "{ack}");
    assert!(!has(&docker, &by_way).await, "nothing half done");
    slow.open();
    let again = client.starts("image.pull", &by_way, json!({})).await;
    assert_eq!(client.ended(again).await["state"], "done");
    docker.run(&["rmi", &by_way]).await;
    server.stop().await;
}

#[tokio::test]
async fn failed_pull_reports_its_cause_and_a_hint() {
    let (docker, server, mut registry) = (Docker::new(), TestServer::start(&[]).await, Registry::open().await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let name = format!("{}/{}", registry.address, docker.name("nothing:1"));
    let missing = client.starts("image.pull", &name, json!({})).await;
    let failed = client.ended(missing).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["words"].as_str().unwrap().contains("Image not found"), "{failed}");
    assert!(failed["hint"].as_str().unwrap().contains("Check the image name and tag"), "{failed}");

    // The registry disappears in the middle.
    let slow = SlowWay::to(&registry, 2 << 20).await;
    let name = docker.name("broken:1");
    let (direct, by_way) = (format!("{}/{name}", registry.address), format!("{}/{name}", slow.address));
    // More than the socket buffers between them hold.
    image(&docker, &direct, 32).await;
    docker.run(&["push", "--quiet", &direct]).await;
    docker.run(&["rmi", &direct]).await;
    let pull = client.starts("image.pull", &by_way, json!({})).await;
    client.until_task(pull, |task| task["progress"]["bytes"].as_u64() > Some(0)).await;
    registry.stop().await;
    slow.open();
    // The engine retries for a minute or more before it gives up. With containerd's image store it retries silently, or
    // gives up at once.
    let is_in_containerd =
        docker.run(&["info", "--format", "{{.DriverStatus}}"]).await.contains("io.containerd.snapshotter");
    if !is_in_containerd {
        client.until_task(pull, |task| task["parts"].to_string().contains("Retrying in")).await;
    }
    client.act("task.cancel", &pull.to_string(), json!({})).await;
    let state = state_at_the_end(&server, pull).await;
    assert!(state == "cancelled" || is_in_containerd && state == "failed", "{state}");
    assert!(!has(&docker, &by_way).await);

    let ack = client.act("image.pull", "../x", json!({})).await;
    assert_eq!(ack["error"]["kind"], "invalid", "{ack}");
    server.stop().await;
    let server = TestServer::start(&["--read-only"]).await;
    let mut client = Client::connect(&server).await;
    for (action, target, options) in [
        ("image.pull", "web:1", json!({})),
        ("image.push", "web:1", json!({})),
        ("image.build", "web:1", json!({"dockerfile": "FROM scratch"})),
        ("host.prune", "local", json!({"images": ["0123456789ab"]})),
        ("task.cancel", "1", json!({})),
    ] {
        let ack = client.act(action, target, options).await;
        assert_eq!(ack["error"]["kind"], "forbidden", "{ack}");
    }
    server.stop().await;
}

/// A browser resends an upload when its connection breaks: a failed or cancelled one must not start again.
#[tokio::test]
async fn repeated_upload_starts_only_one_task() {
    let server = TestServer::start(&[]).await;
    let import = async |key: &str| {
        let headers = format!("Idempotency-Key: {key}\r\n");
        raw_http::Raw::post_with(&server.url(), "/api/images/import?file=no.tar", &headers, b"no tar")
            .await
            .whole()
            .await
    };
    let (first, again, other) = (import("a").await, import("a").await, import("b").await);
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    assert!(again.starts_with("HTTP/1.1 409") && again.contains("This upload was already received"), "{again}");
    assert!(other.starts_with("HTTP/1.1 200"), "{other}");
    let (_, tasks) = raw_http::ask(&server.url(), "GET", "/api/tasks", "").await;
    assert_eq!(tasks.matches("no.tar").count(), 2, "{tasks}");
    server.stop().await;
}

#[tokio::test]
async fn build_keeps_its_output_and_reports_the_failing_step() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let name = docker.name("built:1");
    let label = docker.label();
    let dockerfile = format!(
        "FROM {IMAGE}\nLABEL {label}\nARG WORD=none\nRUN echo said $WORD; for i in $(seq 100); do echo line $i; done\n"
    );
    let options = json!({"dockerfile": dockerfile, "args": {"WORD": "hello"}, "no_cache": true});
    let build = client.starts("image.build", &name, options).await;
    let done = client.ended(build).await;
    assert_eq!(done["state"], "done", "{done}");
    assert!(has(&docker, &name).await);
    assert!(done["earlier_lines"].as_u64() > Some(0), "only the latest lines are sent");
    let whole = raw_http::ask(&server.url(), "GET", &format!("/api/tasks/{build}/output"), "").await.1;
    assert!(whole.contains("said hello") && whole.contains("line 1\n") && whole.contains("line 100"), "{whole}");

    let options = json!({"dockerfile": format!("FROM {IMAGE}\nLABEL {label}\nRUN exit 7\n")});
    let failed = client.starts("image.build", &docker.name("never:1"), options).await;
    let failed = client.ended(failed).await;
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(failed["words"].as_str().unwrap().contains("exit code: 7"), "{failed}");
    assert_eq!(failed["hint"], "Line 3 of the Dockerfile: RUN exit 7", "{failed}");
    assert!(!has(&docker, &docker.name("never:1")).await);
    server.stop().await;
}

#[tokio::test]
async fn image_is_built_from_a_tar_exported_and_imported() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let name = docker.name("of-tar:1");
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in [("Dockerfile", format!("FROM {IMAGE}\nCOPY said /said\n")), ("said", "from the tar".into())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    let context = tar.into_inner().unwrap();
    let task = upload(&server, &format!("/api/images/build?name={name}"), &context).await;
    let built = client.ended(task).await;
    assert_eq!(built["state"], "done", "{built}");
    let said = ["run", "--rm", "--label", &docker.label(), "--network", "none", &name, "cat", "/said"];
    assert_eq!(docker.run(&said).await, "from the tar");

    let saved = raw_http::download(&server.url(), &format!("/api/images/export?name={name}")).await;
    let exported =
        client.until(None, |it| it["type"] == "task" && it["kind"] == "export" && it["state"] == "done").await;
    assert_eq!(exported["progress"]["bytes"].as_u64(), Some(saved.len() as u64), "{exported}");
    docker.run(&["rmi", &name]).await;
    let import = upload(&server, "/api/images/import?file=saved.tar", &saved).await;
    let imported = client.ended(import).await;
    assert_eq!(imported["state"], "done", "{imported}");
    assert!(imported["words"].as_str().unwrap().contains(&name), "{imported}");
    assert!(has(&docker, &name).await);

    // An interrupted upload is not taken for a complete one, even where it could be.
    docker.run(&["rmi", &name]).await;
    Raw::broken_off(&server.url(), "/api/images/import?file=half.tar", saved.len() + 1, &saved).await;
    let broken =
        client.until(None, |it| it["type"] == "task" && it["subject"] == "half.tar" && it["state"] != "running");
    let broken = broken.await;
    assert_eq!(broken["state"], "failed", "{broken}");

    let import = upload(&server, "/api/images/import?file=no.tar", &b"this is no tar".repeat(100)).await;
    let failed = client.ended(import).await;
    assert_eq!(failed["state"], "failed", "{failed}");
    server.stop().await;
}

#[tokio::test]
async fn prune_removes_only_selected_resources_that_are_not_in_use() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let (unused, used, bystander) =
        (docker.volume("unused").await, docker.volume("used").await, docker.volume("other").await);
    let holder = docker.create("holder", &["--volume", &format!("{used}:/data")]).await;
    let stopped = docker.create("stopped", &[]).await;
    let id = async |name: &str| docker.run(&["container", "inspect", "--format", "{{.Id}}", name]).await;
    let network = docker.network("empty").await;
    let network_id = docker.run(&["network", "inspect", "--format", "{{.Id}}", &network]).await;
    let loose = image(&docker, &docker.name("loose:1"), 2).await;
    let options = json!({
        "containers": [id(&stopped).await], "volumes": [unused, used], "networks": [network_id], "images": [loose],
    });
    let prune = client.starts("host.prune", "local", options).await;
    let ended = client.ended(prune).await;
    assert_eq!(ended["state"], "failed", "{ended}");
    assert!(ended["words"].as_str().unwrap().starts_with("4 removed"), "{ended}");
    let kept: Vec<_> = ended["parts"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(kept, [format!("volume {used}")], "{ended}");
    assert!(ended["parts"][0]["step"].as_str().unwrap().contains("Remove the containers that use it first"), "{ended}");
    let volumes = docker.run(&["volume", "ls", "--quiet", "--filter", &format!("label={}", docker.label())]).await;
    let mut left = [used, bystander];
    left.sort();
    assert_eq!(volumes, left.join("\n"));
    assert!(!has(&docker, &docker.name("loose:1")).await);
    docker.run(&["rm", &holder]).await;

    let protected = docker.create("protected", &["--label", "quaylight.protect=true"]).await;
    let protected = id(&protected).await;
    // Also by a prefix of its id, which an engine accepts.
    for named in [&protected, &protected[..12]] {
        let ack = client.act("host.prune", "local", json!({"containers": [named]})).await;
        assert_eq!(ack["error"]["kind"], "forbidden", "{ack}");
    }
    let ack = client.act("host.prune", "local", json!({})).await;
    assert_eq!(ack["error"]["kind"], "invalid", "{ack}");
    server.stop().await;
}

/// A container's inspect in this format.
async fn inspected(docker: &Docker, name: &str, format: &str) -> String {
    docker.run(&["container", "inspect", "--format", format, name]).await
}

#[tokio::test]
async fn create_pulls_a_missing_image() {
    let (docker, server, registry) = (Docker::new(), TestServer::start(&[]).await, Registry::open().await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let label = docker.label();
    let (key, value) = label.split_once('=').unwrap();
    let image_name = format!("{}/{}", registry.address, docker.name("app:1"));
    image(&docker, &image_name, 1).await;
    docker.run(&["push", "--quiet", &image_name]).await;
    docker.run(&["rmi", &image_name]).await;
    let name = docker.name("made");
    let spec = json!({
        "image": image_name, "command": ["sleep", "600"], "env": ["A=1"], "labels": {key: value},
        "networks": [{"name": "none"}], "limits": {"memory": 33554432},
    });
    let create = client.starts("container.create", &name, json!({"spec": spec})).await;
    let done = client.ended(create).await;
    assert_eq!(done["state"], "done", "{done}");
    // Engines add environment variables before or after it.
    let variable = r#"{{range .Config.Env}}{{if eq . "A=1"}}{{.}}{{end}}{{end}}"#;
    let format = format!("{{{{.State.Running}}}} {{{{.Config.Image}}}} {{{{.HostConfig.Memory}}}} {variable}");
    assert_eq!(inspected(&docker, &name, &format).await, format!("true {image_name} 33554432 A=1"));

    // Refused before anything is done, and after: nothing is left over.
    let ack = client.act("container.create", &name, json!({"spec": {"image": ""}})).await;
    assert_eq!(ack["error"]["kind"], "invalid", "{ack}");
    let taken = client.starts("container.create", &name, json!({"spec": spec})).await;
    let failed = client.ended(taken).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["hint"].as_str().unwrap().contains("Use a different name"), "{failed}");
    let never = docker.name("never");
    let mut bad = spec.clone();
    bad["command"] = json!(["/no/such/program"]);
    let failed = client.starts("container.create", &never, json!({"spec": bad})).await;
    assert_eq!(client.ended(failed).await["state"], "failed");
    assert_eq!(docker.run(&["ps", "--all", "--quiet", "--filter", &format!("name={never}")]).await, "");

    // Its environment is masked in every recipe, and a duplicate still has it.
    let id = inspected(&docker, &name, "{{.Id}}").await;
    let mut hidden = spec.clone();
    hidden["env"] = json!(["A=***", "B=2"]);
    let again = docker.name("again");
    let create =
        client.starts("container.create", &again, json!({"spec": hidden, "values_of": id, "start": false})).await;
    assert_eq!(client.ended(create).await["state"], "done");
    let format = "{{.State.Status}} {{json .Config.Env}}";
    let said = inspected(&docker, &again, format).await;
    assert!(said.starts_with("created") && said.contains("A=1") && said.contains("B=2"), "{said}");
    docker.run(&["rm", "--force", &name, &again]).await;
    docker.run(&["rmi", &image_name]).await;
    server.stop().await;
}

#[tokio::test]
async fn recreate_keeps_the_data_and_rolls_back_on_failure() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    client.watch_tasks().await;
    let (name, label) = (docker.name("web"), docker.label());
    let run = ["run", "--detach", "--name", &name, "--label", &label, "--network", "none", "--volume", "/data", IMAGE];
    let id = docker.run(&[&run[..], &["sh", "-c", "sleep 600"]].concat()).await;
    docker.run(&["exec", &name, "sh", "-c", "echo kept >/data/file"]).await;
    let (key, value) = label.split_once('=').unwrap();
    let spec = |command: Value| {
        json!({"spec": {
            "image": IMAGE, "command": command, "labels": {key: value, "team": "web"},
            "networks": [{"name": "none"}], "mounts": [{"target": "/data"}],
        }})
    };
    let is_known =
        async || raw_http::ask(&server.url(), "GET", &format!("/api/containers/{id}/logs?tail=1"), "").await.0 == 200;
    eventually(TIMEOUT, "it is known by its name", is_known).await;
    let recreate = client.starts("container.recreate", &id, spec(json!(["sleep", "601"]))).await;
    let done = client.ended(recreate).await;
    assert_eq!((&done["state"], &done["subject"]), (&json!("done"), &json!(name)), "{done}");
    let format = "{{.Id}} {{.State.Running}} {{.Config.Labels.team}} {{json .Config.Cmd}}";
    let said = inspected(&docker, &name, format).await;
    let new = said.split(' ').next().unwrap().to_owned();
    assert!(new != id && said.ends_with(r#"true web ["sleep","601"]"#), "{said}");
    assert_eq!(docker.run(&["exec", &name, "cat", "/data/file"]).await, "kept");

    // One that can't be created, one that can't be started, and one that exits at once.
    let mut no_image = spec(json!(["sleep", "602"]));
    no_image["spec"]["image"] = json!("127.0.0.1:1/nothing:1");
    let mut no_network = spec(json!(["sleep", "602"]));
    no_network["spec"]["networks"] = json!([{"name": "no-such-network"}]);
    for options in [no_image, no_network, spec(json!(["/no/such/program"])), spec(json!(["sh", "-c", "exit 3"]))] {
        let recreate = client.starts("container.recreate", &new, options.clone()).await;
        let failed = client.ended(recreate).await;
        assert_eq!(failed["state"], "failed", "{options}");
        assert_eq!(inspected(&docker, &name, format).await, said, "{failed}");
        assert_eq!(docker.run(&["exec", &name, "cat", "/data/file"]).await, "kept");
        let all = docker.run(&["ps", "--all", "--format", "{{.Names}}", "--filter", &format!("label={label}")]).await;
        assert_eq!(all, name, "nothing is left over");
    }
    // The new container took over the volume by name: no container removes it any more.
    let volume = inspected(&docker, &name, "{{(index .Mounts 0).Name}}").await;
    docker.run(&["rm", "--force", &name]).await;
    docker.run(&["volume", "rm", &volume]).await;
    let protected = docker.create("protected", &["--label", "quaylight.protect=true"]).await;
    let protected = inspected(&docker, &protected, "{{.Id}}").await;
    for named in [&protected, &protected[..12]] {
        let ack = client.act("container.recreate", named, spec(json!(["sleep", "1"]))).await;
        assert_eq!(ack["error"]["kind"], "forbidden", "{ack}");
    }
    server.stop().await;
}

#[tokio::test]
async fn running_container_is_updated_committed_and_exported() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let mut client = Client::connect(&server).await;
    let (name, label) = (docker.name("busy"), docker.label());
    let run = ["run", "--detach", "--name", &name, "--label", &label, "--network", "none", "--memory", "64m", IMAGE];
    let id = docker.run(&[&run[..], &["sleep", "600"]].concat()).await;
    let limits = json!({"limits": {"memory": 134217728, "millicpus": 500}, "restart": "on-failure:2"});
    let ack = client.act("container.update", &id, limits).await;
    assert_eq!(ack["ok"], true, "{ack}");
    let format =
        "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}} {{.State.Running}}";
    assert_eq!(inspected(&docker, &name, format).await, "134217728 500000000 on-failure true");
    let ack = client.act("container.update", &id, json!({"limits": {"memory": 1024}})).await;
    assert_eq!(ack["ok"], false, "{ack}");

    docker.run(&["exec", &name, "sh", "-c", "echo written >/note"]).await;
    let saved = docker.name("saved:1");
    let ack = client.act("container.commit", &id, json!({"name": saved, "message": "a note"})).await;
    assert_eq!(ack["ok"], true, "{ack}");
    assert!(ack["result"]["id"].as_str().unwrap().starts_with("sha256:"), "{ack}");
    let run = ["run", "--rm", "--label", &label, "--network", "none", &saved, "cat", "/note"];
    assert_eq!(docker.run(&run).await, "written");
    let tar = raw_http::download(&server.url(), &format!("/api/containers/{id}/export")).await;
    let mut tar = tar::Archive::new(&tar[..]);
    let paths: Vec<_> = tar.entries().unwrap().map(|it| it.unwrap().path().unwrap().display().to_string()).collect();
    assert!(paths.iter().any(|it| it == "note"), "{paths:?}");
    server.stop().await;
}
