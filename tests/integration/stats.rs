//! Resource usage: equal to the docker command's figures, from one shared reader that ends with its last client.

use crate::{
    live::Client,
    raw_http::ask,
    support::{Docker, IMAGE, TestServer, eventually},
};
use futures::SinkExt;
use quaylight::sim::{Options, Running, Sim};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

impl Client {
    async fn look_at(&mut self, ids: &[&str]) {
        let subscribe = json!({"type": "subscribe", "channels": ["stats"], "ids": ids});
        self.0.send(Message::text(subscribe.to_string())).await.unwrap();
    }

    pub async fn look_at_loads(&mut self) {
        let subscribe = json!({"type": "subscribe", "channels": ["loads"]});
        self.0.send(Message::text(subscribe.to_string())).await.unwrap();
    }

    async fn samples(&mut self) -> Vec<Value> {
        let stats = self.until(None, |message| message["type"] == "stats").await;
        stats["samples"].as_array().unwrap().clone()
    }
}

/// Ids of running containers of a simulated engine.
fn running(sim: &Running, count: usize) -> Vec<String> {
    let truth = sim.truth();
    let running = truth.containers.iter().filter(|it| it.state == "running");
    running.map(|it| it.id.clone()).take(count).collect()
}

/// Parses a size as the docker command writes it: `1.5MiB`, `12kB`.
pub fn bytes(text: &str) -> f64 {
    let unit_at = text.find(|c: char| c.is_alphabetic()).unwrap();
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        other => panic!("an unknown unit: {other}"),
    };
    number.parse::<f64>().unwrap() * factor
}

#[tokio::test]
async fn samples_agree_with_docker_stats_under_a_known_load() {
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let name = docker.create("busy", &["--cpus", "0.3", "--memory", "64m"]).await;
    docker.run(&["start", &name]).await;
    let id = docker.run(&["inspect", "--format", "{{.Id}}", &name]).await;
    // Three tenths of a core, its limit, and some memory.
    docker
        .run(&["exec", "--detach", &name, "sh", "-c", "head -c 8000000 /dev/zero | tail & while :; do :; done"])
        .await;
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message.to_string().contains(&id)).await;
    client.look_at(&[&id]).await;
    for round in 0.. {
        let output =
            docker.run(&["stats", "--no-stream", "--format", "{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}", &id]).await;
        let words: Vec<&str> = output.split_whitespace().collect();
        let [cpu, memory, _, limit, pids] = words[..] else { panic!("{output}") };
        let cpu: f64 = cpu.trim_end_matches('%').parse().unwrap();
        let samples = client.samples().await;
        let [sample] = &samples[..] else { panic!("{samples:?}") };
        let number = |field: &str| sample[field].as_f64().unwrap();
        let is_local = |ours: f64, theirs: f64, least: f64| (ours - theirs).abs() <= (theirs * 0.05).max(least);
        let agrees = cpu > 20.0
            && is_local(number("cpu_percent"), cpu, 1.0)
            && is_local(number("memory_usage"), bytes(memory), 100_000.0)
            && is_local(number("memory_limit"), bytes(limit), 0.0)
            && pids.parse() == Ok(number("pids"));
        if agrees {
            break;
        }
        // Each covers one second, but not the same one.
        assert!(round < 10, "docker says {output}, we {sample}");
    }
    server.stop().await;
}

#[tokio::test]
async fn counters_agree_with_docker_stats_after_network_and_direct_disk_io() {
    const SENT: u32 = 20_000_000;
    let (docker, server) = (Docker::new(), TestServer::start(&[]).await);
    let (sender, receiver, label) = (docker.name("sender"), docker.name("receiver"), docker.label());
    for name in [&sender, &receiver] {
        let start =
            ["run", "--detach", "--name", name, "--label", &label, "--stop-timeout", "0", IMAGE, "sleep", "600"];
        docker.run(&start).await;
    }
    let of = async |name: &str, field: &str| docker.run(&["inspect", "--format", field, name]).await;
    let address = of(&sender, "{{.NetworkSettings.IPAddress}}").await;
    assert!(!address.is_empty(), "the engine's default network");
    let id = of(&receiver, "{{.Id}}").await;
    let sending = format!("head -c {SENT} /dev/zero > /file; exec httpd -f -p 7000 -h /");
    docker.run(&["exec", "--detach", &sender, "sh", "-c", &sending]).await;
    // The sender takes a while to listen.
    let fetch = format!("wget -q -O - http://{address}:7000/file | wc -c");
    let receiving = format!("for try in $(seq 1000); do [ $({fetch}) = {SENT} ] && exit; done 2>/dev/null; exit 1");
    docker.run(&["exec", &receiver, "sh", "-c", &receiving]).await;
    let writing = "dd if=/dev/zero of=/file bs=1M count=12 oflag=direct && dd if=/file of=/dev/null bs=1M iflag=direct";
    docker.run(&["exec", &receiver, "sh", "-c", writing]).await;

    let mut client = Client::connect(&server).await;
    client.until(None, |message| message.to_string().contains(&id)).await;
    client.look_at(&[&id]).await;
    let output = docker.run(&["stats", "--no-stream", "--format", "{{.NetIO}} / {{.BlockIO}}", &id]).await;
    let theirs: Vec<f64> = output.split(" / ").map(bytes).collect();
    let samples = client.samples().await;
    let fields = ["network_rx", "network_tx", "block_read", "block_write"];
    let ours = fields.map(|field| samples[0][field].as_f64().unwrap());
    // Kernels count the I/O of some block devices only: for the others both report 0.
    assert!(ours[0] > f64::from(SENT), "{ours:?}");
    for ((field, ours), theirs) in fields.into_iter().zip(ours).zip(theirs) {
        // The docker command prints three digits.
        assert!((ours - theirs).abs() <= theirs * 0.01, "{field}: we {ours}, docker says {output}");
    }
    server.stop().await;
}

#[tokio::test]
async fn samples_arrive_each_second_for_subscribed_containers_only() {
    let sim = Sim::start(Options { containers: 30, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    let ids = running(&sim, 3);
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message.to_string().contains(&ids[0])).await;
    client.look_at(&[&ids[0], &ids[1]]).await;
    let mut seen = Vec::new();
    let began = Instant::now();
    while seen.len() < 6 {
        seen.extend(client.samples().await);
    }
    assert!(began.elapsed() < Duration::from_secs(6), "{:?} for three samples of two", began.elapsed());
    assert!(seen.iter().all(|it| it["container_id"] == ids[0] || it["container_id"] == ids[1]));
    client.look_at(&[&ids[2]]).await;
    loop {
        let samples = client.samples().await;
        if samples.iter().all(|it| it["container_id"] == ids[2]) {
            break;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn one_stats_reader_serves_all_clients_and_ends_after_the_last() {
    let sim = Sim::start(Options { containers: 30, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    let ids = running(&sim, 3);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(&server).await;
        client.until(None, |message| message.to_string().contains(ids[0])).await;
        client.look_at(&ids).await;
        client.samples().await;
        clients.push(client);
    }
    assert_eq!(sim.truth().stats_streams, 3);
    drop(clients);
    eventually(Duration::from_secs(10), "the stats streams close", async || sim.truth().stats_streams == 0).await;
    let asked = |sim: &Running| sim.truth().requests.get("GET /containers/{id}/stats").copied();
    assert_eq!(asked(&sim), Some(3));
    server.stop().await;
}

#[tokio::test]
async fn loads_are_summed_by_project_and_host_without_stats_streams() {
    let sim = Sim::start(Options { containers: 60, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    let mut client = Client::connect(&server).await;
    client.until(None, |message| message["type"] == "engine_state_update").await;
    client.0.send(Message::text(json!({"type": "subscribe", "channels": ["loads"]}).to_string())).await.unwrap();
    let running = sim.truth().containers.iter().filter(|it| it.state == "running").count();
    let is_whole = |message: &Value| {
        let loads = message["loads"].as_array();
        loads.is_some_and(|loads| loads.iter().any(|it| it["scope"] == "host" && it["containers"] == running))
    };
    let stats = client.until(None, is_whole).await;
    let loads = stats["loads"].as_array().unwrap();
    let sum = |field: &str| loads.iter().filter(|it| it["scope"] != "host").map(|it| it[field].as_f64().unwrap()).sum();
    let whole = loads.iter().find(|it| it["scope"] == "host").unwrap();
    for field in ["containers", "memory_usage", "pids"] {
        assert_eq!(whole[field].as_f64(), Some(sum(field)), "{field}");
    }
    let samples = stats["samples"].as_array().unwrap();
    assert!((5..=10).contains(&samples.len()), "{samples:?}");
    // A simulated engine runs on another machine.
    assert_eq!(stats["machines"], json!([]));
    // A client without a detailed subscription opens no streams.
    assert_eq!(sim.truth().stats_streams, 0);

    // A page that shows no projects need not receive thousands of them.
    let hosts_alone = json!({"type": "subscribe", "channels": ["loads"], "ids": []});
    client.0.send(Message::text(hosts_alone.to_string())).await.unwrap();
    let is_host_only = |message: &Value| message["loads"].as_array().is_some_and(|loads| loads.len() == 1);
    let stats = client.until(None, is_host_only).await;
    assert_eq!(stats["loads"][0]["scope"], "host");
    server.stop().await;
}

#[tokio::test]
async fn stats_are_available_over_http_without_a_socket() {
    let sim = Sim::start(Options { containers: 10, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    let id = running(&sim, 1).remove(0);
    eventually(Duration::from_secs(5), "the container is known", async || {
        let (_, answer) = ask(&server.url(), "GET", &format!("/api/stats?ids={id}"), "").await;
        let stats: Value = serde_json::from_str(&answer).unwrap();
        stats["samples"][0]["container_id"] == id && stats["samples"][0]["cpu_percent"].is_number()
    })
    .await;
    let (status, problem) = ask(&server.url(), "GET", "/api/stats?ids=none", "").await;
    assert_eq!(status, 400, "{problem}");
    server.stop().await;
}
