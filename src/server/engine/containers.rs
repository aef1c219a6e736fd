//! Containers in the engine's API: the list, with a few facts of all, and the inspect, with all facts of one.

use super::{
    Call, Engine, EngineError,
    read::{Entries, or_default},
};
use crate::model::{
    Attachment, Container, ContainerId, ContainerState, Health, HostId, ImageId, Labels, Mount, MountKind, NetworkId,
    Port, Protocol, RestartPolicy, Timestamp,
};
use serde::Deserialize;
use std::collections::BTreeMap;

impl Engine {
    /// Returns all containers, without the facts that only an inspect contains: see [`with_details_of`].
    pub async fn containers(&self) -> Result<Vec<Container>, EngineError> {
        let Entries::<Listed>(listed) =
            self.reader.json(Call::ContainerList, "/containers/json?all=1", super::LONG_LIST_TIMEOUT).await?;
        Ok(listed.into_iter().filter_map(|listed| listed.into_container(&self.host)).collect())
    }

    /// Returns one container. None if it doesn't exist.
    pub async fn container(&self, id: &ContainerId) -> Result<Option<Container>, EngineError> {
        let inspected: Option<Inspected> = self.find(Call::ContainerInspect, &format!("/containers/{id}/json")).await?;
        Ok(inspected.and_then(|inspected| inspected.into_container(&self.host)))
    }
}

/// Completes a listed container with the facts of an earlier inspect, unless the list contradicts them.
pub fn with_details_of(mut listed: Container, old: &Container) -> Container {
    let same_run = listed.state == old.state && listed.exit_code.is_none_or(|code| old.exit_code == Some(code));
    if same_run {
        listed.exit_code = listed.exit_code.or(old.exit_code);
        // Podman's lists never contain the health, Docker's lack that of a paused container.
        listed.health = listed.health.or(old.health);
        listed.started_at = old.started_at;
        listed.finished_at = old.finished_at;
        listed.oom_killed = old.oom_killed;
        listed.restart_count = old.restart_count;
        listed.pid = old.pid;
    }
    listed.restart_policy = old.restart_policy;
    if listed.created == old.created.to_whole_seconds() {
        listed.created = old.created;
    }
    // When the tag a container was created from has moved, a list names the image by its id. The inspect keeps the name.
    if listed.image_id == old.image_id {
        listed.image = old.image.clone();
    }
    listed
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Listed {
    id: String,
    #[serde(deserialize_with = "or_default")]
    names: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    image: String,
    #[serde(rename = "ImageID", deserialize_with = "or_default")]
    image_id: String,
    #[serde(deserialize_with = "or_default")]
    created: i64,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<ListedPort>,
    #[serde(deserialize_with = "or_default")]
    labels: Labels,
    #[serde(deserialize_with = "or_default")]
    state: String,
    #[serde(deserialize_with = "or_default")]
    status: String,
    #[serde(deserialize_with = "or_default")]
    network_settings: Networks,
    #[serde(deserialize_with = "or_default")]
    mounts: Vec<MountPoint>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ListedPort {
    #[serde(rename = "IP")]
    ip: Option<String>,
    #[serde(deserialize_with = "or_default")]
    private_port: u16,
    public_port: Option<u16>,
    #[serde(deserialize_with = "or_default")]
    r#type: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Networks {
    #[serde(deserialize_with = "or_default")]
    networks: BTreeMap<String, Option<Endpoint>>,
    #[serde(deserialize_with = "or_default")]
    ports: BTreeMap<String, Option<Vec<Binding>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Endpoint {
    #[serde(rename = "NetworkID", deserialize_with = "or_default")]
    network_id: String,
    #[serde(rename = "IPAddress", deserialize_with = "or_default")]
    ip: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    #[serde(deserialize_with = "or_default")]
    host_ip: String,
    #[serde(deserialize_with = "or_default")]
    host_port: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MountPoint {
    #[serde(rename = "Type", deserialize_with = "or_default")]
    kind: String,
    #[serde(rename = "Name", deserialize_with = "or_default")]
    name: String,
    #[serde(rename = "Source", deserialize_with = "or_default")]
    source: String,
    #[serde(rename = "Destination", deserialize_with = "or_default")]
    destination: String,
    #[serde(rename = "RW", deserialize_with = "or_default")]
    writable: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Inspected {
    id: String,
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    created: String,
    /// The image's id.
    #[serde(deserialize_with = "or_default")]
    image: String,
    #[serde(deserialize_with = "or_default")]
    restart_count: u32,
    #[serde(deserialize_with = "or_default")]
    state: InspectedState,
    #[serde(deserialize_with = "or_default")]
    config: Config,
    #[serde(deserialize_with = "or_default")]
    host_config: HostConfig,
    #[serde(deserialize_with = "or_default")]
    network_settings: Networks,
    #[serde(deserialize_with = "or_default")]
    mounts: Vec<MountPoint>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedState {
    #[serde(deserialize_with = "or_default")]
    status: String,
    #[serde(rename = "OOMKilled", deserialize_with = "or_default")]
    oom_killed: bool,
    #[serde(deserialize_with = "or_default")]
    exit_code: i64,
    /// 0 while the container doesn't run.
    #[serde(deserialize_with = "or_default")]
    pid: u32,
    #[serde(deserialize_with = "or_default")]
    started_at: String,
    #[serde(deserialize_with = "or_default")]
    finished_at: String,
    health: Option<InspectedHealth>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedHealth {
    #[serde(deserialize_with = "or_default")]
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    #[serde(deserialize_with = "or_default")]
    image: String,
    #[serde(deserialize_with = "or_default")]
    labels: Labels,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    #[serde(deserialize_with = "or_default")]
    restart_policy: InspectedRestartPolicy,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedRestartPolicy {
    #[serde(deserialize_with = "or_default")]
    name: String,
}

impl Listed {
    /// None if the id is invalid, so that it could not be requested.
    fn into_container(self, host: &HostId) -> Option<Container> {
        let state = ContainerState::parse(&self.state).unwrap_or(ContainerState::Dead);
        // A link adds "/other/alias" to the names. The container's own name has one slash.
        let own = self.names.iter().find(|name| !name.trim_start_matches('/').contains('/'));
        let name = own.or(self.names.first()).map(|name| name.trim_start_matches('/').to_owned());
        let id = ContainerId::new(&self.id).ok()?;
        Some(Container {
            host: host.clone(),
            name: name.unwrap_or_else(|| id.short().to_owned()),
            id,
            image: self.image,
            image_id: ImageId::new(&self.image_id).ok(),
            created: Timestamp::from_seconds(self.created),
            labels: self.labels,
            mounts: mounts(self.mounts),
            restart_policy: None,
            health: health(state, || health_in_words(&self.status)),
            exit_code: if has_exited(state) { exit_code_in_words(&self.status) } else { None },
            state,
            oom_killed: false,
            started_at: None,
            finished_at: None,
            pid: None,
            restart_count: None,
            ports: sorted(self.ports.into_iter().filter_map(|port| {
                let public = port.public_port.filter(|public| *public != 0);
                let ip = port.ip.filter(|ip| !ip.is_empty() && public.is_some());
                Some(Port { private: port.private_port, protocol: Protocol::parse(&port.r#type)?, ip, public })
            })),
            networks: attachments(self.network_settings.networks),
        })
    }
}

impl Inspected {
    fn into_container(self, host: &HostId) -> Option<Container> {
        let state = ContainerState::parse(&self.state.status).unwrap_or(ContainerState::Dead);
        let exited = has_exited(state);
        let id = ContainerId::new(&self.id).ok()?;
        let ports = self.network_settings.ports.into_iter().flat_map(|(port, bindings)| {
            let (number, protocol) = port.split_once('/').unwrap_or((&port, "tcp"));
            let exposed = number.parse().ok().zip(Protocol::parse(protocol));
            let bindings = bindings.unwrap_or_default();
            let published = bindings.into_iter().map(|it| (Some(it.host_ip), it.host_port.parse().ok()));
            let mut places: Vec<(Option<String>, Option<u16>)> = published.collect();
            if places.is_empty() {
                places.push((None, None));
            }
            places.into_iter().filter_map(move |(ip, public)| {
                let (private, protocol) = exposed?;
                Some(Port { private, protocol, ip: ip.filter(|ip| !ip.is_empty() && public.is_some()), public })
            })
        });
        Some(Container {
            host: host.clone(),
            id,
            name: self.name.trim_start_matches('/').to_owned(),
            image: self.config.image,
            image_id: ImageId::new(&self.image).ok(),
            created: Timestamp::parse(&self.created).unwrap_or_default(),
            labels: self.config.labels,
            mounts: mounts(self.mounts),
            restart_policy: Some(match self.host_config.restart_policy.name.as_str() {
                "always" => RestartPolicy::Always,
                "unless-stopped" => RestartPolicy::UnlessStopped,
                "on-failure" => RestartPolicy::OnFailure,
                _ => RestartPolicy::No,
            }),
            health: health(state, || Health::parse(&self.state.health?.status)),
            exit_code: exited.then_some(self.state.exit_code),
            oom_killed: exited && self.state.oom_killed,
            started_at: Timestamp::parse(&self.state.started_at),
            finished_at: Timestamp::parse(&self.state.finished_at),
            pid: Some(self.state.pid).filter(|pid| *pid > 0),
            restart_count: Some(self.restart_count),
            state,
            ports: sorted(ports),
            networks: attachments(self.network_settings.networks),
        })
    }
}

fn has_exited(state: ContainerState) -> bool {
    matches!(state, ContainerState::Exited | ContainerState::Dead | ContainerState::Restarting)
}

/// The engine keeps the health of a stopped container, but it no longer applies.
fn health(state: ContainerState, read: impl FnOnce() -> Option<Health>) -> Option<Health> {
    matches!(state, ContainerState::Running | ContainerState::Paused).then(read).flatten()
}

/// Parses "Up 5 minutes (healthy)" or "Up 2 seconds (health: starting)".
fn health_in_words(status: &str) -> Option<Health> {
    let (_, words) = status.rsplit_once('(')?;
    let words = words.trim_end_matches(')');
    Health::parse(words.strip_prefix("health: ").unwrap_or(words))
}

/// Parses "Exited (137) 2 hours ago" or "Restarting (1) 3 seconds ago".
fn exit_code_in_words(status: &str) -> Option<i64> {
    let (_, rest) = status.split_once('(')?;
    rest.split_once(')')?.0.parse().ok()
}

fn mounts(points: Vec<MountPoint>) -> Vec<Mount> {
    let mut mounts: Vec<_> = points
        .into_iter()
        .map(|point| {
            let kind = match point.kind.as_str() {
                "volume" => MountKind::Volume,
                "bind" => MountKind::Bind,
                "tmpfs" => MountKind::Tmpfs,
                _ => MountKind::Other,
            };
            let source = if kind == MountKind::Volume { point.name } else { point.source };
            Mount { kind, source, destination: point.destination, writable: point.writable }
        })
        .collect();
    mounts.sort_by(|a, b| a.destination.cmp(&b.destination));
    mounts
}

/// The result is sorted by name, like the map.
fn attachments(networks: BTreeMap<String, Option<Endpoint>>) -> Vec<Attachment> {
    let attach = |(name, endpoint): (String, Option<Endpoint>)| {
        let endpoint = endpoint.unwrap_or_default();
        let ip = Some(endpoint.ip).filter(|ip| !ip.is_empty());
        // Podman repeats the name instead of the id.
        let id = Some(endpoint.network_id).filter(|id| *id != name);
        Attachment { id: id.and_then(|id| NetworkId::new(&id).ok()), name, ip }
    };
    networks.into_iter().map(attach).collect()
}

fn sorted(ports: impl Iterator<Item = Port>) -> Vec<Port> {
    let mut ports: Vec<_> = ports.collect();
    ports.sort();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_and_exit_code_are_parsed_from_the_list_status() {
        assert_eq!(health_in_words("Up 5 minutes (healthy)"), Some(Health::Healthy));
        assert_eq!(health_in_words("Up 2 seconds (health: starting)"), Some(Health::Starting));
        assert_eq!(health_in_words("Up 2 hours (Paused)"), None);
        assert_eq!(health_in_words("Up 2 hours"), None);
        assert_eq!(exit_code_in_words("Exited (137) 2 hours ago"), Some(137));
        assert_eq!(exit_code_in_words("Created"), None);
    }

    #[test]
    fn malformed_list_entry_does_not_affect_others() {
        let text = r#"[{"Id":"0123456789ab","State":"levitating","Ports":null,"Labels":null,"Names":null,"Created":null},
                       {"Id":"not an id"}, {"Id":"0123456789ad","Created":"yesterday"}, 7,
                       {"Id":"0123456789ac","State":"stopped","Status":"Exited (3) now",
                        "Ports":[{"Type":null,"PrivatePort":null}]}]"#;
        let Entries::<Listed>(listed) = serde_json::from_str(text).unwrap();
        let host = HostId::new("local").unwrap();
        let containers: Vec<_> = listed.into_iter().filter_map(|it| it.into_container(&host)).collect();
        assert_eq!(containers.len(), 2);
        assert_eq!(containers[0].state, ContainerState::Dead);
        assert_eq!((containers[1].state, containers[1].exit_code), (ContainerState::Exited, Some(3)));
    }
}
