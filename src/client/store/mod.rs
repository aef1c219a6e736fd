//! What the page knows: the state as the server has it, and signals for what is on the screen.
//!
//! A plain state and a signal for each mounted row: inserting one of 10,000 rows wakes nobody but the list's order.

mod connection;
mod rows;
mod selectors;

pub use connection::{Connection, Link, Transport};
pub use rows::{Facet, LastChange};
pub use selectors::{ContainerColumn, ContainerQuery, select_containers};

use crate::{
    model::{
        Change, Container, ContainerId, EngineState, Entity, Host, HostId, Image, ImageId, Key, Network, NetworkId, Scoped,
        Timestamp, Volume, VolumeName, diff,
    },
    wire::{Diff, Packed, PackedChange, Position, Seed, Update},
};
use leptos::prelude::*;
use rows::Rows;
use std::sync::{Arc, RwLock};

#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    truth: RwLock<Truth>,
    hosts: Rows<HostId, Host>,
    containers: Rows<Scoped<ContainerId>, Container>,
    images: Rows<Scoped<ImageId>, Image>,
    volumes: Rows<Scoped<VolumeName>, Volume>,
    networks: Rows<Scoped<NetworkId>, Network>,
    position: ArcRwSignal<Position>,
    link: ArcRwSignal<Link>,
    now: ArcRwSignal<Timestamp>,
}

struct Truth {
    state: EngineState,
    position: Position,
}

/// The diff does not join up with what is here: resume.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfStep;

impl Store {
    /// As the server's HTML has it.
    pub fn new(seed: Seed) -> Self {
        let position = Position { epoch: seed.epoch, revision: seed.revision };
        Self(Arc::new(Inner {
            truth: RwLock::new(Truth { state: seed.state, position }),
            hosts: Rows::default(),
            containers: Rows::default(),
            images: Rows::default(),
            volumes: Rows::default(),
            networks: Rows::default(),
            position: ArcRwSignal::new(position),
            link: ArcRwSignal::new(Link::new(seed.server_version)),
            now: ArcRwSignal::new(seed.server_time),
        }))
    }

    /// Where in the feed this page is.
    pub fn position(&self) -> ArcRwSignal<Position> {
        self.0.position.clone()
    }

    /// The connection to the server.
    pub fn link(&self) -> ArcRwSignal<Link> {
        self.0.link.clone()
    }

    /// The time that relative times count from; moves on by the second.
    pub fn now(&self) -> ArcRwSignal<Timestamp> {
        self.0.now.clone()
    }

    /// A look at the state without subscribing to anything.
    pub fn look<T>(&self, look: impl FnOnce(&EngineState) -> T) -> T {
        look(&self.0.truth.read().expect("nobody panics while holding the state").state)
    }

    /// The number of containers, images, volumes and networks, live.
    pub fn count(&self, of: impl Fn(&EngineState) -> usize) -> usize {
        self.0.containers.track_members();
        self.0.images.track_members();
        self.0.volumes.track_members();
        self.0.networks.track_members();
        self.look(of)
    }

    /// Wakes its reader when containers come or go.
    pub fn track_containers(&self) {
        self.0.containers.track_members();
    }

    /// Wakes its reader when `facet` of any container changes.
    pub fn track_container_facet(&self, facet: Facet) {
        self.0.containers.track_facet(facet);
    }

    /// Wakes its reader with any change of any entity.
    pub fn track_everything(&self) {
        self.0.containers.track_all();
        self.0.images.track_all();
        self.0.volumes.track_all();
        self.0.networks.track_all();
    }

    pub fn track_images(&self) {
        self.0.images.track_all();
    }

    pub fn track_volumes(&self) {
        self.0.volumes.track_all();
    }

    pub fn track_networks(&self) {
        self.0.networks.track_all();
    }

    /// One container, live; none when there is no such.
    pub fn container(&self, id: &Scoped<ContainerId>) -> Option<ArcRwSignal<Arc<Container>>> {
        self.0.containers.signal(id, || self.look(|state| state.container(id).cloned()))
    }

    pub fn image(&self, id: &Scoped<ImageId>) -> Option<ArcRwSignal<Arc<Image>>> {
        self.0.images.signal(id, || self.look(|state| state.image(id).cloned()))
    }

    pub fn volume(&self, id: &Scoped<VolumeName>) -> Option<ArcRwSignal<Arc<Volume>>> {
        self.0.volumes.signal(id, || self.look(|state| state.volume(id).cloned()))
    }

    pub fn network(&self, id: &Scoped<NetworkId>) -> Option<ArcRwSignal<Arc<Network>>> {
        self.0.networks.signal(id, || self.look(|state| state.network(id).cloned()))
    }

    /// The first host, live.
    pub fn main_host(&self) -> Option<Arc<Host>> {
        self.0.hosts.track_all();
        self.look(|state| state.hosts().next().cloned())
    }

    /// The latest change of an entity that arrived at this page, live.
    pub fn last_change(&self, key: &Key) -> ArcRwSignal<Option<LastChange>> {
        match key {
            Key::Host(id) => self.0.hosts.last_change(id),
            Key::Container(host, id) => self.0.containers.last_change(&(host.clone(), id.clone())),
            Key::Image(host, id) => self.0.images.last_change(&(host.clone(), id.clone())),
            Key::Volume(host, id) => self.0.volumes.last_change(&(host.clone(), id.clone())),
            Key::Network(host, id) => self.0.networks.last_change(&(host.clone(), id.clone())),
        }
    }
}

/// Taking in what the link brings.
impl Store {
    /// The whole state: rows that are the same stay untouched, so nothing flickers.
    pub fn replace(&self, update: Update) {
        let position = Position { epoch: update.epoch, revision: update.revision };
        let changes = self.look(|state| diff(state, &update.data));
        self.apply(changes, position, None);
    }

    /// One step on. `received` is this page's clock.
    pub fn step(&self, step: Diff<PackedChange>, received: Timestamp) -> Result<(), OutOfStep> {
        let at = self.0.truth.read().expect("nobody panics while holding the state").position;
        if (at.epoch, at.revision) != (step.epoch, step.from) {
            return Err(OutOfStep);
        }
        let change = LastChange { engine_time: step.engine_time, applied: step.timestamp, received };
        for packed in step.data.changes {
            let unpacked = self.look(|state| Packed::unpack(packed, state)).map_err(|_| OutOfStep)?;
            self.apply(vec![unpacked], at, Some(change));
        }
        self.apply(vec![], Position { epoch: step.epoch, revision: step.to }, None);
        Ok(())
    }

    fn apply(&self, changes: Vec<Change>, position: Position, change: Option<LastChange>) {
        for it in changes {
            let (before, touched) = {
                let mut truth = self.0.truth.write().expect("nobody panics while holding the state");
                let before = truth.state.get(&it.key());
                (before, truth.state.apply(it))
            };
            for key in touched {
                let after = self.look(|state| state.get(&key));
                let before = before.clone().filter(|before| before.key() == key);
                self.wake(key, before, after, change);
            }
        }
        self.0.truth.write().expect("nobody panics while holding the state").position = position;
        if self.0.position.get_untracked() != position {
            self.0.position.set(position);
        }
    }

    fn wake(&self, key: Key, before: Option<Entity>, after: Option<Entity>, change: Option<LastChange>) {
        match (key, after) {
            (_, Some(Entity::Host(after))) => self.0.hosts.put(after.id.clone(), after, change),
            (_, Some(Entity::Container(after))) => {
                let before = match before {
                    Some(Entity::Container(before)) => Some(before),
                    _ => None,
                };
                let facets = before.map(|before| rows::facets_that_differ(&before, &after));
                let id = (after.host.clone(), after.id.clone());
                self.0.containers.put_with(id, after, change, facets);
            }
            (_, Some(Entity::Image(after))) => self.0.images.put((after.host.clone(), after.id.clone()), after, change),
            (_, Some(Entity::Volume(after))) => self.0.volumes.put((after.host.clone(), after.id.clone()), after, change),
            (_, Some(Entity::Network(after))) => {
                self.0.networks.put((after.host.clone(), after.id.clone()), after, change);
            }
            (Key::Host(id), None) => self.0.hosts.gone(&id),
            (Key::Container(host, id), None) => self.0.containers.gone(&(host, id)),
            (Key::Image(host, id), None) => self.0.images.gone(&(host, id)),
            (Key::Volume(host, id), None) => self.0.volumes.gone(&(host, id)),
            (Key::Network(host, id), None) => self.0.networks.gone(&(host, id)),
        }
    }
}
