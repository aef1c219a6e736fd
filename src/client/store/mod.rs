//! What the page knows: the state as the server has it, and signals for what is on the screen.
//!
//! A plain state and a signal for each mounted row: inserting one of 10,000 rows wakes nobody but the list's order.

mod connection;
mod order;
mod rows;
mod selectors;

pub use connection::{Connection, Link, Transport};
pub use order::order;
pub use rows::{Facet, LastChange};
pub use selectors::{ContainerColumn, ContainerQuery, select_containers};

use crate::{
    model::{Change, Container, EngineState, Entity, Host, Image, Key, Kind, Network, Timestamp, Volume, diff},
    wire::{Diff, Packed, PackedChange, Position, Seed, Update},
};
use leptos::prelude::*;
use rows::Rows;
use std::sync::{Arc, RwLock};

#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    truth: RwLock<Truth>,
    rows: Rows,
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
            rows: Rows::default(),
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

    /// How many there are of a kind, live.
    pub fn count(&self, kind: Kind) -> usize {
        self.track_members(kind);
        self.look(|state| state.count(kind))
    }

    /// Wakes its reader when entities of a kind come or go.
    pub fn track_members(&self, kind: Kind) {
        self.0.rows.track_members(kind);
    }

    /// Wakes its reader with any change of an entity of a kind.
    pub fn track(&self, kind: Kind) {
        self.0.rows.track_all(kind);
    }

    /// Wakes its reader when `facet` of any container changes.
    pub fn track_facet(&self, facet: Facet) {
        self.0.rows.track_facet(facet);
    }

    /// One entity, live; none when there is no such.
    pub fn entity(&self, key: &Key) -> Option<Row> {
        self.0.rows.signal(key, || self.look(|state| state.get(key).cloned())).map(Row)
    }

    /// The first host, live.
    pub fn main_host(&self) -> Option<Arc<Host>> {
        self.track(Kind::Host);
        self.look(|state| state.hosts().next().cloned())
    }

    /// The latest change of an entity that arrived at this page, live.
    pub fn last_change(&self, key: &Key) -> ArcRwSignal<Option<LastChange>> {
        self.0.rows.last_change(key)
    }
}

/// One entity, live. Handles of one entity are one signal.
#[derive(Clone)]
pub struct Row(ArcRwSignal<Entity>);

macro_rules! readers {
    ($($name:ident $as:ident $type:ty;)*) => {
        /// Each reads the entity as what it is; a row of another kind gives the default.
        impl Row {
            $(pub fn $name<T: Default>(&self, read: impl FnOnce(&$type) -> T) -> T {
                self.0.with(|entity| entity.$as().map(|it| read(it)).unwrap_or_default())
            })*
        }
    };
}

readers! {
    container as_container Container;
    image as_image Image;
    volume as_volume Volume;
    network as_network Network;
}

impl Row {
    /// The entity now, without subscribing.
    pub fn now(&self) -> Entity {
        self.0.get_untracked()
    }

    pub fn get(&self) -> Entity {
        self.0.get()
    }
}

/// Taking in what the link brings.
impl Store {
    /// The whole state: rows that are the same stay untouched, so nothing flickers.
    pub fn replace(&self, update: Update) {
        let position = Position { epoch: update.epoch, revision: update.revision };
        for change in self.look(|state| diff(state, &update.data)) {
            self.apply(change, None);
        }
        self.arrive(position);
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
            self.apply(unpacked, Some(change));
        }
        self.arrive(Position { epoch: step.epoch, revision: step.to });
        Ok(())
    }

    fn apply(&self, it: Change, change: Option<LastChange>) {
        let key = it.key();
        let (before, touched) = {
            let mut truth = self.0.truth.write().expect("nobody panics while holding the state");
            let before = truth.state.get(&key).cloned();
            (before, truth.state.apply(it))
        };
        for touched in touched {
            match self.look(|state| state.get(&touched).cloned()) {
                // Others are touched in their usage only: they were there before.
                Some(after) if touched != key => self.0.rows.changed(Some(&after.clone()), after, change),
                Some(after) => self.0.rows.changed(before.as_ref(), after, change),
                None => self.0.rows.gone(&touched),
            }
        }
    }

    fn arrive(&self, position: Position) {
        self.0.truth.write().expect("nobody panics while holding the state").position = position;
        if self.0.position.get_untracked() != position {
            self.0.position.set(position);
        }
    }
}
