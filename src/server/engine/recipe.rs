//! Container recipes: derived from the inspects of a container and its image, and used to create a container.
//!
//! A recipe omits the image's own settings, so that those of a newer image apply.

use super::{Call, Engine, EngineError, READ_TIMEOUT, WritableEngine, act::repository_and_tag};
use crate::{
    model::{
        ContainerAction, ContainerId, ContainerName, ContainerSpec, HealthSpec, ImageName, Labels, Limits, MountSpec,
        MountWay, NetworkSpec, PortSpec, Recipe, Ulimit,
    },
    server::percent::{component, reference},
};
use http_body_util::{BodyExt, Full};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Default sizes of a container's shared memory in Docker and Podman, in bytes.
const USUAL_SHM: [u64; 2] = [64 << 20, 64_000 << 10];

/// Timeout for slow requests: a create copies the image's files into new volumes, a commit copies all written files.
const SLOW: Duration = Duration::from_secs(120);

impl Engine {
    /// Returns a container's recipe. None if the container doesn't exist.
    pub async fn recipe(&self, id: &ContainerId) -> Result<Option<Recipe>, EngineError> {
        let path = format!("/containers/{id}/json");
        let Some(container) = self.find::<Value>(Call::ContainerInspect, &path).await? else { return Ok(None) };
        let image = match container["Image"].as_str() {
            Some(image) => self.find::<Value>(Call::ImageInspect, &format!("/images/{image}/json")).await?,
            None => None,
        };
        Ok(Some(read(&container, image.as_ref().map_or(&Value::Null, |it| &it["Config"]))))
    }
}

impl WritableEngine {
    /// Creates a container, without starting it. If connecting one of its networks fails, the container is removed.
    pub async fn create(&self, name: &ContainerName, spec: &ContainerSpec) -> Result<ContainerId, EngineError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Created {
            id: String,
        }
        let path = format!("/containers/create?name={name}");
        let body = body(spec);
        let created = self.calls.time(Call::ContainerCreate, self.post_json::<Created>(&path, &body)).await;
        let created = match created {
            Ok(created) => created,
            Err(error) => return Err(self.explain_creation(name, error).await),
        };
        let id = ContainerId::new(&created.id).map_err(|error| EngineError::Malformed(error.to_string()))?;
        for network in spec.networks.iter().skip(1) {
            let path = format!("/networks/{}/connect", component(&network.name));
            let connect = json!({"Container": id.as_str(), "EndpointConfig": endpoint(network)});
            if let Err(error) = self.calls.time(Call::NetworkConnect, self.post(&path, &connect)).await {
                let remove = ContainerAction::Remove { force: true, volumes: true };
                let _ = self.act_on_container(&id, remove).await;
                return Err(error);
            }
        }
        Ok(id)
    }

    /// Changes the limits and the restart policy of a container.
    pub async fn update(&self, id: &ContainerId, limits: &Limits, restart: Option<&str>) -> Result<(), EngineError> {
        let mut body = json!({});
        put_limits(&mut body, limits);
        // An engine refuses a memory limit above the current limit of memory and swap together.
        if let (Some(memory), None) = (limits.memory, limits.memory_swap) {
            body["MemorySwap"] = json!(memory.saturating_mul(2));
        }
        if let Some(restart) = restart {
            body["RestartPolicy"] = restart_policy(restart);
        }
        self.post(&format!("/containers/{id}/update"), &body).await.map(drop)
    }

    /// Creates an image from a container's current file system. Returns its id.
    pub async fn commit(&self, id: &ContainerId, name: &ImageName, message: &str) -> Result<String, EngineError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Made {
            id: String,
        }
        let (repository, tag) = repository_and_tag(name);
        let path = format!(
            "/commit?container={id}&repo={}&tag={}&comment={}",
            reference(repository),
            reference(tag.unwrap_or("latest")),
            reference(message)
        );
        let made: Made = self.post_json(&path, &json!({})).await?;
        Ok(made.id)
    }

    pub(super) async fn post_json<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, EngineError> {
        let answer = self.post(path, body).await?;
        serde_json::from_slice(&answer).map_err(|error| EngineError::Malformed(format!("{path}: {error}")))
    }

    /// Returns the raw response: where Docker's is empty, Podman 5's is "OK", which is not JSON.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Vec<u8>, EngineError> {
        let bytes = Full::from(body.to_string()).map_err(|never| match never {}).boxed_unsync();
        let headers = [("Content-Type", "application/json")];
        let answer = async { self.sender.send_post(path, &headers, bytes).await?.whole().await };
        tokio::time::timeout(SLOW, answer).await.map_err(|_| EngineError::Timeout)?
    }
}

impl Engine {
    /// Returns the names of a container's anonymous volumes by mount point, for a replacement to take over.
    pub async fn anonymous_volumes(&self, id: &ContainerId) -> Result<BTreeMap<String, String>, EngineError> {
        let container: Value =
            self.reader.json(Call::ContainerInspect, &format!("/containers/{id}/json"), READ_TIMEOUT).await?;
        let is_anonymous = |name: &str| name.len() == 64 && name.bytes().all(|it| it.is_ascii_hexdigit());
        let volumes = list(&container["Mounts"]).iter().filter(|it| it["Type"] == "volume");
        let volumes = volumes.filter_map(|it| Some((it["Destination"].as_str()?, it["Name"].as_str()?)));
        let anonymous = volumes.filter(|(_, name)| is_anonymous(name));
        Ok(anonymous.map(|(target, name)| (target.to_owned(), name.to_owned())).collect())
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|it| !it.is_empty()).map(str::to_owned)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> Vec<String> {
    list(value).iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn labels(value: &Value) -> Labels {
    map(value).filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().filter(|it| *it > 0)
}

/// Derives the recipe. `image` is the image's own configuration.
fn read(container: &Value, image: &Value) -> Recipe {
    let (config, host) = (&container["Config"], &container["HostConfig"]);
    let (id, name) = (container["Id"].as_str().unwrap_or_default(), container["Name"].as_str().unwrap_or_default());
    let short = id.get(..12).unwrap_or(id);
    let is_images = |key: &str| config[key] == image[key];
    let differs = |key: &str| text(&config[key]).filter(|_| !is_images(key));
    let (entrypoint, command) = words(config, image);
    let images_env = texts(&image["Env"]);
    let images_labels = &image["Labels"];
    let ports = ports(&host["PortBindings"]);
    let is_published = |port: &str| !host["PortBindings"][port].is_null();
    let expose = map(&config["ExposedPorts"]).map(|(port, _)| port);
    let expose = expose.filter(|port| !is_published(port) && image["ExposedPorts"][port.as_str()].is_null());
    let is_privileged = host["Privileged"] == true;
    let env = texts(&config["Env"]);
    let by_podman = env.iter().any(|it| it == "container=podman");
    let hostname = format!("HOSTNAME={}", config["Hostname"].as_str().unwrap_or_default());
    let is_own = |it: &String| {
        !(by_podman
            && (matches!(it.as_str(), "container=podman" | "TERM=xterm" | "HOME=/root" | "HOME=/") || *it == hostname))
    };
    let spec = ContainerSpec {
        image: text(&config["Image"]).unwrap_or_default(),
        entrypoint,
        command,
        env: env.into_iter().filter(|it| !images_env.contains(it) && is_own(it)).collect(),
        ports,
        publish_all: host["PublishAllPorts"] == true,
        expose: expose.cloned().collect(),
        mounts: mounts(config, host, image),
        networks: networks(host, &container["NetworkSettings"]["Networks"], short),
        restart: restart(&host["RestartPolicy"]),
        limits: limits(host),
        health: (!config["Healthcheck"].is_null() && !is_images("Healthcheck")).then(|| health(&config["Healthcheck"])),
        labels: map(&config["Labels"])
            .filter(|(key, value)| images_labels[key.as_str()] != **value)
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        user: differs("User"),
        workdir: differs("WorkingDir"),
        hostname: text(&config["Hostname"]).filter(|it| it != short && host["NetworkMode"] != "host"),
        domainname: text(&config["Domainname"]),
        tty: config["Tty"] == true,
        stdin_open: config["OpenStdin"] == true,
        init: host["Init"] == true,
        privileged: is_privileged,
        read_only: host["ReadonlyRootfs"] == true,
        auto_remove: host["AutoRemove"] == true,
        cap_add: texts(&host["CapAdd"]),
        cap_drop: texts(&host["CapDrop"]),
        devices: list(&host["Devices"]).iter().filter_map(device).collect(),
        extra_hosts: texts(&host["ExtraHosts"]),
        dns: texts(&host["Dns"]),
        dns_search: texts(&host["DnsSearch"]),
        // The engine itself adds this option to a privileged container.
        security_opt: texts(&host["SecurityOpt"])
            .into_iter()
            .filter(|it| !(is_privileged && it == "label=disable"))
            .collect(),
        group_add: texts(&host["GroupAdd"]),
        sysctls: labels(&host["Sysctls"]),
        ulimits: list(&host["Ulimits"]).iter().filter_map(ulimit).collect(),
        log_driver: text(&host["LogConfig"]["Type"]).filter(|it| it != "json-file"),
        log_options: labels(&host["LogConfig"]["Config"]),
        shm_size: number(&host["ShmSize"]).filter(|it| !USUAL_SHM.contains(it)),
        stop_signal: differs("StopSignal").filter(|it| !(it == "SIGTERM" && image["StopSignal"].is_null())),
        stop_timeout: config["StopTimeout"].as_u64().and_then(|it| u32::try_from(it).ok()),
        pid_mode: text(&host["PidMode"]).filter(|it| it != "private"),
        ipc_mode: text(&host["IpcMode"]).filter(|it| it != "private" && !(by_podman && it == "shareable")),
        runtime: text(&host["Runtime"]).filter(|it| it != "runc" && it != "oci"),
    };
    Recipe { name: name.trim_start_matches('/').to_owned(), spec, left_out: left_out(host) }
}

/// Returns entrypoint and command if they differ from the image's. With its own entrypoint a container doesn't inherit the
/// image's command.
fn words(config: &Value, image: &Value) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let of = |from: &Value, key: &str| texts(&from[key]);
    let (entrypoint, command) = (of(config, "Entrypoint"), of(config, "Cmd"));
    let own_entrypoint = entrypoint != of(image, "Entrypoint");
    let own_command = if own_entrypoint { !command.is_empty() } else { command != of(image, "Cmd") };
    // Docker's notation for no entrypoint.
    let entrypoint = if entrypoint.is_empty() { vec![String::new()] } else { entrypoint };
    (own_entrypoint.then_some(entrypoint), own_command.then_some(command))
}

fn ports(bindings: &Value) -> Vec<PortSpec> {
    let mut ports = Vec::new();
    for (port, places) in map(bindings) {
        let (private, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        let Ok(private) = private.parse() else { continue };
        let protocol = if protocol == "tcp" { String::new() } else { protocol.to_owned() };
        for place in list(places) {
            let ip = text(&place["HostIp"]).unwrap_or_default();
            let public = place["HostPort"].as_str().and_then(|it| it.parse().ok()).filter(|it| *it != 0);
            ports.push(PortSpec { private, protocol: protocol.clone(), ip, public });
        }
    }
    ports.sort_by_key(|it| (it.private, it.public));
    ports
}

fn mounts(config: &Value, host: &Value, image: &Value) -> Vec<MountSpec> {
    let mut mounts = Vec::new();
    for bind in texts(&host["Binds"]) {
        let parts: Vec<&str> = bind.split(':').collect();
        let [source, target, options @ ..] = &parts[..] else { continue };
        let kind = if source.starts_with('/') { MountWay::Bind } else { MountWay::Volume };
        let read_only = options.iter().any(|it| it.split(',').any(|it| it == "ro"));
        mounts.push(MountSpec { kind, source: (*source).into(), target: (*target).into(), read_only, size: None });
    }
    for mount in list(&host["Mounts"]) {
        let kind = match mount["Type"].as_str() {
            Some("bind") => MountWay::Bind,
            Some("tmpfs") => MountWay::Tmpfs,
            _ => MountWay::Volume,
        };
        mounts.push(MountSpec {
            kind,
            source: text(&mount["Source"]).unwrap_or_default(),
            target: text(&mount["Target"]).unwrap_or_default(),
            read_only: mount["ReadOnly"] == true,
            size: number(&mount["TmpfsOptions"]["SizeBytes"]),
        });
    }
    for (target, options) in map(&host["Tmpfs"]) {
        let options = options.as_str().unwrap_or_default();
        mounts.push(MountSpec {
            kind: MountWay::Tmpfs,
            target: target.clone(),
            read_only: options.split(',').any(|it| it == "ro"),
            size: options.split(',').find_map(|it| size_in_words(it.strip_prefix("size=")?)),
            ..MountSpec::default()
        });
    }
    let anonymous = map(&config["Volumes"]).map(|(target, _)| target);
    let anonymous = anonymous.filter(|target| image["Volumes"][target.as_str()].is_null());
    for target in anonymous {
        if !mounts.iter().any(|it| it.target == *target) {
            mounts.push(MountSpec { target: target.clone(), ..MountSpec::default() });
        }
    }
    mounts
}

/// Parses a size like "64m" into bytes.
fn size_in_words(words: &str) -> Option<u64> {
    let unit = match words.trim_end_matches('b').chars().next_back()? {
        'k' | 'K' => 1 << 10,
        'm' | 'M' => 1 << 20,
        'g' | 'G' => 1 << 30,
        _ => 1,
    };
    let digits: String = words.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn networks(host: &Value, joined: &Value, short: &str) -> Vec<NetworkSpec> {
    let mode = host["NetworkMode"].as_str().unwrap_or_default();
    if matches!(mode, "host" | "none") || mode.starts_with("container:") {
        return vec![NetworkSpec { name: mode.to_owned(), ..NetworkSpec::default() }];
    }
    // The mode is the network's id or name.
    let is_first = |(name, it): &(&String, &Value)| match mode {
        "default" | "bridge" | "" => *name == "bridge",
        mode => *name == mode || it["NetworkID"] == mode,
    };
    let mut all: Vec<(&String, &Value)> = map(joined).collect();
    all.sort_by_key(|it| !is_first(it));
    let all: Vec<NetworkSpec> = all
        .into_iter()
        .map(|(name, it)| NetworkSpec {
            name: name.clone(),
            ip: text(&it["IPAMConfig"]["IPv4Address"]).or_else(|| text(&it["IPAMConfig"]["IPv6Address"])),
            // Older engines add the container's short id.
            aliases: texts(&it["Aliases"]).into_iter().filter(|alias| alias != short).collect(),
        })
        .collect();
    match &all[..] {
        [only] if only.name == "bridge" && only.ip.is_none() => Vec::new(),
        _ => all,
    }
}

fn restart(policy: &Value) -> Option<String> {
    match (text(&policy["Name"])?.as_str(), number(&policy["MaximumRetryCount"])) {
        ("no", _) => None,
        ("on-failure", Some(most)) => Some(format!("on-failure:{most}")),
        (name, _) => Some(name.to_owned()),
    }
}

fn limits(host: &Value) -> Limits {
    let memory = number(&host["Memory"]);
    let swap = host["MemorySwap"].as_i64().filter(|it| *it != 0);
    Limits {
        memory,
        memory_reservation: number(&host["MemoryReservation"]),
        // By default the engine sets twice the memory limit.
        memory_swap: swap.filter(|swap| memory.map(|it| it.saturating_mul(2)) != u64::try_from(*swap).ok()),
        millicpus: number(&host["NanoCpus"]).map(|it| it / 1_000_000),
        cpu_shares: number(&host["CpuShares"]),
        cpuset: text(&host["CpusetCpus"]),
        pids: host["PidsLimit"].as_i64().filter(|it| *it > 0),
    }
}

fn health(check: &Value) -> HealthSpec {
    let ms = |key: &str| number(&check[key]).map(|nanos| nanos / 1_000_000);
    HealthSpec {
        test: texts(&check["Test"]),
        interval_ms: ms("Interval"),
        timeout_ms: ms("Timeout"),
        start_period_ms: ms("StartPeriod"),
        retries: number(&check["Retries"]).and_then(|it| u32::try_from(it).ok()),
    }
}

fn device(it: &Value) -> Option<String> {
    let (on_host, inside) = (text(&it["PathOnHost"])?, text(&it["PathInContainer"])?);
    let permissions = text(&it["CgroupPermissions"]).unwrap_or_else(|| "rwm".to_owned());
    Some(format!("{on_host}:{inside}:{permissions}"))
}

fn ulimit(it: &Value) -> Option<Ulimit> {
    let name = text(&it["Name"])?;
    // Podman reports names with this prefix, but does not accept them.
    let name = name.strip_prefix("RLIMIT_").map_or(name.clone(), str::to_ascii_lowercase);
    Some(Ulimit { name, soft: it["Soft"].as_i64()?, hard: it["Hard"].as_i64()? })
}

/// Returns the settings that a recipe can't contain, by the engine's names.
fn left_out(host: &Value) -> Vec<String> {
    let is_set = |value: &Value| match value {
        Value::Null => false,
        Value::Bool(it) => *it,
        Value::Number(it) => it.as_f64() != Some(0.0),
        // "private" is Podman's default.
        Value::String(it) => !it.is_empty() && it != "private",
        Value::Array(it) => !it.is_empty(),
        Value::Object(it) => !it.is_empty(),
    };
    const UNKNOWN: [&str; 20] = [
        "VolumesFrom",
        "Links",
        "VolumeDriver",
        "UTSMode",
        "UsernsMode",
        "CgroupParent",
        "Cgroup",
        "BlkioWeight",
        "BlkioWeightDevice",
        "BlkioDeviceReadBps",
        "BlkioDeviceWriteBps",
        "BlkioDeviceReadIOps",
        "BlkioDeviceWriteIOps",
        "CpuPeriod",
        "CpuQuota",
        "CpuRealtimePeriod",
        "CpusetMems",
        "DeviceRequests",
        "OomScoreAdj",
        "StorageOpt",
    ];
    let mut left_out: Vec<String> =
        UNKNOWN.iter().filter(|key| is_set(&host[**key])).map(|key| (*key).to_owned()).collect();
    for bind in texts(&host["Binds"]) {
        let options = bind.split(':').nth(2).unwrap_or_default();
        let odd: Vec<_> = options.split(',').filter(|it| !matches!(*it, "" | "ro" | "rw" | "rprivate")).collect();
        if !odd.is_empty() {
            left_out.push(format!("{} of {bind}", odd.join(",")));
        }
    }
    left_out
}

/// Creates the body of `POST /containers/create`.
fn body(spec: &ContainerSpec) -> Value {
    let mut host = json!({
        "PortBindings": bindings(&spec.ports),
        "PublishAllPorts": spec.publish_all,
        "Mounts": spec.mounts.iter().map(mount).collect::<Vec<_>>(),
        "RestartPolicy": restart_policy(spec.restart.as_deref().unwrap_or("no")),
        "AutoRemove": spec.auto_remove,
        "Privileged": spec.privileged,
        "ReadonlyRootfs": spec.read_only,
        "CapAdd": spec.cap_add,
        "CapDrop": spec.cap_drop,
        "Devices": spec.devices.iter().map(|it| device_of(it)).collect::<Vec<_>>(),
        "ExtraHosts": spec.extra_hosts,
        "Dns": spec.dns,
        "DnsSearch": spec.dns_search,
        "SecurityOpt": spec.security_opt,
        "GroupAdd": spec.group_add,
        "Sysctls": object(&spec.sysctls),
        "Ulimits": spec.ulimits.iter().map(|it| json!({"Name": it.name, "Soft": it.soft, "Hard": it.hard})).collect::<Vec<_>>(),
        "LogConfig": {"Type": spec.log_driver.as_deref().unwrap_or_default(), "Config": object(&spec.log_options)},
        "PidMode": spec.pid_mode.as_deref().unwrap_or_default(),
        "IpcMode": spec.ipc_mode.as_deref().unwrap_or_default(),
        "NetworkMode": spec.networks.first().map_or("default", |it| it.name.as_str()),
    });
    put_limits(&mut host, &spec.limits);
    let optional = [
        ("ShmSize", spec.shm_size.map(Value::from)),
        ("Runtime", spec.runtime.clone().map(Value::from)),
        ("Init", spec.init.then_some(Value::Bool(true))),
    ];
    put(&mut host, optional);
    let exposed =
        spec.ports.iter().map(|it| format!("{}/{}", it.private, it.protocol())).chain(spec.expose.iter().cloned());
    let exposed: Map<String, Value> = exposed.map(|port| (port, json!({}))).collect();
    let mut body = json!({
        "Image": spec.image,
        "Env": spec.env,
        "Labels": object(&spec.labels),
        "Tty": spec.tty,
        "OpenStdin": spec.stdin_open,
        "ExposedPorts": exposed,
        "HostConfig": host,
    });
    let optional = [
        ("Entrypoint", spec.entrypoint.as_ref().map(|it| json!(it))),
        ("Cmd", spec.command.as_ref().map(|it| json!(it))),
        ("User", spec.user.clone().map(Value::from)),
        ("WorkingDir", spec.workdir.clone().map(Value::from)),
        ("Hostname", spec.hostname.clone().map(Value::from)),
        ("Domainname", spec.domainname.clone().map(Value::from)),
        ("StopSignal", spec.stop_signal.clone().map(Value::from)),
        ("StopTimeout", spec.stop_timeout.map(Value::from)),
        ("Healthcheck", spec.health.as_ref().map(healthcheck)),
    ];
    put(&mut body, optional);
    if let Some(first) = spec.networks.first().filter(|it| !it.is_a_mode()) {
        body["NetworkingConfig"] = json!({"EndpointsConfig": {first.name.clone(): endpoint(first)}});
    }
    body
}

fn put<const N: usize>(into: &mut Value, optional: [(&str, Option<Value>); N]) {
    for (key, value) in optional {
        if let Some(value) = value {
            into[key] = value;
        }
    }
}

fn put_limits(host: &mut Value, limits: &Limits) {
    let optional = [
        ("Memory", limits.memory.map(Value::from)),
        ("MemoryReservation", limits.memory_reservation.map(Value::from)),
        ("MemorySwap", limits.memory_swap.map(Value::from)),
        ("NanoCpus", limits.millicpus.map(|it| json!(it.saturating_mul(1_000_000)))),
        ("CpuShares", limits.cpu_shares.map(Value::from)),
        ("CpusetCpus", limits.cpuset.clone().map(Value::from)),
        ("PidsLimit", limits.pids.map(Value::from)),
    ];
    put(host, optional);
}

fn object(pairs: &Labels) -> Map<String, Value> {
    pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}

fn bindings(ports: &[PortSpec]) -> Value {
    let mut bindings: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for port in ports {
        let public = port.public.map(|it| it.to_string()).unwrap_or_default();
        let places = bindings.entry(format!("{}/{}", port.private, port.protocol())).or_default();
        places.push(json!({"HostIp": port.ip, "HostPort": public}));
    }
    json!(bindings)
}

fn mount(it: &MountSpec) -> Value {
    let kind = match it.kind {
        MountWay::Volume => "volume",
        MountWay::Bind => "bind",
        MountWay::Tmpfs => "tmpfs",
    };
    let mut mount = json!({"Type": kind, "Target": it.target, "ReadOnly": it.read_only});
    if !it.source.is_empty() {
        mount["Source"] = json!(it.source);
    }
    if let Some(size) = it.size {
        mount["TmpfsOptions"] = json!({"SizeBytes": size});
    }
    mount
}

fn endpoint(network: &NetworkSpec) -> Value {
    let mut endpoint = json!({"Aliases": network.aliases});
    if let Some(ip) = &network.ip {
        let key = if ip.contains(':') { "IPv6Address" } else { "IPv4Address" };
        endpoint["IPAMConfig"] = json!({key: ip});
    }
    endpoint
}

fn restart_policy(words: &str) -> Value {
    let (name, most) = words.split_once(':').unwrap_or((words, "0"));
    json!({"Name": name, "MaximumRetryCount": most.parse::<u32>().unwrap_or(0)})
}

fn device_of(words: &str) -> Value {
    let mut parts = words.split(':');
    let on_host = parts.next().unwrap_or_default();
    let inside = parts.next().unwrap_or(on_host);
    json!({"PathOnHost": on_host, "PathInContainer": inside, "CgroupPermissions": parts.next().unwrap_or("rwm")})
}

fn healthcheck(health: &HealthSpec) -> Value {
    let nanos = |ms: Option<u64>| ms.map(|it| json!(it.saturating_mul(1_000_000)));
    let mut check = json!({"Test": health.test});
    let optional = [
        ("Interval", nanos(health.interval_ms)),
        ("Timeout", nanos(health.timeout_ms)),
        ("StartPeriod", nanos(health.start_period_ms)),
        ("Retries", health.retries.map(Value::from)),
    ];
    put(&mut check, optional);
    check
}
