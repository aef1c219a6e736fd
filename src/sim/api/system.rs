//! `/_ping`, `/version`, `/info`: the engine's description of itself.

use super::{
    answer::{Answer, json, list, with_body},
    images,
    logs::seed,
    serialize, volumes,
};
use crate::sim::{Sim, time, world::State};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
};
use serde_json::json;
use std::collections::HashMap;

pub const API_VERSION: &str = "1.41";
const VERSION: &str = "20.10.24";
const KERNEL: &str = "6.1.0-simulated";

pub fn ping() -> Answer {
    let mut response = with_body(StatusCode::OK, "text/plain; charset=utf-8", Body::from("OK"));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    Ok(response)
}

pub fn version() -> Answer {
    json(&json!({
        "Platform": {"Name": "Quaylight simulator"},
        "Components": [{"Name": "Engine", "Version": VERSION, "Details": {
            "ApiVersion": API_VERSION, "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64",
            "KernelVersion": KERNEL, "GoVersion": "none", "GitCommit": "simulated", "Experimental": "false",
        }}],
        "Version": VERSION, "ApiVersion": API_VERSION, "MinAPIVersion": "1.12", "GitCommit": "simulated",
        "GoVersion": "none", "Os": "linux", "Arch": "amd64", "KernelVersion": KERNEL,
    }))
}

/// Disk usage of containers, images and volumes.
pub fn disk_usage(sim: &Sim) -> Answer {
    let (containers, images, volumes) = sim.look(|world| {
        let mut users: HashMap<&str, usize> = HashMap::new();
        for container in world.each_container() {
            let volumes = container.mounts.iter().map(|it| it.name.as_str());
            volumes.chain([container.image_id.as_str()]).for_each(|it| *users.entry(it).or_default() += 1);
        }
        let users = |of: &str| users.get(of).copied().unwrap_or(0);
        let images = world.each_image().map(|image| {
            let mut listed = images::listed(image);
            listed["Containers"] = json!(users(&image.id));
            listed["SharedSize"] = json!(0);
            listed
        });
        let volumes = world.each_volume().map(|volume| {
            let mut listed = volumes::serialized(volume);
            listed["UsageData"] = json!({"Size": volume.size, "RefCount": users(&volume.name)});
            listed
        });
        (world.containers(), images.collect::<Vec<_>>(), volumes.collect::<Vec<_>>())
    });
    let size: u64 = images.iter().filter_map(|it| it["Size"].as_u64()).sum();
    let now = time::now();
    let containers = containers.iter().map(|it| {
        let mut listed = serialize::listed(it, now);
        listed["SizeRw"] = json!(seed(it) % 50_000_000);
        listed["SizeRootFs"] = json!(seed(it));
        listed
    });
    let mut text =
        json!({"LayersSize": size, "Images": images, "Volumes": volumes, "BuildCache": [], "BuilderSize": 0})
            .to_string();
    text.pop();
    text.push_str(",\"Containers\":");
    text.push_str(&list(containers));
    text.push_str("}\n");
    Ok(with_body(StatusCode::OK, "application/json", text.into()))
}

pub fn info(sim: &Sim) -> Answer {
    let (containers, images) = sim.look(|world| (world.containers(), world.each_image().count()));
    let count = |state| containers.iter().filter(|it| it.state == state).count();
    let (running, paused) = (count(State::Running), count(State::Paused));
    json(&json!({
        "ID": "SIMU:LATE:DENG:INEX", "Name": "simulated", "ServerVersion": VERSION,
        "Containers": containers.len(), "ContainersRunning": running, "ContainersPaused": paused,
        "ContainersStopped": containers.len() - running - paused, "Images": images,
        "Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]], "DockerRootDir": "/var/lib/docker",
        "Plugins": {"Volume": ["local"], "Network": ["bridge", "host", "null"], "Authorization": null, "Log": ["json-file"]},
        "MemoryLimit": true, "SwapLimit": true, "CpuCfsPeriod": true, "CpuCfsQuota": true, "CPUShares": true,
        "CPUSet": true, "PidsLimit": true, "OomKillDisable": true, "IPv4Forwarding": true, "BridgeNfIptables": true,
        "BridgeNfIp6tables": true, "Debug": false, "LoggingDriver": "json-file", "CgroupDriver": "systemd",
        "CgroupVersion": "2", "NEventsListener": 0, "KernelVersion": KERNEL, "OperatingSystem": "Simulated Linux",
        "OSVersion": "1", "OSType": "linux", "Architecture": "x86_64", "NCPU": 8, "MemTotal": 33_554_432_000_u64,
        "IndexServerAddress": "", "RegistryConfig": {}, "Labels": [], "ExperimentalBuild": false,
        "Runtimes": {"runc": {"path": "runc"}}, "DefaultRuntime": "runc", "Swarm": {"LocalNodeState": "inactive"},
        "LiveRestoreEnabled": false, "Isolation": "", "InitBinary": "docker-init", "SecurityOptions": [],
        "SystemTime": time::rfc3339(time::now()), "Warnings": null,
    }))
}
