//! Networks and their changes, with Docker's refusals.

use super::{Container, Endpoint, Labels, Refusal, World, attributes};
use crate::sim::time::Nanos;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub id: String,
    pub name: String,
    pub driver: String,
    pub created: Nanos,
    /// Such as `172.18.0.0/16`; None for `host` and `none`.
    pub subnet: Option<String>,
    pub gateway: Option<String>,
    pub internal: bool,
    pub attachable: bool,
    pub labels: Labels,
    /// Number of addresses assigned so far.
    pub given: u32,
}

impl Network {
    /// Whether this is one of Docker's built-in networks.
    pub fn is_predefined(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none")
    }
}

impl World {
    pub fn each_network(&self) -> impl Iterator<Item = &Network> {
        self.networks.values()
    }

    /// Looks up a network by id, by name, or by a prefix of its id.
    pub fn find_network(&self, reference: &str) -> Result<&Network, Refusal> {
        let by_name = || self.networks.values().find(|it| it.name == reference);
        let by_prefix = || self.networks.values().find(|it| !reference.is_empty() && it.id.starts_with(reference));
        let found = self.networks.get(reference).or_else(by_name).or_else(by_prefix);
        found.ok_or_else(|| Refusal::not_found(format!("network {reference} not found")))
    }

    pub fn put_network(&mut self, network: Network) {
        self.networks.insert(network.id.clone(), network);
    }

    /// Creates a network, on the next free subnet unless one is given. Returns its id.
    pub fn create_network(&mut self, mut network: Network) -> Result<String, Refusal> {
        if network.name.is_empty() {
            return Err(Refusal::invalid("network name cannot be empty"));
        }
        if self.networks.values().any(|it| it.name == network.name) {
            return Err(Refusal::conflict(format!("network with name {} already exists", network.name)));
        }
        network.id = self.new_id();
        if network.subnet.is_none() {
            let (subnet, gateway) = self.free_subnet();
            (network.subnet, network.gateway) = (Some(subnet), Some(gateway));
        }
        let about = attributes([("name", &network.name), ("type", &network.driver)]);
        let id = network.id.clone();
        self.put_network(network);
        self.tell("network", "create", &id, about);
        Ok(id)
    }

    pub fn remove_network(&mut self, id: &str) -> Result<(), Refusal> {
        let network = self.find_network(id)?.clone();
        if network.is_predefined() {
            return Err(Refusal::forbidden(format!("{} is a pre-defined network and cannot be removed", network.name)));
        }
        if self.members(&network.id).next().is_some() {
            return Err(Refusal::forbidden(format!(
                "error while removing network: network {} id {} has active endpoints",
                network.name, network.id
            )));
        }
        self.networks.remove(&network.id);
        let about = attributes([("name", &network.name), ("type", &network.driver)]);
        self.tell("network", "destroy", &network.id, about);
        Ok(())
    }

    /// The containers that are up and connected to the network.
    pub fn members<'a>(&'a self, network_id: &'a str) -> impl Iterator<Item = (&'a Container, &'a Endpoint)> {
        self.each_container().filter_map(move |container| {
            let endpoint = container.networks.values().find(|it| it.network_id == network_id)?;
            (!endpoint.endpoint_id.is_empty()).then_some((container, endpoint))
        })
    }

    pub fn connect(&mut self, network: &str, container: &str, aliases: Vec<String>) -> Result<(), Refusal> {
        let (network, container) = (self.find_network(network)?.clone(), self.find(container)?.clone());
        if container.state.is_up() && container.networks.contains_key(&network.name) {
            return Err(Refusal::forbidden(format!(
                "endpoint with name {} already exists in network {}",
                container.name, network.name
            )));
        }
        if matches!(network.name.as_str(), "host" | "none") {
            return Err(Refusal::forbidden(format!("container cannot be connected to network {}", network.name)));
        }
        self.change(&container.id, |it| {
            it.networks.insert(network.name.clone(), Endpoint { aliases, ..Endpoint::default() });
        });
        // A container that is down connects when it starts, and emits the event then.
        if container.state.is_up() { self.attach(&container.id, &network.name) } else { Ok(()) }
    }

    pub fn disconnect(&mut self, network: &str, container: &str) -> Result<(), Refusal> {
        let (network, container) = (self.find_network(network)?.clone(), self.find(container)?.clone());
        if !container.networks.contains_key(&network.name) {
            return Err(Refusal::failed(format!(
                "container {} is not connected to network {}",
                container.id, network.name
            )));
        }
        self.change(&container.id, |it| {
            it.networks.remove(&network.name);
        });
        // Docker emits the event twice for a container that is up.
        let times = if container.state.is_up() { 2 } else { 1 };
        for _ in 0..times {
            self.tell_of_network("disconnect", &network.name, &network.id, &container.id);
        }
        Ok(())
    }

    /// Removes unused networks. Returns their names.
    pub fn prune_networks(&mut self) -> Vec<String> {
        let unused = |it: &&Network| {
            !it.is_predefined() && !self.each_container().any(|container| container.networks.contains_key(&it.name))
        };
        let names: Vec<String> = self.networks.values().filter(unused).map(|it| it.name.clone()).collect();
        names.into_iter().filter(|name| self.remove_network(name).is_ok()).collect()
    }

    pub(super) fn tell_of_network(&mut self, action: &str, name: &str, id: &str, container: &str) {
        let driver = self.networks.get(id).map_or("bridge", |it| it.driver.as_str()).to_owned();
        self.tell("network", action, id, attributes([("container", container), ("name", name), ("type", &driver)]));
    }

    /// Assigns the next address. Empty on a network without a subnet.
    pub fn next_address(&mut self, id: &str) -> String {
        let Some(network) = self.networks.get_mut(id) else { return String::new() };
        let Some(subnet) = &network.subnet else { return String::new() };
        // The first address is the gateway's.
        network.given += 1;
        let host = network.given;
        let net: Vec<&str> = subnet.split('.').take(2).collect();
        format!("{}.{}.{}", net.join("."), host / 254 % 256, host % 254 + 1)
    }

    /// The next free subnet: 172.18 to 172.31, then from 10.0 on. A machine with ten thousand containers has more
    /// networks than there are private addresses.
    fn free_subnet(&mut self) -> (String, String) {
        loop {
            let net = match self.next_subnet {
                n @ ..14 => format!("172.{}", 18 + n),
                n => format!("{}.{}", 10 + (n - 14) / 256 % 90, (n - 14) % 256),
            };
            self.next_subnet += 1;
            let subnet = format!("{net}.0.0/16");
            if self.networks.values().all(|it| it.subnet.as_ref() != Some(&subnet)) {
                return (subnet, format!("{net}.0.1"));
            }
        }
    }
}
