//! Volumes and their changes, with Docker's refusals.

use super::{Labels, Refusal, World, attributes, is_name};
use crate::sim::time::Nanos;
use std::collections::HashSet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub name: String,
    pub created: Nanos,
    pub labels: Labels,
    pub size: u64,
}

impl Volume {
    pub fn mountpoint(&self) -> String {
        format!("/var/lib/docker/volumes/{}/_data", self.name)
    }
}

impl World {
    pub fn each_volume(&self) -> impl Iterator<Item = &Volume> {
        self.volumes.values()
    }

    pub fn find_volume(&self, name: &str) -> Result<&Volume, Refusal> {
        self.volumes.get(name).ok_or_else(|| Refusal::not_found(format!("get {name}: no such volume")))
    }

    pub fn put_volume(&mut self, volume: Volume) {
        self.volumes.insert(volume.name.clone(), volume);
    }

    /// Creates a volume unless it exists. An empty name means a random one. Returns the name.
    pub fn create_volume(&mut self, name: &str, labels: Labels, now: Nanos) -> Result<String, Refusal> {
        let name = if name.is_empty() { self.new_id() } else { name.to_owned() };
        if !is_name(&name) {
            return Err(Refusal::invalid(format!(
                "create {name}: \"{name}\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
            )));
        }
        if !self.volumes.contains_key(&name) {
            self.put_volume(Volume { name: name.clone(), created: now, labels, size: 0 });
            self.tell("volume", "create", &name, attributes([("driver", "local")]));
        }
        Ok(name)
    }

    /// Removes a volume. With `force`, a missing volume is no error.
    pub fn remove_volume(&mut self, name: &str, force: bool) -> Result<(), Refusal> {
        if !self.volumes.contains_key(name) {
            return if force { Ok(()) } else { Err(Refusal::not_found(format!("get {name}: no such volume"))) };
        }
        let holders = self.holders_of(name);
        if !holders.is_empty() {
            let holders = holders.join(", ");
            return Err(Refusal::conflict(format!("remove {name}: volume is in use - [{holders}]")));
        }
        self.volumes.remove(name);
        self.tell("volume", "destroy", name, attributes([("driver", "local")]));
        Ok(())
    }

    /// Removes unused volumes. Returns their names and the freed bytes.
    pub fn prune_volumes(&mut self) -> (Vec<String>, u64) {
        let used = self.used_volumes();
        let unused = self.volumes.values().filter(|it| !used.contains(it.name.as_str()));
        let (names, sizes): (Vec<String>, Vec<u64>) = unused.map(|it| (it.name.clone(), it.size)).unzip();
        let removed = names.into_iter().filter(|name| self.remove_volume(name, false).is_ok());
        (removed.collect(), sizes.into_iter().sum())
    }

    /// The names of the volumes that containers use.
    pub fn used_volumes(&self) -> HashSet<&str> {
        self.each_container().flat_map(|it| &it.mounts).map(|it| it.name.as_str()).collect()
    }

    /// The ids of the containers that use the volume.
    fn holders_of(&self, volume: &str) -> Vec<String> {
        let has_it = self.each_container().filter(|it| it.mounts.iter().any(|mount| mount.name == volume));
        has_it.map(|it| it.id.clone()).collect()
    }
}
