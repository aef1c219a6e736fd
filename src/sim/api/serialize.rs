//! Serializer of containers: short for the list, long for the inspect.

use crate::sim::{
    time::{self, Nanos, rfc3339},
    world::{Container, Endpoint, HealthCheck, Mount, Network, State},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub fn listed(it: &Container, now: Nanos) -> Value {
    let ports = it.open_ports().iter().map(|port| match &port.public {
        Some(public) => json!({
            "IP": public.ip, "PrivatePort": port.private, "PublicPort": public.port, "Type": port.protocol,
        }),
        None => json!({"PrivatePort": port.private, "Type": port.protocol}),
    });
    json!({
        "Id": it.id,
        "Names": [format!("/{}", it.name)],
        "Image": it.image,
        "ImageID": it.image_id,
        "Command": it.command_line(),
        "Created": time::seconds(it.created),
        "Ports": ports.collect::<Vec<_>>(),
        "Labels": it.labels,
        "State": it.state.as_str(),
        "Status": it.status(now),
        "HostConfig": {"NetworkMode": it.network_mode},
        "NetworkSettings": {"Networks": networks(it)},
        "Mounts": mounts(it),
    })
}

pub fn inspected(it: &Container, network: &impl Fn(&str) -> Option<Network>) -> Value {
    let (path, args) = it.command.split_first().map_or(("", &[][..]), |(path, args)| (path, args));
    // Legacy fields: only of the default bridge.
    let bridge = it.networks.get("bridge").map(|it| endpoint_json(it, network(&it.network_id).as_ref()));
    let bridged = |field: &str| bridge.as_ref().map_or(json!(""), |it| it[field].clone());
    json!({
        "Id": it.id,
        "Created": rfc3339(it.created),
        "Path": path,
        "Args": args,
        "State": state(it),
        "Image": it.image_id,
        "ResolvConfPath": "", "HostnamePath": "", "HostsPath": "", "LogPath": "",
        "Name": format!("/{}", it.name),
        "RestartCount": it.restart_count,
        "Driver": "overlay2", "Platform": "linux", "MountLabel": "", "ProcessLabel": "", "AppArmorProfile": "",
        "ExecIDs": null,
        "HostConfig": host_config(it),
        "GraphDriver": {"Data": null, "Name": "overlay2"},
        "Mounts": mounts(it),
        "Config": config(it),
        "NetworkSettings": {
            "Bridge": "", "SandboxID": "", "HairpinMode": false, "Ports": ports(it), "SandboxKey": "",
            "SecondaryIPAddresses": null, "SecondaryIPv6Addresses": null, "LinkLocalIPv6Address": "",
            "LinkLocalIPv6PrefixLen": 0, "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "IPv6Gateway": "",
            "EndpointID": bridged("EndpointID"), "Gateway": bridged("Gateway"), "IPAddress": bridged("IPAddress"),
            "IPPrefixLen": bridge.as_ref().map_or(json!(0), |it| it["IPPrefixLen"].clone()), "MacAddress": bridged("MacAddress"),
            "Networks": inspected_networks(it, network),
        },
    })
}

fn state(it: &Container) -> Value {
    let mut state = json!({
        "Status": it.state.as_str(),
        "Running": it.state.is_up() || it.state == State::Restarting,
        "Paused": it.state == State::Paused,
        "Restarting": it.state == State::Restarting,
        "OOMKilled": it.oom_killed,
        "Dead": it.state == State::Dead,
        "Pid": it.pid,
        "ExitCode": it.exit_code,
        "Error": "",
        "StartedAt": rfc3339(it.started_at),
        "FinishedAt": rfc3339(it.finished_at),
    });
    if let Some(check) = it.health.as_ref().filter(|_| it.started_at > 0) {
        state["Health"] = health(it, check);
    }
    state
}

fn health(it: &Container, check: &HealthCheck) -> Value {
    // A container that is down keeps its last health.
    let failed = check.failing_streak > 0;
    let run = json!({
        "Start": rfc3339(it.started_at),
        "End": rfc3339(it.started_at + 40 * time::MILLISECOND),
        "ExitCode": i32::from(failed),
        "Output": if failed { "connection refused\n" } else { "ok\n" },
    });
    json!({"Status": check.status.as_str(), "FailingStreak": check.failing_streak, "Log": [run]})
}

/// The host config given at creation, merged over Docker's defaults.
fn host_config(it: &Container) -> Value {
    let binds: Vec<String> = it
        .mounts
        .iter()
        .filter(|mount| mount.kind != "tmpfs" && !mount.anonymous)
        .map(|mount| {
            let source = if mount.kind == "volume" { &mount.name } else { &mount.source };
            format!("{source}:{}:{}", mount.destination, if mount.writable { "rw" } else { "ro" })
        })
        .collect();
    let mut config = json!({
        "Binds": binds,
        "ContainerIDFile": "",
        "LogConfig": {"Type": "json-file", "Config": {}},
        "NetworkMode": it.network_mode,
        "PortBindings": port_bindings(it),
        "AutoRemove": it.auto_remove,
        "VolumeDriver": "", "VolumesFrom": null, "CapAdd": null, "CapDrop": null, "Dns": [], "DnsOptions": [],
        "DnsSearch": [], "ExtraHosts": null, "GroupAdd": null, "IpcMode": "private", "Cgroup": "", "CgroupnsMode": "private",
        "Links": null, "OomScoreAdj": 0, "PidMode": "", "Privileged": false, "PublishAllPorts": false,
        "ReadonlyRootfs": false, "SecurityOpt": null, "UTSMode": "", "UsernsMode": "", "ShmSize": 67_108_864,
        "Runtime": "runc", "Isolation": "", "CpuShares": 0, "Memory": 0, "NanoCpus": 0, "CgroupParent": "",
        "BlkioWeight": 0, "CpuPeriod": 0, "CpuQuota": 0, "CpusetCpus": "", "CpusetMems": "", "Devices": [],
        "MemoryReservation": 0, "MemorySwap": 0, "MemorySwappiness": null, "OomKillDisable": false, "PidsLimit": null,
        "Ulimits": null,
    });
    overlay(&mut config, &it.host_config);
    config["NetworkMode"] = json!(it.network_mode);
    config["RestartPolicy"] = json!({"Name": it.restart_policy, "MaximumRetryCount": it.most_restarts});
    config
}

fn config(it: &Container) -> Value {
    let exposed: BTreeMap<String, Value> =
        it.ports.iter().map(|port| (spec(port.private, port.protocol), json!({}))).collect();
    let mut config = json!({
        "Hostname": it.short_id(), "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": false,
        "AttachStderr": false, "OpenStdin": false, "StdinOnce": false, "Cmd": it.command, "Volumes": null,
        "WorkingDir": "", "Entrypoint": null, "OnBuild": null,
    });
    overlay(&mut config, &it.config);
    config["Image"] = json!(it.image);
    config["Env"] = json!(it.env);
    config["Labels"] = json!(it.labels);
    config["Tty"] = json!(it.tty);
    if !exposed.is_empty() {
        config["ExposedPorts"] = json!(exposed);
    }
    if let Some(check) = &it.health {
        config["Healthcheck"] = it.config.get("Healthcheck").cloned().unwrap_or_else(|| json!({"Test": check.test}));
    }
    config
}

fn overlay(value: &mut Value, over: &Map<String, Value>) {
    for (key, said) in over {
        value[key.as_str()] = said.clone();
    }
}

fn spec(private: u16, protocol: &str) -> String {
    format!("{private}/{protocol}")
}

fn ports(it: &Container) -> BTreeMap<String, Value> {
    let mut ports: BTreeMap<String, Value> = BTreeMap::new();
    for port in it.open_ports() {
        let place = ports.entry(spec(port.private, port.protocol)).or_insert(Value::Null);
        if let Some(public) = &port.public {
            let binding = json!({"HostIp": public.ip, "HostPort": public.port.to_string()});
            match place {
                Value::Array(bindings) => bindings.push(binding),
                _ => *place = json!([binding]),
            }
        }
    }
    ports
}

fn port_bindings(it: &Container) -> BTreeMap<String, Value> {
    let published = it.ports.iter().filter_map(|port| Some((port, port.public.as_ref().filter(|it| it.ip != "::")?)));
    let binding =
        |port: u16, ip: &str| json!([{"HostIp": if ip == "0.0.0.0" { "" } else { ip }, "HostPort": port.to_string()}]);
    published.map(|(port, public)| (spec(port.private, port.protocol), binding(public.port, &public.ip))).collect()
}

fn mounts(it: &Container) -> Vec<Value> {
    let to_json = |mount: &Mount| {
        let mut value = json!({
            "Type": mount.kind, "Source": mount.source, "Destination": mount.destination,
            "Mode": match (mount.kind, mount.writable) { (_, false) => "ro", ("volume", _) => "z", _ => "" },
            "RW": mount.writable,
            "Propagation": if mount.kind == "bind" { "rprivate" } else { "" },
        });
        if mount.kind == "volume" {
            value["Name"] = json!(mount.name);
            value["Driver"] = json!("local");
        }
        value
    };
    it.mounts.iter().map(to_json).collect()
}

/// The list omits aliases.
fn networks(it: &Container) -> BTreeMap<&String, Value> {
    let to_json = |endpoint: &Endpoint| endpoint_json(&Endpoint { aliases: Vec::new(), ..endpoint.clone() }, None);
    it.networks.iter().map(|(name, endpoint)| (name, to_json(endpoint))).collect()
}

fn inspected_networks(it: &Container, network: &impl Fn(&str) -> Option<Network>) -> BTreeMap<String, Value> {
    let to_json = |endpoint: &Endpoint| endpoint_json(endpoint, network(&endpoint.network_id).as_ref());
    it.networks.iter().map(|(name, endpoint)| (name.clone(), to_json(endpoint))).collect()
}

fn endpoint_json(endpoint: &Endpoint, network: Option<&Network>) -> Value {
    let up = !endpoint.ip.is_empty();
    let gateway = network.and_then(|it| it.gateway.clone()).filter(|_| up).unwrap_or_default();
    json!({
        "IPAMConfig": null, "Links": null,
        "Aliases": if endpoint.aliases.is_empty() { Value::Null } else { json!(endpoint.aliases) },
        "NetworkID": endpoint.network_id, "EndpointID": endpoint.endpoint_id, "Gateway": gateway,
        "IPAddress": endpoint.ip, "IPPrefixLen": if up { 16 } else { 0 },
        "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
        "MacAddress": mac(&endpoint.ip), "DriverOpts": null,
    })
}

/// Docker's own rule: the MAC address is derived from the IP address.
pub fn mac(ip: &str) -> String {
    let parts: Vec<u8> = ip.split('.').filter_map(|it| it.parse().ok()).collect();
    match parts.as_slice() {
        [a, b, c, d] => format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
        _ => String::new(),
    }
}

/// Puts an unknown state, health and port type into a container of a list or an inspect.
pub fn in_unknown_words(mut container: Value) -> Value {
    if container["State"].is_string() {
        container["State"] = json!("levitating");
        container["Status"] = json!("Levitating 5 minutes (radiant)");
        if let Some(ports) = container["Ports"].as_array_mut() {
            ports.iter_mut().for_each(|port| port["Type"] = json!("quic"));
        }
        return container;
    }
    container["State"]["Status"] = json!("levitating");
    if container["State"]["Health"].is_object() {
        container["State"]["Health"]["Status"] = json!("radiant");
    }
    if let Some(ports) = container["NetworkSettings"]["Ports"].as_object_mut() {
        let strange = std::mem::take(ports).into_iter().map(|(port, places)| (port.replace("tcp", "quic"), places));
        ports.extend(strange);
    }
    container
}
