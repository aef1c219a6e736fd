//! The complete state of the engines: a table for each kind of entity, changed by one reducer on both sides.

use super::{
    Change, Container, ContainerId, ContainerState, Entity, Host, HostId, Image, Key, Kind, Lack, Network, Sorted,
    Usage, Used, Volume,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// One table for each kind. All tables have the same type, and each contains entities of its kind only: five types of
/// map would be five times the code in the browser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineState {
    tables: [Sorted<Key, Entity>; Kind::ALL.len()],
    /// Derived from the containers: usage by entity, whether or not the entity is known yet.
    usage: Sorted<Used, Usage>,
    /// Derived: the number of containers in each [`ContainerState`].
    states: [u32; ContainerState::ALL.len()],
    /// Derived: the number of containers that exited with a failure code.
    failed: u32,
}

/// Reading.
impl EngineState {
    pub fn hosts(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.entities(Kind::Host).filter_map(Entity::as_host)
    }

    pub fn containers(&self) -> impl Iterator<Item = &Arc<Container>> {
        self.entities(Kind::Container).filter_map(Entity::as_container)
    }

    pub fn images(&self) -> impl Iterator<Item = &Arc<Image>> {
        self.entities(Kind::Image).filter_map(Entity::as_image)
    }

    pub fn volumes(&self) -> impl Iterator<Item = &Arc<Volume>> {
        self.entities(Kind::Volume).filter_map(Entity::as_volume)
    }

    pub fn networks(&self) -> impl Iterator<Item = &Arc<Network>> {
        self.entities(Kind::Network).filter_map(Entity::as_network)
    }

    /// All entities of a kind, sorted by key.
    pub fn entities(&self, kind: Kind) -> impl Iterator<Item = &Entity> {
        self.table(kind).iter().map(|(_, entity)| entity)
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.table(kind).len()
    }

    /// The number of containers in `state`.
    pub fn in_state(&self, state: ContainerState) -> usize {
        self.states[state as usize] as usize
    }

    /// The number of containers that exited with a failure code.
    pub fn failed(&self) -> usize {
        self.failed as usize
    }

    pub fn get(&self, key: &Key) -> Option<&Entity> {
        self.table(key.kind()).get(key)
    }

    /// Also returns the position among the entities of its kind.
    pub fn find(&self, key: &Key) -> Option<(usize, &Entity)> {
        self.table(key.kind()).find(key)
    }

    pub fn nth(&self, kind: Kind, place: usize) -> Option<&Entity> {
        self.table(kind).nth(place)
    }

    /// Whether the host's engine is known to lack `what`.
    pub fn lacks(&self, host: &HostId, what: Lack) -> bool {
        let engine = self.host(host).and_then(|host| host.engine.as_ref());
        engine.is_some_and(|engine| engine.lacks.contains(&what))
    }

    pub fn host(&self, id: &HostId) -> Option<&Arc<Host>> {
        self.get(&Key::Host(id.clone()))?.as_host()
    }

    pub fn container(&self, host: &HostId, id: &ContainerId) -> Option<&Arc<Container>> {
        self.get(&Key::Container(host.clone(), id.clone()))?.as_container()
    }

    /// Every key, hosts first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.tables.iter().flat_map(|table| table.iter().map(|(key, _)| key))
    }

    /// The same state with only the wanted kinds. Usage stays as it was counted.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(Kind) -> bool) -> Self {
        let mut state = self.clone();
        for kind in Kind::ALL.into_iter().filter(|kind| !wanted(*kind)) {
            state.tables[kind as usize].clear();
        }
        if !wanted(Kind::Container) {
            (state.states, state.failed) = Default::default();
        }
        state
    }

    fn table(&self, kind: Kind) -> &Sorted<Key, Entity> {
        &self.tables[kind as usize]
    }
}

/// Changing: the one reducer.
impl EngineState {
    /// An excerpt of a state, for display only: exactly `entities`, with the usage stored in them. Never
    /// apply a change to it: its counts are not derived.
    pub fn excerpt(entities: impl IntoIterator<Item = Entity>) -> Self {
        let mut state = Self::default();
        for entity in entities {
            let key = entity.key();
            state.tables[key.kind() as usize].insert(key, entity);
        }
        state
    }

    /// Applies the change and returns the keys of the entities that changed: the one in the change and those whose
    /// usage changed with it. Empty if nothing changed. Idempotent.
    pub fn apply(&mut self, change: Change) -> Vec<Key> {
        let key = change.key();
        let new = match change {
            Change::Put(mut entity) => {
                if let Some(used) = entity.as_used() {
                    entity.set_usage(self.usage_of(&used));
                }
                Some(entity)
            }
            Change::Gone(_) => None,
        };
        let table = &mut self.tables[key.kind() as usize];
        let old = table.get(&key).cloned();
        if old == new {
            return Vec::new();
        }
        match &new {
            Some(entity) => table.insert(key.clone(), entity.clone()),
            None => table.remove(&key),
        };
        let mut touched = vec![key];
        let container = |entity: &Option<Entity>| entity.as_ref().and_then(Entity::as_container).cloned();
        let (old, new) = (container(&old), container(&new));
        if let Some(old) = &old {
            self.states[old.state as usize] -= 1;
            self.failed -= u32::from(old.failed_with().is_some());
        }
        if let Some(new) = &new {
            self.states[new.state as usize] += 1;
            self.failed += u32::from(new.failed_with().is_some());
        }
        self.recount(old.as_deref(), new.as_deref(), &mut touched);
        touched
    }

    /// Whether a container uses it.
    pub fn uses(&self, used: &Used) -> bool {
        self.usage_of(used).all > 0
    }

    fn usage_of(&self, used: &Used) -> Usage {
        self.usage.get(used).copied().unwrap_or_default()
    }

    /// Updates the usage counts when a container's references change from `old` to `new`.
    fn recount(&mut self, old: Option<&Container>, new: Option<&Container>, touched: &mut Vec<Key>) {
        let uses = |container: Option<&Container>| {
            let up = container.is_some_and(|container| container.state.is_up());
            (container.map(Container::uses).unwrap_or_default(), u32::from(up))
        };
        let (before, was_up) = uses(old);
        let (after, is_up) = uses(new);
        let only_before = before.iter().filter(|used| !after.contains(used));
        for used in after.iter().chain(only_before) {
            let (had, has) = (u32::from(before.contains(used)), u32::from(after.contains(used)));
            let old_usage = self.usage_of(used);
            let usage =
                Usage { running: old_usage.running + has * is_up - had * was_up, all: old_usage.all + has - had };
            if usage == old_usage {
                continue;
            }
            if usage == Usage::default() {
                self.usage.remove(used);
            } else {
                self.usage.insert(used.clone(), usage);
            }
            self.show_usage(used, usage, touched);
        }
    }

    fn show_usage(&mut self, used: &Used, usage: Usage, touched: &mut Vec<Key>) {
        let key = match used {
            Used::Image(host, id) => Some(Key::Image(host.clone(), id.clone())),
            Used::Volume(host, id) => Some(Key::Volume(host.clone(), id.clone())),
            // Containers refer to a network by its name, but its key is the id. An engine may have two networks of one
            // name.
            Used::Network(..) => None,
        };
        match key {
            Some(key) => {
                if let Some(entity) = self.tables[key.kind() as usize].get_mut(&key) {
                    entity.set_usage(usage);
                    touched.push(key);
                }
            }
            None => {
                for (key, entity) in self.tables[Kind::Network as usize].iter_mut() {
                    if entity.as_used().as_ref() == Some(used) {
                        entity.set_usage(usage);
                        touched.push(key.clone());
                    }
                }
            }
        }
    }
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

/// The JSON form of a complete state; the binary encoding sends parts. `{hosts, containers, images, volumes, networks}`.
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
            hosts: self.hosts().collect::<Vec<_>>(),
            containers: self.containers().collect::<Vec<_>>(),
            images: self.images().collect::<Vec<_>>(),
            volumes: self.volumes().collect::<Vec<_>>(),
            networks: self.networks().collect::<Vec<_>>(),
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
        fn usage_equals_the_count_over_all_containers(changes in changes()) {
            let mut state = EngineState::default();
            for change in changes {
                state.apply(change);
            }
            for image in state.images() {
                let users = || state.containers().filter(|c| c.image_id.as_ref() == Some(&image.id) && c.host == image.host);
                prop_assert_eq!(image.usage.all as usize, users().count());
                prop_assert_eq!(image.usage.running as usize, users().filter(|c| c.state.is_up()).count());
            }
            for wanted in ContainerState::ALL {
                prop_assert_eq!(state.in_state(wanted), state.containers().filter(|it| it.state == wanted).count());
            }
            prop_assert_eq!(state.failed(), state.containers().filter(|it| it.failed_with().is_some()).count());
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
        fn applying_a_change_is_idempotent(before in changes(), change in change()) {
            let mut state = EngineState::default();
            for change in before {
                state.apply(change);
            }
            state.apply(change.clone());
            let once = state.clone();
            prop_assert_eq!(state.apply(change), vec![]);
            prop_assert_eq!(state, once);
        }

        #[test]
        fn apply_returns_exactly_the_changed_keys(before in changes(), change in change()) {
            let mut state = EngineState::default();
            for change in before {
                state.apply(change);
            }
            let old = state.clone();
            let mut touched = state.apply(change);
            let mut differs: Vec<Key> = old.keys().chain(state.keys()).filter(|key| old.get(key) != state.get(key)).cloned().collect();
            differs.sort();
            differs.dedup();
            touched.sort();
            prop_assert_eq!(touched, differs);
        }

        #[test]
        fn state_round_trips_through_both_encodings(changes in changes()) {
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
