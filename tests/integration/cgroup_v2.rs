//! Resource usage on a machine with cgroup v2 only. The test runs itself again inside a virtual machine with a separate
//! kernel.

use crate::{
    raw_http::ask,
    server_process::ServerProcess,
    stats::bytes,
    support::{Docker, IMAGE, eventually},
};
use futures::future::join_all;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::Command,
    time::timeout,
};

/// The test's name in the test harness.
const TEST: &str = "cgroup_v2::cgroup_v2_stats_match_the_engine_and_are_read_from_files";

/// Set inside the virtual machine.
const INSIDE: &str = "QUAYLIGHT_TEST_ON_CGROUP_V2";

const SOCKET: &str = "/run/docker.sock";

/// The kernel runs as a process among others, so everything takes longer.
const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn cgroup_v2_stats_match_the_engine_and_are_read_from_files() {
    if std::env::var_os(INSIDE).is_some() {
        return on_the_machine().await;
    }
    let mut machine = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/cgroup2/machine"));
    machine.arg("env").arg(format!("{INSIDE}=yes")).arg(std::env::current_exe().unwrap());
    machine.args(["--exact", TEST, "--nocapture"]).kill_on_drop(true);
    let output = machine.output().await.unwrap();
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("test result: ok. 1 passed"), "{said}{error}");
}

/// Eight megabytes of own memory, 24 of page cache, 12 each way past the cache, 180 kB each way over the network; then idle.
const USE: &str = "set -e
    own=$(head -c 8000000 /dev/zero | tr '\\0' x)
    dd if=/dev/zero of=/cached bs=1M count=24
    dd if=/dev/zero of=/direct bs=1M count=12 oflag=direct
    dd if=/direct of=/dev/null bs=1M iflag=direct
    sync
    ping -c 3 -s 60000 $(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p')
    echo used
    sleep 600 & wait";

async fn on_the_machine() {
    let controllers = std::fs::read_to_string("/sys/fs/cgroup/cgroup.controllers").unwrap();
    assert!(["cpu", "io", "memory", "pids"].iter().all(|it| controllers.split_whitespace().any(|word| word == *it)));
    let url = format!("unix://{SOCKET}");
    // The machine is discarded with everything on it.
    let docker = Docker::simulated(&url);
    let run = async |options: &[&str], command: &str| {
        docker.run(&[&["run", "--detach"], options, &[IMAGE, "sh", "-c", command]].concat()).await
    };
    let idle = run(&["--memory", "96m", "--pids-limit", "50"], USE).await;
    let busy = run(&["--cpus", "0.3"], "while :; do :; done").await;
    let on_hosts_network = run(&["--network", "host"], "exec sleep 600").await;
    let ids = [idle.as_str(), busy.as_str(), on_hosts_network.as_str()];
    eventually(TIMEOUT, "the load is made", async || {
        let logs = get(&format!("/containers/{idle}/logs?stdout=1&stderr=1")).await;
        logs.contains("used") || panic_if_ended(&idle, &logs).await
    })
    .await;

    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let servers = [
        ("root", ServerProcess::start(&url, folders[0].path())),
        ("a user without rights", ServerProcess::start_without_rights(Path::new(SOCKET), folders[1].path())),
        // A control: without it the check of the other servers' calls could not fail.
        ("who sees no cgroups", ServerProcess::start_without_cgroups(&url, folders[2].path())),
    ];
    for (name, server) in &servers {
        agrees_with_the_engine(name, server, ids).await;
    }
    let output = docker.run(&["stats", "--no-stream", "--format", "{{.MemUsage}}", &idle]).await;
    let (used, limit) = output.split_once(" / ").map(|(used, limit)| (bytes(used), bytes(limit))).unwrap();
    for (name, server) in &servers {
        eventually(TIMEOUT, &format!("{name}: memory as docker says it: {output}"), async || {
            let samples = samples(server, ids).await;
            let sample = samples.into_iter().find(|it| it["container_id"] == idle).unwrap_or_default();
            let is_used = |ours: f64| (ours - used).abs() <= used * 0.01;
            sample["memory_usage"].as_f64().is_some_and(is_used) && sample["memory_limit"].as_f64() == Some(limit)
        })
        .await;
    }
    for (name, server) in &servers {
        let asks = stats_calls(server).await;
        assert_eq!(asks > 0.0, *name == "who sees no cgroups", "{name}: asked the engine {asks} times");
    }

    // Without these controllers only the CPU is counted: the other values are unknown, not zero.
    std::fs::write("/sys/fs/cgroup/docker/cgroup.subtree_control", "-io -memory -pids").unwrap();
    for (name, server) in &servers {
        eventually(TIMEOUT, &format!("{name}: CPU and network alone are known"), async || {
            let samples = samples(server, ids).await;
            let unknown = ["memory_usage", "memory_limit", "memory_percent", "block_read", "block_write", "pids"];
            let its =
                |id: &str, field: &str| samples.iter().find(|it| it["container_id"] == id).map(|it| it[field].clone());
            samples.len() == ids.len()
                && samples.iter().all(|sample| unknown.iter().all(|field| sample[field].is_null()))
                && its(&busy, "cpu_percent").and_then(|it| it.as_f64()).is_some_and(|used| used > 20.0)
                && its(&idle, "network_rx").and_then(|it| it.as_u64()).is_some_and(|bytes| bytes >= 180_000)
        })
        .await;
        eventually(TIMEOUT, &format!("{name}: the metrics say no more"), async || {
            let metrics = ask(&server.url, "GET", "/metrics", "").await.1;
            let says = |figure: &str| {
                let start = format!("quaylight_container_{figure}{{");
                metrics.lines().any(|line| line.starts_with(&start))
            };
            ["cpu_seconds_total", "network_receive_bytes_total"].into_iter().all(says)
                && !["memory_usage_bytes", "memory_limit_bytes", "block_read_bytes_total", "pids"].into_iter().any(says)
        })
        .await;
    }
    for (name, server) in &servers[..2] {
        assert_eq!(stats_calls(server).await, 0.0, "{name}");
    }
}

async fn panic_if_ended(id: &str, logs: &str) -> bool {
    let inspect: Value = serde_json::from_str(&get(&format!("/containers/{id}/json")).await).unwrap();
    assert_eq!(inspect["State"]["Running"], true, "{logs}");
    false
}

/// The engine's response to `path`, without any of our code in between.
async fn get(path: &str) -> String {
    let mut stream = UnixStream::connect(SOCKET).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut answer)).await.expect("it answers").unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// The latest sample of each container; the engine's streams send them one by one.
async fn samples(server: &ServerProcess, ids: [&str; 3]) -> Vec<Value> {
    const ANSWERS: usize = 3;
    let mut latest = BTreeMap::new();
    for _ in 0..ANSWERS {
        let answer = ask(&server.url, "GET", &format!("/api/stats?ids={}", ids.join(",")), "").await.1;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        for sample in answer["samples"].as_array().into_iter().flatten() {
            latest.insert(sample["container_id"].to_string(), sample.clone());
        }
        if latest.len() == ids.len() {
            break;
        }
    }
    latest.into_values().collect()
}

/// How often the server has requested a container's stats from the engine.
async fn stats_calls(server: &ServerProcess) -> f64 {
    let metrics = ask(&server.url, "GET", "/metrics", "").await.1;
    let count = |call: &str| {
        let label = format!("call=\"{call}\"");
        let is_its =
            |line: &&str| line.starts_with("quaylight_engine_call_duration_seconds_count") && line.contains(&label);
        metrics.lines().find(is_its).and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    };
    assert!(count("container.list") > 0.0, "calls are counted: {metrics}");
    count("container.stats")
}

/// The engine's figures under our names; CPU as the docker command calculates it.
async fn engine_says(id: &str) -> Value {
    let stats: Value = serde_json::from_str(&get(&format!("/containers/{id}/stats?stream=0")).await).unwrap();
    let number = |path: &str| stats.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path}: {stats}"));
    let since = |path: &str| (number(&format!("/cpu_stats{path}")) - number(&format!("/precpu_stats{path}"))) as f64;
    let network = |field: &str| {
        let networks = stats["networks"].as_object()?.values();
        Some(networks.map(|it| it[field].as_u64().unwrap()).sum::<u64>())
    };
    let block = |op: &str| {
        let entries = stats["blkio_stats"]["io_service_bytes_recursive"].as_array()?.iter();
        let its = entries.filter(|it| it["op"].as_str().unwrap().eq_ignore_ascii_case(op));
        Some(its.map(|it| it["value"].as_u64().unwrap()).sum::<u64>())
    };
    let cores = number("/cpu_stats/online_cpus") as f64;
    json!({
        "cpu_percent": since("/cpu_usage/total_usage") / since("/system_cpu_usage") * cores * 100.0,
        "memory_usage": number("/memory_stats/usage") - number("/memory_stats/stats/inactive_file"),
        "cache": number("/memory_stats/stats/inactive_file"),
        "memory_limit": number("/memory_stats/limit"),
        "network_rx": network("rx_bytes"),
        "network_tx": network("tx_bytes"),
        "block_read": block("read"),
        "block_write": block("write"),
        "pids": number("/pids_stats/current"),
    })
}

/// Counters of idle containers are equal to the byte; memory within one percent or 256 KiB, CPU within ten percent or
/// two points of a core: each covers one second, but not the same one.
async fn agrees_with_the_engine(name: &str, server: &ServerProcess, ids: [&str; 3]) {
    for round in 0.. {
        let theirs = join_all(ids.map(engine_says)).await;
        let ours = samples(server, ids).await;
        let is_same = |theirs: &Value, ours: &Value| {
            let is_local = |field: &str, part: f64, least: f64| {
                let (theirs, ours) = (theirs[field].as_f64().unwrap(), ours[field].as_f64().unwrap());
                (theirs - ours).abs() <= (theirs * part).max(least)
            };
            let counters = ["memory_limit", "network_rx", "network_tx", "pids"];
            // For a container without block I/O the engine returns null, and the kernel's file has no line.
            let is_none = |field: &str| theirs[field].is_null() && (ours[field] == 0 || ours[field].is_null());
            counters.iter().all(|field| theirs[field] == ours[field])
                && ["block_read", "block_write"].iter().all(|field| theirs[field] == ours[field] || is_none(field))
                && is_local("memory_usage", 0.01, 262_144.0)
                && is_local("cpu_percent", 0.1, 2.0)
        };
        let its = |id: &str| ours.iter().find(|it| it["container_id"] == id);
        let agrees = ids.iter().zip(&theirs).all(|(id, theirs)| its(id).is_some_and(|ours| is_same(theirs, ours)));
        if agrees && is_the_known_load(&theirs) {
            return;
        }
        assert!(round < 10, "{name}: the engine says {theirs:#?}, we {ours:#?}");
    }
}

/// Guards against both sides being wrong in the same way.
fn is_the_known_load(figures: &[Value]) -> bool {
    let number = |at: usize, field: &str| figures[at][field].as_f64().unwrap_or(-1.0);
    let memory = number(0, "memory_usage");
    (8_000_000.0..30_000_000.0).contains(&memory)
        && number(0, "cache") >= 20_000_000.0
        && number(0, "memory_limit") == 96.0 * 1_048_576.0
        && number(0, "network_rx") >= 180_000.0
        && number(0, "network_tx") >= 180_000.0
        && number(0, "block_read") >= 12.0 * 1_048_576.0
        && number(0, "block_write") >= 36.0 * 1_048_576.0
        && number(0, "pids") == 2.0
        && (20.0..=40.0).contains(&number(1, "cpu_percent"))
        && figures[2]["network_rx"].is_null()
}
