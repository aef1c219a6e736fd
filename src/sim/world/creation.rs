//! Container creation, from the body of `POST /containers/create`.

use super::{Container, Endpoint, Health, HealthCheck, Labels, Mount, Port, Publication, Refusal, State, World};
use crate::sim::time::Nanos;
use rand::Rng;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The parsed fields of the body. The rest is kept verbatim for the inspect.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Creation {
    pub image: String,
    #[serde(deserialize_with = "or_default")]
    cmd: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    entrypoint: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    env: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    labels: Labels,
    #[serde(deserialize_with = "or_default")]
    exposed_ports: BTreeMap<String, Value>,
    #[serde(deserialize_with = "or_default")]
    volumes: BTreeMap<String, Value>,
    tty: bool,
    healthcheck: Option<Healthcheck>,
    #[serde(deserialize_with = "or_default")]
    host_config: HostConfig,
    #[serde(deserialize_with = "or_default")]
    networking_config: Networking,
    #[serde(skip)]
    pub raw: Map<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Healthcheck {
    #[serde(deserialize_with = "or_default")]
    test: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    #[serde(deserialize_with = "or_default")]
    binds: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    mounts: Vec<WantedMount>,
    #[serde(deserialize_with = "or_default")]
    port_bindings: BTreeMap<String, Option<Vec<Binding>>>,
    publish_all_ports: bool,
    #[serde(deserialize_with = "or_default")]
    restart_policy: Policy,
    #[serde(deserialize_with = "or_default")]
    network_mode: String,
    auto_remove: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WantedMount {
    r#type: String,
    source: String,
    target: String,
    read_only: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    host_ip: String,
    host_port: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Policy {
    name: String,
    maximum_retry_count: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Networking {
    #[serde(deserialize_with = "or_default")]
    endpoints_config: BTreeMap<String, Option<WantedEndpoint>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct WantedEndpoint {
    #[serde(deserialize_with = "or_default")]
    aliases: Vec<String>,
}

/// Reads `null` as the default: the CLI sends `null` for "no list".
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Creation {
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let raw: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| Refusal::invalid(error.to_string()))?;
        let mut creation: Self =
            serde_json::from_value(Value::Object(raw.clone())).map_err(|error| Refusal::invalid(error.to_string()))?;
        creation.raw = raw;
        Ok(creation)
    }
}

impl World {
    /// Creates a container and the volumes it needs, and returns its id. Without a name it gets a random one.
    pub fn create(&mut self, name: Option<&str>, creation: Creation, now: Nanos) -> Result<String, Refusal> {
        let image = self.find_image(&creation.image)?.clone();
        let name = match name.filter(|name| !name.is_empty()) {
            Some(name) => name.trim_start_matches('/').to_owned(),
            None => self.random_name(),
        };
        self.require_free_name(&name)?;
        let mounts = self.mounts_of(&creation, &image.volumes, now)?;
        let networks = self.networks_of(&creation)?;
        let ports = self.ports_of(&creation, &image.exposed);
        let Creation { cmd, entrypoint, mut env, tty, host_config, mut raw, healthcheck, .. } = creation;
        let mut command = entrypoint;
        command.extend(if cmd.is_empty() && command.is_empty() { image.command.clone() } else { cmd });
        if command.is_empty() {
            return Err(Refusal::invalid("No command specified"));
        }
        env.extend(image.env.iter().cloned());
        let mut labels = image.labels.clone();
        labels.extend(creation.labels);
        let raw_host_config = match raw.remove("HostConfig") {
            Some(Value::Object(it)) => it,
            _ => Map::new(),
        };
        raw.remove("NetworkingConfig");
        let test = healthcheck.map(|it| it.test).filter(|test| !test.is_empty() && test[0] != "NONE");
        let id = self.new_id();
        self.put(Container {
            id: id.clone(),
            name,
            created: now,
            image: creation.image,
            image_id: image.id,
            command,
            env,
            labels,
            tty,
            auto_remove: host_config.auto_remove,
            restart_policy: Some(host_config.restart_policy.name).filter(|it| !it.is_empty()).unwrap_or("no".into()),
            most_restarts: host_config.restart_policy.maximum_retry_count,
            network_mode: Some(host_config.network_mode).filter(|it| !it.is_empty()).unwrap_or("default".into()),
            networks,
            ports,
            mounts,
            config: raw,
            host_config: raw_host_config,
            state: State::Created,
            exits_with: 143,
            dying: None,
            exit_code: 0,
            oom_killed: false,
            pid: 0,
            started_at: 0,
            finished_at: 0,
            restart_count: 0,
            health: test.map(|test| HealthCheck { test, status: Health::Starting, failing_streak: 0 }),
        });
        self.say(&id, "create");
        Ok(id)
    }

    fn networks_of(&self, creation: &Creation) -> Result<BTreeMap<String, Endpoint>, Refusal> {
        let mode = creation.host_config.network_mode.as_str();
        if mode.starts_with("container:") {
            return Ok(BTreeMap::new());
        }
        let mut networks = BTreeMap::new();
        let wanted = &creation.networking_config.endpoints_config;
        for (name, endpoint) in wanted {
            let aliases = endpoint.as_ref().map(|it| it.aliases.clone()).unwrap_or_default();
            // A network may be given by its id.
            let name = self.find_network(known_name(name))?.name.clone();
            networks.insert(name, Endpoint { aliases, ..Endpoint::default() });
        }
        let main = self.find_network(known_name(mode))?.name.clone();
        networks.entry(main).or_default();
        Ok(networks)
    }

    fn ports_of(&mut self, creation: &Creation, exposed_by_image: &[String]) -> Vec<Port> {
        let bindings = &creation.host_config.port_bindings;
        let mut exposed: Vec<&String> =
            creation.exposed_ports.keys().chain(exposed_by_image).chain(bindings.keys()).collect();
        exposed.sort();
        exposed.dedup();
        let mut ports = Vec::new();
        for spec in exposed {
            let Some((private, protocol)) = port(spec) else { continue };
            let published = bindings.get(spec).and_then(Option::as_deref).unwrap_or_default();
            let mut public: Vec<Option<Publication>> = Vec::new();
            for binding in published {
                let port = binding.host_port.parse().unwrap_or(0);
                public.extend(self.publish(&binding.host_ip, port).map(Some));
            }
            if public.is_empty() && creation.host_config.publish_all_ports {
                public.extend(self.publish("", 0).map(Some));
            }
            if public.is_empty() {
                public.push(None);
            }
            ports.extend(public.into_iter().map(|public| Port { private, protocol, public }));
        }
        ports
    }

    /// An empty address means all addresses of both families; port 0 means any port.
    fn publish(&mut self, ip: &str, port: u16) -> impl Iterator<Item = Publication> {
        let port = if port == 0 { self.random.random_range(32_768..61_000) } else { port };
        let ips = if ip.is_empty() { vec!["0.0.0.0".to_owned(), "::".to_owned()] } else { vec![ip.to_owned()] };
        ips.into_iter().map(move |ip| Publication { ip, port })
    }

    fn mounts_of(&mut self, creation: &Creation, of_image: &[String], now: Nanos) -> Result<Vec<Mount>, Refusal> {
        let mut mounts: Vec<Mount> = Vec::new();
        let wanted_host = &creation.host_config;
        for bind in &wanted_host.binds {
            let mut parts = bind.splitn(3, ':');
            let (Some(source), Some(destination)) = (parts.next(), parts.next()) else {
                return Err(Refusal::invalid(format!("invalid volume specification: '{bind}'")));
            };
            let writable = !parts.next().unwrap_or_default().split(',').any(|mode| mode == "ro");
            let kind = if source.starts_with('/') { "bind" } else { "volume" };
            mounts.push(self.mount(kind, source, destination, writable, now)?);
        }
        for wanted in &wanted_host.mounts {
            let kind = match wanted.r#type.as_str() {
                "bind" => "bind",
                "tmpfs" => "tmpfs",
                _ => "volume",
            };
            mounts.push(self.mount(kind, &wanted.source, &wanted.target, !wanted.read_only, now)?);
        }
        for path in creation.volumes.keys().chain(of_image) {
            if mounts.iter().all(|it| it.destination != *path) {
                mounts.push(self.mount("volume", "", path, true, now)?);
            }
        }
        Ok(mounts)
    }

    /// Without a source, creates an anonymous volume.
    fn mount(
        &mut self,
        kind: &'static str,
        source: &str,
        destination: &str,
        writable: bool,
        now: Nanos,
    ) -> Result<Mount, Refusal> {
        let (name, source) = if kind == "volume" {
            let name = self.create_volume(source, Labels::new(), now)?;
            let mountpoint = self.find_volume(&name)?.mountpoint();
            (name, mountpoint)
        } else {
            (String::new(), source.to_owned())
        };
        let anonymous = kind == "volume" && name.len() == 64;
        Ok(Mount { kind, name, source, destination: destination.to_owned(), writable, anonymous })
    }

    fn random_name(&mut self) -> String {
        loop {
            let (first, second) = (self.random.random_range(0..FIRST.len()), self.random.random_range(0..SECOND.len()));
            let number: u32 = self.random.random_range(0..10_000);
            let name = format!("{}_{}{}", FIRST[first], SECOND[second], number);
            if self.require_free_name(&name).is_ok() {
                return name;
            }
        }
    }
}

const FIRST: [&str; 12] =
    ["amber", "brave", "calm", "dusty", "eager", "frosty", "gentle", "hidden", "lively", "merry", "quiet", "swift"];
const SECOND: [&str; 12] =
    ["badger", "crane", "dolphin", "falcon", "heron", "lynx", "marten", "otter", "plover", "raven", "sparrow", "vole"];

/// The name of the default network where none is given.
fn known_name(network: &str) -> &str {
    if matches!(network, "" | "default") { "bridge" } else { network }
}

/// Parses `80/tcp` or `80`.
fn port(spec: &str) -> Option<(u16, &'static str)> {
    let (number, protocol) = spec.split_once('/').unwrap_or((spec, "tcp"));
    let protocol = match protocol {
        "udp" => "udp",
        "sctp" => "sctp",
        _ => "tcp",
    };
    Some((number.parse().ok()?, protocol))
}
