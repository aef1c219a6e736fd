//! Recipes of containers: a recipe run by the docker CLI, by Compose and by Quaylight creates a container that differs
//! in ids and times only.

use crate::support::{Docker, IMAGE, engine_url, local};
use quaylight::{
    model::{ContainerId, ContainerName, Recipe, recipe},
    server::engine::WritableEngine,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tokio::process::Command;

/// Options of `docker create`, then the command. `NET` and `VOL` stand for the test's own network and volume, `PORT`
/// for the first digits of ports that no other test uses.
const TABLE: [(&[&str], &[&str]); 32] = [
    (&[], &["sleep", "600"]),
    (&[], &["sh", "-c", "echo \"it's $HOME\"; sleep 600"]),
    (&["--env", "A=1", "--env", "B=two words", "--env", "C=x=y$z"], &["sleep", "600"]),
    (&["--publish", "PORT080:80", "--publish", "127.0.0.1:PORT443:443"], &["sleep", "600"]),
    (&["--publish", "PORT053:53/udp", "--publish", "8000"], &["sleep", "600"]),
    (&["--expose", "9000", "--expose", "9001/udp"], &["sleep", "600"]),
    (&["--publish-all", "--expose", "9000"], &["sleep", "600"]),
    (&["--volume", "VOL:/data"], &["sleep", "600"]),
    (&["--volume", "/tmp:/host:ro", "--volume", "/data"], &["sleep", "600"]),
    (&["--mount", "type=volume,source=VOL,target=/data,readonly"], &["sleep", "600"]),
    (&["--tmpfs", "/run:size=64m", "--mount", "type=tmpfs,target=/cache,tmpfs-size=1048576"], &["sleep", "600"]),
    (&["--network", "NET"], &["sleep", "600"]),
    (
        &["--network", "NET", "--network-alias", "www", "--network-alias", "web", "--ip", "10.213.9.77"],
        &["sleep", "600"],
    ),
    (&["--network", "host"], &["sleep", "600"]),
    (&["--network", "none"], &["sleep", "600"]),
    (&["--restart", "unless-stopped"], &["sleep", "600"]),
    (&["--restart", "on-failure:3"], &["sleep", "600"]),
    (&["--memory", "64m", "--memory-reservation", "32m"], &["sleep", "600"]),
    (&["--memory", "64m", "--memory-swap", "96m", "--cpus", "0.5"], &["sleep", "600"]),
    (
        &["--memory", "64m", "--memory-swap", "-1", "--cpu-shares", "512", "--cpuset-cpus", "0", "--pids-limit", "99"],
        &["sleep", "600"],
    ),
    (
        &[
            "--health-cmd",
            "true || exit 1",
            "--health-interval",
            "7s",
            "--health-timeout",
            "1500ms",
            "--health-retries",
            "4",
            "--health-start-period",
            "2s",
        ],
        &["sleep", "600"],
    ),
    (&["--no-healthcheck"], &["sleep", "600"]),
    (&["--label", "team=web", "--label", "note=a \"quoted\" $word", "--label", "empty="], &["sleep", "600"]),
    (
        &["--user", "1000:1000", "--workdir", "/tmp", "--hostname", "host-1", "--domainname", "example.org"],
        &["sleep", "600"],
    ),
    (&["--tty", "--interactive"], &["sh"]),
    (&["--init", "--read-only", "--stop-signal", "SIGINT", "--stop-timeout", "3"], &["sleep", "600"]),
    (&["--privileged"], &["sleep", "600"]),
    (&["--cap-add", "NET_ADMIN", "--cap-drop", "CHOWN", "--security-opt", "no-new-privileges"], &["sleep", "600"]),
    (&["--device", "/dev/null:/dev/nothing:r", "--group-add", "20", "--shm-size", "32m"], &["sleep", "600"]),
    (&["--add-host", "db:10.0.0.5", "--dns", "10.0.0.1", "--dns-search", "example.org"], &["sleep", "600"]),
    (&["--sysctl", "net.ipv4.ip_unprivileged_port_start=0", "--ulimit", "nofile=1024:2048"], &["sleep", "600"]),
    (
        &[
            "--log-driver",
            "json-file",
            "--log-opt",
            "max-size=5m",
            "--entrypoint",
            "sh",
            "--pid",
            "host",
            "--ipc",
            "host",
        ],
        &["-c", "sleep 600"],
    ),
];

struct Bench {
    docker: Docker,
    engine: WritableEngine,
    network: String,
    volume: String,
}

impl Bench {
    async fn new(subnet: u8) -> Self {
        let docker = Docker::new();
        let network = docker.name("net");
        let range = format!("10.213.{subnet}.0/24");
        docker.run(&["network", "create", "--subnet", &range, "--label", &docker.label(), &network]).await;
        let volume = docker.volume("vol").await;
        let engine = WritableEngine::new(local(), engine_url().parse().unwrap());
        Self { docker, engine, network, volume }
    }

    /// Creates the container of a row; returns its recipe without the test's label.
    async fn recipe(&self, at: usize, subnet: u8) -> (Recipe, Value) {
        let (options, command) = TABLE[at];
        let name = self.docker.name(&format!("row-{at}"));
        let label = self.docker.label();
        let own = |it: &&str| match *it {
            "NET" => self.network.clone(),
            "10.213.9.77" => format!("10.213.{subnet}.77"),
            it => it.replace("VOL", &self.volume).replace("PORT", &(subnet + 9).to_string()),
        };
        let options: Vec<String> = options.iter().map(own).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let create = ["create", "--name", &name, "--label", &label];
        let id = self.docker.run(&[&create[..], &options, &[IMAGE], command].concat()).await;
        let recipe = self.engine.recipe(&ContainerId::new(&id).unwrap()).await.unwrap().expect("it is there");
        assert_eq!((&recipe.name, &recipe.left_out), (&name, &Vec::new()));
        (recipe, self.inspect(&name).await)
    }

    async fn inspect(&self, name: &str) -> Value {
        let text = self.docker.run(&["container", "inspect", name]).await;
        let all: Value = serde_json::from_str(&text).unwrap();
        all[0].clone()
    }
}

/// The properties that a container shares with one created from its recipe.
fn essence(it: &Value) -> Value {
    let id = it["Id"].as_str().unwrap();
    let mut config = it["Config"].clone();
    let host = &it["HostConfig"];
    if config["Hostname"] == id[..12] {
        config["Hostname"] = Value::Null;
    }
    // The engine keeps them in no order.
    if let Some(env) = config["Env"].as_array_mut() {
        env.sort_by_key(Value::to_string);
    }
    // How clients were attached during creation.
    for key in ["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce", "Volumes"] {
        config[key] = Value::Null;
    }
    let labels = config["Labels"].as_object_mut().unwrap();
    labels.retain(|key, _| !key.starts_with("com.docker.compose."));
    let mut rest = host.clone();
    // Three ways to express the same mounts, compared below.
    for key in ["Binds", "Mounts", "Tmpfs", "ContainerIDFile", "ConsoleSize", "VolumesFrom"] {
        rest[key] = Value::Null;
    }
    if rest["RestartPolicy"]["Name"] == "no" {
        rest["RestartPolicy"] = Value::Null;
    }
    if rest["NetworkMode"] == "default" {
        rest["NetworkMode"] = json!("bridge");
    }
    let is_anonymous = |name: &str| name.len() == 64;
    let mounts: BTreeSet<String> = it["Mounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["Type"] != "tmpfs")
        .map(|it| {
            let name = it["Name"].as_str().unwrap_or_default();
            let source = if it["Type"] == "bind" {
                it["Source"].as_str().unwrap()
            } else if is_anonymous(name) {
                ""
            } else {
                name
            };
            format!("{} {source} {} {}", it["Type"], it["Destination"], it["RW"])
        })
        .collect();
    let mut memory = BTreeSet::new();
    for (target, options) in host["Tmpfs"].as_object().into_iter().flatten() {
        memory.insert(format!("{target} {}", options.as_str().unwrap().replace("size=64m", "67108864")));
    }
    for it in host["Mounts"].as_array().into_iter().flatten().filter(|it| it["Type"] == "tmpfs") {
        let size = it["TmpfsOptions"]["SizeBytes"].as_u64().map(|it| it.to_string());
        memory.insert(format!("{} {}", it["Target"].as_str().unwrap(), size.unwrap_or_default()));
    }
    let service = it["Config"]["Labels"]["com.docker.compose.service"].as_str().unwrap_or_default();
    let networks: Map<String, Value> = it["NetworkSettings"]["Networks"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, it)| {
            let aliases = it["Aliases"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let own: BTreeSet<&str> = aliases.filter(|it| *it != &id[..12] && *it != service).collect();
            (name.clone(), json!({"aliases": own, "ip": it["IPAMConfig"]["IPv4Address"]}))
        })
        .collect();
    let mut essence = json!({"config": config, "host": rest, "mounts": mounts, "memory": memory, "networks": networks});
    without_nothing(&mut essence);
    essence
}

/// Engines express "none" in many ways.
fn without_nothing(value: &mut Value) {
    if let Value::Object(object) = value {
        object.values_mut().for_each(without_nothing);
        object.retain(|_, it| {
            let empty = [json!(null), json!(false), json!(0), json!(""), json!([]), json!({}), json!([""])];
            !empty.contains(it)
        });
    }
}

fn assert_equal(at: usize, made: &Value, original: &Value, recipe: &str) {
    let (made, original) = (essence(made), essence(original));
    let pretty = |it: &Value| serde_json::to_string_pretty(it).unwrap();
    assert_eq!(pretty(&made), pretty(&original), "row {at}: {:?}\n{recipe}", TABLE[at]);
}

#[tokio::test]
async fn run_line_and_own_spec_recreate_the_same_container() {
    let bench = Bench::new(9).await;
    for at in 0..TABLE.len() {
        let (Recipe { spec, .. }, original) = bench.recipe(at, 9).await;
        let ours = bench.docker.name(&format!("ours-{at}"));
        assert_eq!(spec.fault(), None, "row {at}");
        bench
            .engine
            .create(&ContainerName::new(&ours).unwrap(), &spec)
            .await
            .unwrap_or_else(|error| panic!("row {at}: {error}"));
        assert_equal(at, &bench.inspect(&ours).await, &original, "as we make it");

        let name = bench.docker.name(&format!("again-{at}"));
        let line = recipe::docker_run(&name, &spec);
        // Starting a privileged container takes rights that the machine itself may not have.
        let starts = !spec.privileged;
        let line = if starts { line } else { line.replace("docker run --detach", "docker create") };
        let output = Command::new("sh").args(["-c", &line]).env("DOCKER_HOST", engine_url()).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "row {at}: {line}\n{error}");
        let made = bench.inspect(&name).await;
        assert_eq!(made["State"]["Running"], starts, "row {at}: it runs");
        assert_equal(at, &made, &original, &line);
        bench.docker.run(&["rm", "--force", "--volumes", &name]).await;
    }
}

#[tokio::test]
async fn compose_file_recreates_the_same_container() {
    let bench = Bench::new(10).await;
    let folder = tempfile::tempdir().unwrap();
    for at in 0..TABLE.len() {
        let (Recipe { spec, .. }, original) = bench.recipe(at, 10).await;
        let name = bench.docker.name(&format!("composed-{at}"));
        let file = folder.path().join("compose.yaml");
        let text = recipe::compose(&name, &spec);
        std::fs::write(&file, &text).unwrap();
        let file = file.to_str().unwrap();
        let mut command = Command::new("docker-compose");
        let up: &[&str] = if spec.privileged { &["up", "--no-start"] } else { &["up", "--detach"] };
        command.args(["--file", file, "--project-name", &name]).args(up).env("DOCKER_HOST", engine_url());
        let output = command.output().await.expect("there is a docker-compose");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "row {at}: {error}\n{text}");
        let (mut made, mut original) = (bench.inspect(&name).await, original);
        if spec.publish_all {
            // Compose has no keyword for it: the ports are published one by one.
            assert_eq!(made["HostConfig"]["PortBindings"]["9000/tcp"], json!([{"HostIp": "", "HostPort": ""}]));
            made["HostConfig"]["PortBindings"] = Value::Null;
            original["HostConfig"]["PublishAllPorts"] = Value::Null;
        }
        assert_equal(at, &made, &original, &text);
        bench.docker.run(&["rm", "--force", "--volumes", &name]).await;
    }
}

#[tokio::test]
async fn recreated_container_is_on_both_of_its_networks() {
    let bench = Bench::new(11).await;
    let (docker, second) = (&bench.docker, bench.docker.network("second").await);
    let name = docker.name("both");
    let create = ["create", "--name", &name, "--label", &docker.label(), "--network", &bench.network, IMAGE];
    let id = docker.run(&[&create[..], &["sleep", "600"]].concat()).await;
    docker.run(&["network", "connect", "--alias", "db", &second, &name]).await;
    let original = bench.inspect(&name).await;
    let Recipe { spec, .. } = bench.engine.recipe(&ContainerId::new(&id).unwrap()).await.unwrap().unwrap();
    let again = docker.name("again");
    let line = recipe::docker_run(&again, &spec);
    let output = Command::new("sh").args(["-c", &line]).env("DOCKER_HOST", engine_url()).output().await.unwrap();
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_equal(0, &bench.inspect(&again).await, &original, &line);
    let ours = docker.name("ours");
    bench.engine.create(&ContainerName::new(&ours).unwrap(), &spec).await.unwrap();
    assert_equal(0, &bench.inspect(&ours).await, &original, "as we make it");
}
