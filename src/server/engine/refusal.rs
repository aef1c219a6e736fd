//! Classification of refusals: the cause, and a hint for the user.
//!
//! Each engine release rewords its refusals, and Docker and Podman use different statuses for the same one. So a refusal
//! is classified by the call, by its status, and by the state of the entity afterwards ([`Facts`]). The message decides
//! only if nothing else does, as for a port that another process holds: [`WORDS`]. The engine's message is shown in any
//! case.

use super::{Call, Engine, EngineError, READ_TIMEOUT};
use crate::{
    message,
    model::{
        Action, Container, ContainerAction, ContainerId, ContainerName, ContainerState, ImageAction, Message, Network,
        NetworkAction, NetworkId, VolumeAction,
    },
    server::percent::component,
    wire::ErrorKind,
};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};
use tokio::time::timeout;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A container to be removed is running.
    Running,
    /// A container to be removed is paused.
    PausedAndKept,
    Paused,
    AlreadyPaused,
    NotPaused,
    NotRunning,
    VolumeInUse,
    ImageInUse,
    NetworkInUse,
    /// The engine's predefined networks can't be removed.
    Predefined,
    NameTaken,
    BadName,
    /// A volume or a network of that name exists.
    Exists,
    AlreadyConnected,
    SubnetTaken,
    AddressTaken,
    AddressOutside,
    NoDriver,
    /// The port. None if the engine doesn't report it.
    PortTaken(Option<u16>),
    NoCommand,
    NoLogs,
    DiskFull,
    WrongPlatform,
    NotOffered,
    RegistryDenies,
    RegistryLacks,
    RegistryAway,
}

impl Cause {
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::DiskFull | Self::NotOffered => ErrorKind::Engine,
            Self::NoCommand | Self::AddressOutside | Self::BadName => ErrorKind::Invalid,
            Self::NoDriver | Self::WrongPlatform | Self::RegistryLacks | Self::NoLogs => ErrorKind::NotFound,
            Self::Predefined | Self::RegistryDenies => ErrorKind::Forbidden,
            Self::RegistryAway => ErrorKind::Unavailable,
            _ => ErrorKind::Conflict,
        }
    }

    /// A hint for the user.
    pub fn advice(self) -> Message {
        match self {
            Self::Running => message!("Stop it first, or force removal."),
            Self::PausedAndKept => message!("Unpause and stop it first, or force removal."),
            Self::Paused => message!("Unpause it first."),
            Self::AlreadyPaused => message!("It's already paused."),
            Self::NotPaused => message!("It's already running."),
            Self::NotRunning => message!("Start it first."),
            Self::VolumeInUse | Self::ImageInUse => message!("Remove the containers that use it first."),
            Self::NetworkInUse => message!("Disconnect its containers first."),
            Self::Predefined => message!("Built-in networks can't be removed."),
            Self::NameTaken => message!("Use a different name, or remove the existing container."),
            Self::BadName => message!(
                "Use a name that starts with a letter or digit and contains only letters, digits, dots, dashes and underscores."
            ),
            Self::Exists => message!("Use a different name."),
            Self::AlreadyConnected => message!("It's already connected to that network."),
            Self::SubnetTaken => message!("Use a different subnet: this one overlaps an existing network."),
            Self::AddressTaken => message!("Use a different IP address, or leave it empty."),
            Self::AddressOutside => message!("Enter an IP address in the network's subnet, or leave it empty."),
            Self::NoDriver => message!("Select a driver available on this engine."),
            Self::PortTaken(_) => message!("Stop the process using it, or publish a different port."),
            Self::NoCommand => message!("Check the command and entrypoint, and that the image contains that program."),
            Self::NoLogs => {
                message!("Recreate the container with a log driver that supports reading logs, such as json-file.")
            }
            Self::DiskFull => message!("Remove unused data. Images usually free the most space."),
            Self::WrongPlatform => message!("Use a platform that the image supports."),
            Self::NotOffered => {
                message!("The engine is too old or of a different type. See the Engine page for its version.")
            }
            Self::RegistryDenies => message!("Sign in under Images > Registries, or update the saved credentials."),
            Self::RegistryLacks => message!("Check the image name and tag."),
            Self::RegistryAway => {
                message!("Check the registry address and that the Docker host can reach it, then try again.")
            }
        }
    }

    /// A message for the user. Most causes keep the engine's own.
    pub fn message(self, words: Message) -> Message {
        match self {
            Self::PortTaken(Some(port)) => message!("Port {port} is already in use on the Docker host", port),
            Self::NotOffered => message!("Not supported by this engine"),
            Self::NoLogs => message!("The engine can't read the logs of this container"),
            Self::DiskFull => message!("The engine's disk is full: {words}", words),
            Self::WrongPlatform => message!("Image not found for that platform: {words}", words),
            Self::RegistryDenies => message!("The registry denied access: {words}", words),
            Self::RegistryLacks => message!("Image not found in the registry: {words}", words),
            Self::RegistryAway => message!("Can't reach the registry: {words}", words),
            _ => words,
        }
    }
}

/// State of the entity after the engine refused to change it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// State of the container.
    pub state: Option<ContainerState>,
    /// Ports that the container publishes.
    pub ports: Vec<u16>,
    /// Whether containers use the image, the volume or the network.
    pub is_used: bool,
    pub is_predefined: bool,
    pub name_is_bad: bool,
    /// Whether another container has the requested name.
    pub name_is_taken: bool,
    pub is_connected: bool,
    pub address_is_taken: bool,
    pub address_is_outside: bool,
    pub subnet_is_taken: bool,
    pub driver_is_missing: bool,
    pub keeps_no_logs: bool,
}

/// Stable parts of engine messages, in lower case, for causes that nothing else identifies.
const WORDS: &[(&str, Cause)] = &[
    // Any engine: the kernel's message.
    ("no space left on device", Cause::DiskFull),
    // Docker: a port of another container, and, until 27, of another process. Later both have the kernel's message.
    ("port is already allocated", Cause::PortTaken(None)),
    ("bind: address already in use", Cause::PortTaken(None)),
    // Docker since 28.
    ("failed to bind host port", Cause::PortTaken(None)),
    // Docker with either image store; Podman.
    ("no matching manifest for", Cause::WrongPlatform),
    ("the specified platform", Cause::WrongPlatform),
    ("no image found in manifest list", Cause::WrongPlatform),
    // runc and crun.
    ("executable file ", Cause::NoCommand),
    ("exec: \"/", Cause::NoCommand),
    // Podman: a subnet that the machine itself uses.
    ("already used on the host", Cause::SubnetTaken),
    ("pool overlaps", Cause::SubnetTaken),
    // Fallbacks if the facts could not be read after the refusal.
    ("is not paused", Cause::NotPaused),
    ("is paused", Cause::Paused),
    ("is not running", Cause::NotRunning),
    ("volume is in use", Cause::VolumeInUse),
    ("volume is being used", Cause::VolumeInUse),
    ("has active endpoints", Cause::NetworkInUse),
    ("network is being used", Cause::NetworkInUse),
    ("image is being used", Cause::ImageInUse),
    ("image is in use", Cause::ImageInUse),
    ("already in use by", Cause::NameTaken),
    ("endpoint with name", Cause::AlreadyConnected),
    ("is already connected", Cause::AlreadyConnected),
];

/// Parts of registry messages, which engines pass on with varying statuses.
const REGISTRY_WORDS: &[(&str, Cause)] = &[
    ("unauthorized", Cause::RegistryDenies),
    ("authentication required", Cause::RegistryDenies),
    ("no basic auth credentials", Cause::RegistryDenies),
    ("denied:", Cause::RegistryDenies),
    ("access denied", Cause::RegistryDenies),
    ("manifest unknown", Cause::RegistryLacks),
    ("repository name not known", Cause::RegistryLacks),
    ("does not exist or may require", Cause::RegistryLacks),
    ("no such image in", Cause::RegistryLacks),
];

/// Parts of network error messages. They count only if the message also contains one of [`WAYS`]: a build step may print the
/// same text.
const WAY_WORDS: &[&str] = &[
    "no such host",
    "connection refused",
    "i/o timeout",
    "tls handshake",
    "x509:",
    "connection reset",
    "network is unreachable",
    "server gave http response to https client",
    "client.timeout",
    "unexpected eof",
];
const WAYS: &[&str] = &["http://", "https://", "lookup ", "dial tcp", "read tcp", "unexpected eof"];

/// Returns the cause of a refusal of `call`. None if it is not a known one.
pub(super) fn classify(call: Call, status: u16, message: &str, facts: &Facts) -> Option<Cause> {
    by_facts(call, status, facts).or_else(|| by_words(call, status, message, facts))
}

fn by_facts(call: Call, status: u16, facts: &Facts) -> Option<Cause> {
    use ContainerState::{Paused, Restarting, Running};
    let is_down = facts.state.is_some_and(|it| !it.is_up());
    match call {
        Call::ContainerRemove => match facts.state? {
            Paused => Some(Cause::PausedAndKept),
            Running | Restarting => Some(Cause::Running),
            _ => None,
        },
        Call::ContainerStart | Call::ContainerRestart | Call::ContainerStop if facts.state == Some(Paused) => {
            Some(Cause::Paused)
        }
        Call::ContainerPause if facts.state == Some(Paused) => Some(Cause::AlreadyPaused),
        Call::ContainerUnpause if facts.state == Some(Running) => Some(Cause::NotPaused),
        Call::ContainerPause | Call::ContainerUnpause | Call::ContainerKill if is_down && status != 400 => {
            Some(Cause::NotRunning)
        }
        Call::ContainerTop | Call::ExecCreate | Call::ExecStart | Call::ContainerStats => match facts.state? {
            Paused => Some(Cause::Paused),
            _ if is_down => Some(Cause::NotRunning),
            _ => None,
        },
        Call::ContainerRename if facts.name_is_bad => Some(Cause::BadName),
        Call::ContainerCreate | Call::ContainerRename if facts.name_is_taken || status == 409 => Some(Cause::NameTaken),
        Call::ContainerLogs if facts.keeps_no_logs || status == 501 => Some(Cause::NoLogs),
        Call::VolumeRemove if facts.is_used || status == 409 => Some(Cause::VolumeInUse),
        Call::VolumeCreate | Call::NetworkCreate if status == 409 => Some(Cause::Exists),
        Call::VolumeCreate if facts.driver_is_missing || status == 404 => Some(Cause::NoDriver),
        Call::ImageRemove if facts.is_used => Some(Cause::ImageInUse),
        Call::NetworkRemove if facts.is_predefined => Some(Cause::Predefined),
        Call::NetworkRemove if facts.is_used => Some(Cause::NetworkInUse),
        Call::NetworkCreate if facts.driver_is_missing || status == 404 => Some(Cause::NoDriver),
        Call::NetworkCreate if facts.subnet_is_taken => Some(Cause::SubnetTaken),
        Call::NetworkConnect if facts.address_is_outside => Some(Cause::AddressOutside),
        Call::NetworkConnect if facts.address_is_taken => Some(Cause::AddressTaken),
        // Docker 20.10 also reports a container as connected that it has just refused because of its address.
        Call::NetworkConnect if facts.is_connected => Some(Cause::AlreadyConnected),
        _ => None,
    }
}

fn by_words(call: Call, status: u16, message: &str, facts: &Facts) -> Option<Cause> {
    let lower = message.to_ascii_lowercase();
    let found = WORDS.iter().find(|(words, _)| lower.contains(words)).map(|(_, cause)| *cause);
    match found {
        Some(Cause::PortTaken(_)) => Some(Cause::PortTaken(port_in(message, &facts.ports))),
        // Only these calls start a container.
        Some(Cause::NoCommand) if !matches!(call, Call::ContainerStart | Call::ContainerRestart) => None,
        Some(cause) => Some(cause),
        // The messages for a missing route: the first is Docker's, the second Podman's.
        None if status == 501 || status == 404 && matches!(message.trim(), "page not found" | "Not Found") => {
            Some(Cause::NotOffered)
        }
        None => None,
    }
}

/// Returns the cause of a refusal whose call is unknown.
pub(super) fn by_words_alone(status: u16, message: &str) -> Option<Cause> {
    by_words(Call::Version, status, message, &Facts::default())
}

/// Returns the cause of a failed pull, push, build, import or sign-in.
pub(super) fn of_a_transfer(status: u16, message: &str) -> Option<Cause> {
    let lower = message.to_ascii_lowercase();
    // With containerd's image store, a platform missing in the registry is a 404. Pass 200, so that the message decides.
    let said = by_words_alone(200, message);
    if let Some(cause @ (Cause::DiskFull | Cause::WrongPlatform)) = said {
        return Some(cause);
    }
    if let Some((_, cause)) = REGISTRY_WORDS.iter().find(|(words, _)| lower.contains(words)) {
        return Some(*cause);
    }
    let names_a_way = WAYS.iter().any(|it| lower.contains(it)) || WAY_WORDS.contains(&lower.trim());
    if names_a_way && WAY_WORDS.iter().any(|it| lower.contains(it)) {
        return Some(Cause::RegistryAway);
    }
    match status {
        401 | 403 => Some(Cause::RegistryDenies),
        404 => match by_words_alone(404, message) {
            None => Some(Cause::RegistryLacks),
            known => known,
        },
        _ => None,
    }
}

/// Returns the first port in the message, preferably one that the container publishes.
fn port_in(message: &str, published: &[u16]) -> Option<u16> {
    let numbers = message.split(':').skip(1).filter_map(|piece| {
        let end = piece.find(|c: char| !c.is_ascii_digit()).unwrap_or(piece.len());
        piece[..end].parse().ok()
    });
    let numbers: Vec<u16> = numbers.filter(|port| *port != 0).collect();
    numbers.iter().find(|port| published.contains(port)).or(numbers.first()).copied()
}

/// Timeout for all requests after a refusal, because the response to the user waits for them.
const TIMEOUT: Duration = Duration::from_secs(3);

impl Engine {
    /// Adds the cause to a refusal of `action`, as far as it can be determined.
    pub(super) async fn explain(&self, action: &Action, error: EngineError) -> EngineError {
        self.explained(Call::from(action), error, self.facts(action)).await
    }

    /// The same for a call about one container.
    pub(super) async fn explain_of(&self, call: Call, id: &ContainerId, error: EngineError) -> EngineError {
        self.explained(call, error, self.facts_of(id)).await
    }

    /// The same for a failed creation of a container.
    pub(super) async fn explain_creation(&self, name: &ContainerName, error: EngineError) -> EngineError {
        let facts = async {
            Ok(Facts { name_is_taken: self.container_called(name.as_str()).await?.is_some(), ..Facts::default() })
        };
        self.explained(Call::ContainerCreate, error, facts).await
    }

    async fn explained(
        &self,
        call: Call,
        error: EngineError,
        facts: impl Future<Output = Result<Facts, EngineError>>,
    ) -> EngineError {
        match error {
            // The status alone explains an action that changed nothing (304), and an entity that is gone.
            EngineError::Refused { status, message, cause } if status != 304 => {
                // Without facts the message decides.
                let facts = timeout(TIMEOUT, facts).await.ok().and_then(Result::ok).unwrap_or_default();
                let cause = classify(call, status, &message.to_string(), &facts).or(cause);
                EngineError::Refused { status, message, cause }
            }
            other => other,
        }
    }

    async fn facts(&self, action: &Action) -> Result<Facts, EngineError> {
        match action {
            Action::Container(_, id, ContainerAction::Rename { name }) => {
                if ContainerName::new(name).is_err() {
                    return Ok(Facts { name_is_bad: true, ..Facts::default() });
                }
                let other = self.container_called(name).await?;
                Ok(Facts { name_is_taken: other.is_some_and(|other| other != id.as_str()), ..Facts::default() })
            }
            Action::Container(_, id, _) => self.facts_of(id).await,
            Action::Image(_, id, ImageAction::Remove { .. }) => {
                self.used_by(|it| it.image_id.as_ref() == Some(id)).await
            }
            Action::Volume(_, name, VolumeAction::Remove { .. }) => {
                self.used_by(|it| it.mounts.iter().any(|mount| mount.source == name.as_str())).await
            }
            Action::Volume(_, _, VolumeAction::Create { driver, .. }) => {
                self.lacks_driver("Volume", driver.as_deref()).await
            }
            Action::Network(_, id, NetworkAction::Remove) => {
                let network = self.network(id).await?;
                let name = network.as_ref().map_or("", |it| &it.name);
                let is_on = |it: &Container| {
                    it.networks.iter().any(|on| on.id.as_ref().map_or(on.name == name, |its| its == id))
                };
                let is_predefined = matches!(name, "bridge" | "host" | "none" | "podman");
                Ok(Facts { is_predefined, ..self.used_by(is_on).await? })
            }
            Action::Network(_, id, NetworkAction::Connect { container, ip, .. }) => {
                self.facts_of_connecting(id, container, ip.as_deref()).await
            }
            Action::CreateNetwork(_, _, new) => {
                let facts = self.lacks_driver("Network", new.driver.as_deref()).await?;
                let Some(subnet) = new.subnet.as_deref().and_then(parse_subnet) else { return Ok(facts) };
                let networks = self.networks().await?;
                let subnet_is_taken = subnets(&networks).any(|it| overlap(it, subnet));
                Ok(Facts { subnet_is_taken, ..facts })
            }
            Action::Image(..) | Action::Network(_, _, NetworkAction::Disconnect { .. }) => Ok(Facts::default()),
        }
    }

    async fn facts_of(&self, id: &ContainerId) -> Result<Facts, EngineError> {
        let container: Value =
            self.reader.json(Call::ContainerInspect, &format!("/containers/{id}/json"), READ_TIMEOUT).await?;
        let host = &container["HostConfig"];
        let bindings = host["PortBindings"].as_object().into_iter().flat_map(|it| it.values());
        let bindings = bindings.filter_map(Value::as_array).flatten();
        let state = container["State"]["Status"].as_str();
        Ok(Facts {
            state: state.and_then(ContainerState::parse),
            ports: bindings.filter_map(|it| it["HostPort"].as_str()?.parse().ok()).collect(),
            keeps_no_logs: host["LogConfig"]["Type"] == "none",
            ..Facts::default()
        })
    }

    async fn used_by(&self, uses: impl Fn(&Container) -> bool) -> Result<Facts, EngineError> {
        Ok(Facts { is_used: self.containers().await?.iter().any(uses), ..Facts::default() })
    }

    /// Returns the id of the container of that name.
    async fn container_called(&self, name: &str) -> Result<Option<String>, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Named {
            id: String,
        }
        let path = format!("/containers/{}/json", component(name));
        Ok(self.find::<Named>(Call::ContainerInspect, &path).await?.map(|it| it.id))
    }

    async fn lacks_driver(&self, kind: &str, driver: Option<&str>) -> Result<Facts, EngineError> {
        let Some(driver) = driver else { return Ok(Facts::default()) };
        let info: Value = self.reader.json(Call::Info, "/info", READ_TIMEOUT).await?;
        let known = info["Plugins"][kind].as_array();
        let driver_is_missing = known.is_some_and(|known| !known.iter().any(|it| it == driver));
        Ok(Facts { driver_is_missing, ..Facts::default() })
    }

    async fn facts_of_connecting(
        &self,
        id: &NetworkId,
        container: &ContainerId,
        ip: Option<&str>,
    ) -> Result<Facts, EngineError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Members {
            #[serde(rename = "Containers", deserialize_with = "super::read::or_default")]
            containers: BTreeMap<String, Value>,
        }
        let is_connected = self.is_on(container, id).await?;
        let facts = Facts { is_connected, ..Facts::default() };
        let Some(ip) = ip.and_then(|it| it.parse::<IpAddr>().ok()) else { return Ok(facts) };
        let path = format!("/networks/{id}");
        let members: Members = self.reader.json(Call::NetworkInspect, &path, READ_TIMEOUT).await?;
        let has_it = |member: &Value| {
            let addresses = [&member["IPv4Address"], &member["IPv6Address"]];
            addresses.iter().filter_map(|it| it.as_str()).any(|it| parse_subnet(it).is_some_and(|(its, _)| its == ip))
        };
        let network = self.network(id).await?;
        let is_of = |subnet: (IpAddr, u8)| contains(subnet, ip);
        Ok(Facts {
            address_is_taken: members
                .containers
                .iter()
                .any(|(its, member)| its != container.as_str() && has_it(member))
                || network.iter().flat_map(|it| &it.subnets).any(|it| it.gateway.as_deref() == Some(&ip.to_string())),
            address_is_outside: network.as_ref().is_some_and(|it| !subnets(std::slice::from_ref(it)).any(is_of)),
            ..facts
        })
    }

    /// Whether the container is connected to the network now.
    pub(super) async fn is_on(&self, container: &ContainerId, network: &NetworkId) -> Result<bool, EngineError> {
        let container = self.container(container).await?;
        let Some(container) = container else { return Ok(false) };
        if container.networks.iter().any(|on| on.id.as_ref() == Some(network)) {
            return Ok(true);
        }
        // Podman reports only the network's name.
        let name = self.network(network).await?.map(|it| it.name);
        Ok(container.networks.iter().any(|on| on.id.is_none() && Some(&on.name) == name.as_ref()))
    }
}

fn subnets(networks: &[Network]) -> impl Iterator<Item = (IpAddr, u8)> {
    networks.iter().flat_map(|it| &it.subnets).filter_map(|it| parse_subnet(&it.subnet))
}

/// Parses a subnet into its address and prefix length.
fn parse_subnet(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    Some((address.parse().ok()?, length.parse().ok()?))
}

fn contains((base, length): (IpAddr, u8), address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(it) => u128::from(u32::from(it)) << 96,
        IpAddr::V6(it) => u128::from(it),
    };
    let beyond = 128_u32.saturating_sub(u32::from(length));
    base.is_ipv4() == address.is_ipv4() && (bits(base) ^ bits(address)).checked_shr(beyond).unwrap_or(0) == 0
}

fn overlap(a: (IpAddr, u8), b: (IpAddr, u8)) -> bool {
    contains(a, b.0) || contains(b, a.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ActionError;

    /// Recorded statuses and messages, by refusal, then by engine.
    const ANSWERS: &str = include_str!("refusals.json");

    /// The request, the call, the facts afterwards, and the cause. A transfer has no call.
    fn refusals() -> Vec<(&'static str, Option<Call>, Facts, Cause)> {
        use ContainerState::{Created, Paused, Running};
        let none = Facts::default;
        let state = |state| Facts { state: Some(state), ..none() };
        let used = || Facts { is_used: true, ..none() };
        let named = || Facts { name_is_taken: true, ..none() };
        let driver = || Facts { driver_is_missing: true, ..none() };
        let port = |port| Facts { state: Some(Created), ports: vec![port], ..none() };
        vec![
            ("remove a running container", Some(Call::ContainerRemove), state(Running), Cause::Running),
            ("remove a paused container", Some(Call::ContainerRemove), state(Paused), Cause::PausedAndKept),
            ("start a paused container", Some(Call::ContainerStart), state(Paused), Cause::Paused),
            ("pause a container that does not run", Some(Call::ContainerPause), state(Created), Cause::NotRunning),
            ("pause a paused container", Some(Call::ContainerPause), state(Paused), Cause::AlreadyPaused),
            ("unpause a running container", Some(Call::ContainerUnpause), state(Running), Cause::NotPaused),
            ("kill a container that does not run", Some(Call::ContainerKill), state(Created), Cause::NotRunning),
            (
                "list the processes of a container that does not run",
                Some(Call::ContainerTop),
                state(Created),
                Cause::NotRunning,
            ),
            (
                "run a command in a container that does not run",
                Some(Call::ExecCreate),
                state(Created),
                Cause::NotRunning,
            ),
            ("run a command in a paused container", Some(Call::ExecCreate), state(Paused), Cause::Paused),
            ("create a container with a name that is taken", Some(Call::ContainerCreate), named(), Cause::NameTaken),
            ("rename a container to a name that is taken", Some(Call::ContainerRename), named(), Cause::NameTaken),
            ("remove a volume in use", Some(Call::VolumeRemove), used(), Cause::VolumeInUse),
            ("create a volume with an unknown driver", Some(Call::VolumeCreate), driver(), Cause::NoDriver),
            ("create a network with an unknown driver", Some(Call::NetworkCreate), driver(), Cause::NoDriver),
            (
                "create a network with a subnet that is taken",
                Some(Call::NetworkCreate),
                Facts { subnet_is_taken: true, ..none() },
                Cause::SubnetTaken,
            ),
            (
                "connect a container twice",
                Some(Call::NetworkConnect),
                Facts { is_connected: true, ..none() },
                Cause::AlreadyConnected,
            ),
            (
                "connect with an address that is taken",
                Some(Call::NetworkConnect),
                Facts { address_is_taken: true, ..none() },
                Cause::AddressTaken,
            ),
            (
                "connect with an address outside of the subnet",
                Some(Call::NetworkConnect),
                Facts { address_is_outside: true, ..none() },
                Cause::AddressOutside,
            ),
            ("remove a network in use", Some(Call::NetworkRemove), used(), Cause::NetworkInUse),
            (
                "remove a predefined network",
                Some(Call::NetworkRemove),
                Facts { is_predefined: true, ..none() },
                Cause::Predefined,
            ),
            ("remove an image in use", Some(Call::ImageRemove), used(), Cause::ImageInUse),
            (
                "read the logs of the none driver",
                Some(Call::ContainerLogs),
                Facts { keeps_no_logs: true, ..none() },
                Cause::NoLogs,
            ),
            // From here on the message or the status decides.
            (
                "start with the port of another container",
                Some(Call::ContainerStart),
                port(18_111),
                Cause::PortTaken(Some(18_111)),
            ),
            (
                "start with the port of another process",
                Some(Call::ContainerStart),
                port(18_112),
                Cause::PortTaken(Some(18_112)),
            ),
            ("start with a command that is not there", Some(Call::ContainerStart), state(Created), Cause::NoCommand),
            ("call what the engine lacks", Some(Call::ContainerUpdate), none(), Cause::NotOffered),
            ("pull without a sign-in", None, none(), Cause::RegistryDenies),
            ("pull a tag that is not there", None, none(), Cause::RegistryLacks),
            ("pull a repository that is not there", None, none(), Cause::RegistryLacks),
            ("pull for another platform", None, none(), Cause::WrongPlatform),
            ("pull from where nothing listens", None, none(), Cause::RegistryAway),
            ("pull from a host that has no address", None, none(), Cause::RegistryAway),
            ("push without a sign-in", None, none(), Cause::RegistryDenies),
            ("push with a wrong sign-in", None, none(), Cause::RegistryDenies),
            ("push to where nothing listens", None, none(), Cause::RegistryAway),
            ("sign in where nothing listens", None, none(), Cause::RegistryAway),
        ]
    }

    type Answers = BTreeMap<String, BTreeMap<String, (u16, String)>>;

    #[test]
    fn every_engine_refusal_maps_to_its_cause_and_hint() {
        let answers: Answers = serde_json::from_str(ANSWERS).unwrap();
        for (name, call, facts, cause) in refusals() {
            let engines = &answers[name];
            // Podman 4 lists no processes of such a container: it sends an empty response.
            assert!(engines.len() >= if call == Some(Call::ContainerTop) { 4 } else { 5 }, "{name}");
            for (engine, (status, words)) in engines {
                let error = match call {
                    Some(call) => {
                        let found = classify(call, *status, words, &facts);
                        EngineError::Refused { status: *status, message: Message::verbatim(words), cause: found }
                    }
                    None => EngineError::Transfer { status: *status, message: words.clone() },
                };
                let error = ActionError::from(error);
                let at = format!("{name}, {engine}: {words}");
                assert_eq!((error.kind, error.hint), (cause.kind(), Some(cause.advice())), "{at}");
                if let Cause::PortTaken(Some(port)) = cause {
                    assert_eq!(
                        error.message.to_string(),
                        format!("Port {port} is already in use on the Docker host"),
                        "{at}"
                    );
                }
            }
        }
        // Podman signs in over TLS only, so its message is about the connection.
        for (engine, (status, words)) in &answers["sign in with a wrong password"] {
            let cause = if engine.starts_with("Podman") { Cause::RegistryAway } else { Cause::RegistryDenies };
            assert_eq!(of_a_transfer(*status, words), Some(cause), "{engine}: {words}");
        }
        for (engine, (status, words)) in &answers["start a container that is gone"] {
            let found = classify(Call::ContainerStart, *status, words, &Facts::default());
            assert_eq!((*status, found), (404, None), "{engine}: {words}");
        }
    }

    /// The next release may reword them.
    #[test]
    fn entity_facts_classify_a_refusal_without_its_message() {
        for (name, call, facts, cause) in refusals() {
            if let Some(call) = call.filter(|_| facts != Facts::default() && facts.ports.is_empty())
                && cause != Cause::NoCommand
            {
                assert_eq!(classify(call, 500, "out of the question", &facts), Some(cause), "{name}");
            }
        }
        for (status, cause) in [(401, Cause::RegistryDenies), (404, Cause::RegistryLacks)] {
            assert_eq!(of_a_transfer(status, "out of the question"), Some(cause));
        }
    }

    #[test]
    fn container_error_is_not_classified_as_a_registry_error() {
        for message in [
            r#"OCI runtime create failed: exec: "/x": permission denied: unknown"#,
            "failed to initialize logging driver: dial tcp 10.0.0.1:12201: connect: connection refused",
        ] {
            assert_eq!(classify(Call::ContainerInspect, 500, message, &Facts::default()), None, "{message}");
        }
        let step = "The command '/bin/sh -c wget x' returned a non-zero code: 1 (connection refused)";
        assert_eq!(of_a_transfer(500, step), None);
    }

    #[test]
    fn port_conflict_names_a_published_port() {
        let words = "failed to bind host port for [::]:8080:172.28.0.3:80/tcp: address already in use";
        assert_eq!(port_in(words, &[8080]), Some(8080));
        assert_eq!(port_in(words, &[]), Some(8080));
        assert_eq!(port_in(words, &[80]), Some(80));
        assert_eq!(port_in("address already in use", &[80]), None);
    }

    #[test]
    fn overlapping_subnets_are_detected() {
        let subnet = |text| parse_subnet(text).unwrap();
        for (a, b, overlaps) in [
            ("10.0.0.0/8", "10.1.2.0/24", true),
            ("10.1.2.0/24", "10.0.0.0/8", true),
            ("10.1.2.0/24", "10.1.3.0/24", false),
            ("10.1.2.128/25", "10.1.2.0/25", false),
            ("0.0.0.0/0", "10.1.2.0/25", true),
            ("fd00::/64", "fd00::1/128", true),
            ("fd00::/64", "10.0.0.0/8", false),
        ] {
            assert_eq!(overlap(subnet(a), subnet(b)), overlaps, "{a} {b}");
        }
    }
}
