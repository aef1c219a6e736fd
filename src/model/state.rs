//! The whole truth about the engines: a table for each noun, changed by one reducer on both sides.

use super::{
    Change, Container, ContainerId, Entity, Host, HostId, Image, ImageId, Key, Kind, Network, NetworkId, Usage, Used, Volume,
    VolumeName,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::BTreeMap, sync::Arc};

/// An id together with the host it lives on: ids of two engines may collide.
pub type Scoped<Id> = (HostId, Id);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineState {
    hosts: BTreeMap<HostId, Arc<Host>>,
    containers: BTreeMap<Scoped<ContainerId>, Arc<Container>>,
    images: BTreeMap<Scoped<ImageId>, Arc<Image>>,
    volumes: BTreeMap<Scoped<VolumeName>, Arc<Volume>>,
    networks: BTreeMap<Scoped<NetworkId>, Arc<Network>>,
    /// Derived from `containers`: who is used by how many, whether or not its table knows it yet.
    usage: BTreeMap<Used, Usage>,
}

/// Reading.
impl EngineState {
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Arc<Host>> {
        self.hosts.values()
    }

    pub fn containers(&self) -> impl ExactSizeIterator<Item = &Arc<Container>> {
        self.containers.values()
    }

    pub fn images(&self) -> impl ExactSizeIterator<Item = &Arc<Image>> {
        self.images.values()
    }

    pub fn volumes(&self) -> impl ExactSizeIterator<Item = &Arc<Volume>> {
        self.volumes.values()
    }

    pub fn networks(&self) -> impl ExactSizeIterator<Item = &Arc<Network>> {
        self.networks.values()
    }

    pub fn host(&self, id: &HostId) -> Option<&Arc<Host>> {
        self.hosts.get(id)
    }

    pub fn container(&self, id: &Scoped<ContainerId>) -> Option<&Arc<Container>> {
        self.containers.get(id)
    }

    pub fn image(&self, id: &Scoped<ImageId>) -> Option<&Arc<Image>> {
        self.images.get(id)
    }

    pub fn volume(&self, id: &Scoped<VolumeName>) -> Option<&Arc<Volume>> {
        self.volumes.get(id)
    }

    pub fn network(&self, id: &Scoped<NetworkId>) -> Option<&Arc<Network>> {
        self.networks.get(id)
    }

    pub fn get(&self, key: &Key) -> Option<Entity> {
        match key {
            Key::Host(id) => self.hosts.get(id).cloned().map(Entity::Host),
            Key::Container(host, id) => self.containers.get(&(host.clone(), id.clone())).cloned().map(Entity::Container),
            Key::Image(host, id) => self.images.get(&(host.clone(), id.clone())).cloned().map(Entity::Image),
            Key::Volume(host, id) => self.volumes.get(&(host.clone(), id.clone())).cloned().map(Entity::Volume),
            Key::Network(host, id) => self.networks.get(&(host.clone(), id.clone())).cloned().map(Entity::Network),
        }
    }

    /// Every key, hosts first.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let hosts = self.hosts.keys().cloned().map(Key::Host);
        let containers = self.containers.keys().cloned().map(|(host, id)| Key::Container(host, id));
        let images = self.images.keys().cloned().map(|(host, id)| Key::Image(host, id));
        let volumes = self.volumes.keys().cloned().map(|(host, id)| Key::Volume(host, id));
        let networks = self.networks.keys().cloned().map(|(host, id)| Key::Network(host, id));
        hosts.chain(containers).chain(images).chain(volumes).chain(networks)
    }
}

/// Narrowing.
impl EngineState {
    /// The same state without the tables of other kinds; usage stays as it was counted.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(Kind) -> bool) -> Self {
        let mut state = self.clone();
        if !wanted(Kind::Host) {
            state.hosts.clear();
        }
        if !wanted(Kind::Container) {
            state.containers.clear();
        }
        if !wanted(Kind::Image) {
            state.images.clear();
        }
        if !wanted(Kind::Volume) {
            state.volumes.clear();
        }
        if !wanted(Kind::Network) {
            state.networks.clear();
        }
        state
    }
}

/// Changing: the one reducer.
impl EngineState {
    /// Makes the change and says which entities are other than before: the one it names and those whose usage moved
    /// with it. Empty when nothing is. Idempotent.
    pub fn apply(&mut self, change: Change) -> Vec<Key> {
        let key = change.key();
        let mut touched = Vec::new();
        let changed = match change {
            Change::Put(Entity::Host(host)) => put(&mut self.hosts, host.id.clone(), host),
            Change::Put(Entity::Container(container)) => self.put_container(container, &mut touched),
            Change::Put(Entity::Image(mut image)) => {
                let usage = self.usage_of(&Used::Image(image.host.clone(), image.id.clone()));
                if image.usage != usage {
                    Arc::make_mut(&mut image).usage = usage;
                }
                put(&mut self.images, (image.host.clone(), image.id.clone()), image)
            }
            Change::Put(Entity::Volume(mut volume)) => {
                let usage = self.usage_of(&Used::Volume(volume.host.clone(), volume.id.clone()));
                if volume.usage != usage {
                    Arc::make_mut(&mut volume).usage = usage;
                }
                put(&mut self.volumes, (volume.host.clone(), volume.id.clone()), volume)
            }
            Change::Put(Entity::Network(mut network)) => {
                let usage = self.usage_of(&Used::Network(network.host.clone(), network.name.clone()));
                if network.usage != usage {
                    Arc::make_mut(&mut network).usage = usage;
                }
                put(&mut self.networks, (network.host.clone(), network.id.clone()), network)
            }
            Change::Gone(Key::Host(id)) => self.hosts.remove(&id).is_some(),
            Change::Gone(Key::Container(host, id)) => match self.containers.remove(&(host, id)) {
                Some(old) => {
                    self.count(Some(&old), None, &mut touched);
                    true
                }
                None => false,
            },
            Change::Gone(Key::Image(host, id)) => self.images.remove(&(host, id)).is_some(),
            Change::Gone(Key::Volume(host, id)) => self.volumes.remove(&(host, id)).is_some(),
            Change::Gone(Key::Network(host, id)) => self.networks.remove(&(host, id)).is_some(),
        };
        if changed {
            touched.insert(0, key);
        }
        touched
    }

    fn put_container(&mut self, container: Arc<Container>, touched: &mut Vec<Key>) -> bool {
        let id = (container.host.clone(), container.id.clone());
        let old = self.containers.get(&id).cloned();
        if old.as_ref() == Some(&container) {
            return false;
        }
        self.count(old.as_deref(), Some(&container), touched);
        self.containers.insert(id, container);
        true
    }

    fn usage_of(&self, used: &Used) -> Usage {
        self.usage.get(used).copied().unwrap_or_default()
    }

    /// Moves the counts from what a container used to what it uses now.
    fn count(&mut self, old: Option<&Container>, new: Option<&Container>, touched: &mut Vec<Key>) {
        let uses = |container: Option<&Container>| {
            let up = container.is_some_and(|container| container.state.is_up());
            (container.map(Container::uses).unwrap_or_default(), u32::from(up))
        };
        let (before, was_up) = uses(old);
        let (after, is_up) = uses(new);
        let mut all: Vec<_> = before.iter().chain(&after).cloned().collect();
        all.sort();
        all.dedup();
        for used in all {
            let (had, has) = (u32::from(before.contains(&used)), u32::from(after.contains(&used)));
            let old_usage = self.usage_of(&used);
            let usage = Usage {
                running: old_usage.running + has * is_up - had * was_up,
                all: old_usage.all + has - had,
            };
            if usage == old_usage {
                continue;
            }
            if usage == Usage::default() {
                self.usage.remove(&used);
            } else {
                self.usage.insert(used.clone(), usage);
            }
            self.show_usage(used, usage, touched);
        }
    }

    fn show_usage(&mut self, used: Used, usage: Usage, touched: &mut Vec<Key>) {
        match used {
            Used::Image(host, id) => {
                if let Some(image) = self.images.get_mut(&(host.clone(), id.clone())) {
                    Arc::make_mut(image).usage = usage;
                    touched.push(Key::Image(host, id));
                }
            }
            Used::Volume(host, id) => {
                if let Some(volume) = self.volumes.get_mut(&(host.clone(), id.clone())) {
                    Arc::make_mut(volume).usage = usage;
                    touched.push(Key::Volume(host, id));
                }
            }
            Used::Network(host, name) => {
                for ((its_host, id), network) in &mut self.networks {
                    if *its_host == host && network.name == name {
                        Arc::make_mut(network).usage = usage;
                        touched.push(Key::Network(host.clone(), id.clone()));
                    }
                }
            }
        }
    }
}

fn put<K: Ord, V: PartialEq>(table: &mut BTreeMap<K, Arc<V>>, key: K, value: Arc<V>) -> bool {
    if table.get(&key).is_some_and(|old| *old == value) {
        return false;
    }
    table.insert(key, value);
    true
}

impl FromIterator<Entity> for EngineState {
    fn from_iter<I: IntoIterator<Item = Entity>>(entities: I) -> Self {
        let mut state = Self::default();
        for entity in entities {
            state.apply(Change::Put(entity));
        }
        state
    }
}

/// The lists of the protocol: `{hosts, containers, images, volumes, networks}`.
#[derive(Serialize, Deserialize)]
struct Lists<H, C, I, V, N> {
    hosts: H,
    containers: C,
    images: I,
    volumes: V,
    networks: N,
}

impl Serialize for EngineState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Lists {
            hosts: self.hosts.values().collect::<Vec<_>>(),
            containers: self.containers.values().collect::<Vec<_>>(),
            images: self.images.values().collect::<Vec<_>>(),
            volumes: self.volumes.values().collect::<Vec<_>>(),
            networks: self.networks.values().collect::<Vec<_>>(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EngineState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        type Owned = Lists<Vec<Arc<Host>>, Vec<Arc<Container>>, Vec<Arc<Image>>, Vec<Arc<Volume>>, Vec<Arc<Network>>>;
        let lists = Owned::deserialize(deserializer)?;
        let hosts = lists.hosts.into_iter().map(Entity::Host);
        let containers = lists.containers.into_iter().map(Entity::Container);
        let images = lists.images.into_iter().map(Entity::Image);
        let volumes = lists.volumes.into_iter().map(Entity::Volume);
        let networks = lists.networks.into_iter().map(Entity::Network);
        Ok(hosts.chain(images).chain(volumes).chain(networks).chain(containers).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arbitrary::{change, changes};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn usage_is_what_counting_all_containers_gives(changes in changes()) {
            let mut state = EngineState::default();
            for change in changes {
                state.apply(change);
            }
            for image in state.images() {
                let users = || state.containers().filter(|c| c.image_id.as_ref() == Some(&image.id) && c.host == image.host);
                prop_assert_eq!(image.usage.all as usize, users().count());
                prop_assert_eq!(image.usage.running as usize, users().filter(|c| c.state.is_up()).count());
            }
            for network in state.networks() {
                let users = || state.containers().filter(|c| c.host == network.host && c.networks.iter().any(|n| n.name == network.name));
                prop_assert_eq!(network.usage.all as usize, users().count());
            }
            for volume in state.volumes() {
                let users = || state.containers().filter(|c| c.host == volume.host && c.mounts.iter().any(|m| m.source == volume.id.as_str()));
                prop_assert_eq!(volume.usage.all as usize, users().count());
            }
        }

        #[test]
        fn a_change_made_twice_touches_nothing_the_second_time(before in changes(), change in change()) {
            let mut state: EngineState = EngineState::default();
            for change in before {
                state.apply(change);
            }
            state.apply(change.clone());
            let once = state.clone();
            prop_assert_eq!(state.apply(change), vec![]);
            prop_assert_eq!(state, once);
        }

        #[test]
        fn what_is_touched_is_exactly_what_differs(before in changes(), change in change()) {
            let mut state = EngineState::default();
            for change in before {
                state.apply(change);
            }
            let old = state.clone();
            let mut touched = state.apply(change);
            let mut differs: Vec<Key> = old.keys().chain(state.keys()).filter(|key| old.get(key) != state.get(key)).collect();
            differs.sort();
            differs.dedup();
            touched.sort();
            prop_assert_eq!(touched, differs);
        }

        #[test]
        fn both_encodings_give_the_state_back(changes in changes()) {
            let mut state = EngineState::default();
            for change in changes {
                state.apply(change);
            }
            let json = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(&serde_json::from_str::<EngineState>(&json).unwrap(), &state);
            let bytes = postcard::to_allocvec(&state).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<EngineState>(&bytes).unwrap(), &state);
        }
    }
}
