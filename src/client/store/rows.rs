//! Row signals: one for each entity on the screen, and a few for each kind as a whole.

use crate::{
    model::{Container, Entity, Key, Kind, Sorted, Timestamp},
    wire::EventTimes,
};
use leptos::prelude::*;
use std::{collections::VecDeque, sync::Mutex};

/// Touched containers remembered. A list that has missed more is sorted from scratch.
const REMEMBERED: usize = 256;

/// What lists sort, filter and group containers by. A list is notified only of changes that its order depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    Name,
    /// State, health, exit code, times.
    State,
    Image,
    Ports,
    Networks,
    /// Labels: the Compose project.
    Project,
}

impl Facet {
    pub const ALL: [Self; 6] = [Self::Name, Self::State, Self::Image, Self::Ports, Self::Networks, Self::Project];
}

/// When an entity last changed, on three clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastChange {
    /// The engine's and the server's clock at the event.
    pub event: Option<EventTimes>,
    /// The server's clock when the change was applied.
    pub applied: Timestamp,
    /// This page's clock when the change was received.
    pub received: Timestamp,
    /// Microseconds to add to this page's clock to get the server's.
    pub clock_offset: i64,
}

/// Uses `ArcRwSignal` throughout, because signals are created and dropped by a task without a reactive owner.
#[derive(Default)]
pub(super) struct Rows {
    /// The latest containers that were added, changed or removed, and the number of all such changes so far.
    touched: Mutex<(VecDeque<Key>, u64)>,
    rows: Mutex<Sorted<Key, Row>>,
    /// By kind: an entity was added or removed.
    members: [ArcTrigger; Kind::ALL.len()],
    /// By kind: an entity was changed.
    changes: [ArcTrigger; Kind::ALL.len()],
    /// Facets of containers.
    facets: [ArcTrigger; Facet::ALL.len()],
}

#[derive(Default)]
struct Row {
    value: Option<ArcRwSignal<Entity>>,
    last_change: Option<ArcRwSignal<Option<LastChange>>>,
    latest: Option<LastChange>,
}

impl Rows {
    pub(super) fn track_members(&self, kind: Kind) {
        self.members[kind as usize].track();
    }

    pub(super) fn track_all(&self, kind: Kind) {
        self.track_members(kind);
        self.changes[kind as usize].track();
    }

    pub(super) fn track_facet(&self, facet: Facet) {
        self.facets[facet as usize].track();
    }

    /// The entity's signal, created on first use.
    pub(super) fn signal(&self, key: &Key, current: impl FnOnce() -> Option<Entity>) -> Option<ArcRwSignal<Entity>> {
        let mut rows = self.lock();
        if let Some(Row { value: Some(signal), .. }) = rows.get(key) {
            return Some(signal.clone());
        }
        let signal = ArcRwSignal::new(current()?);
        row_of(&mut rows, key).value = Some(signal.clone());
        Some(signal)
    }

    pub(super) fn last_change(&self, key: &Key) -> ArcRwSignal<Option<LastChange>> {
        let mut rows = self.lock();
        let row = row_of(&mut rows, key);
        row.last_change.get_or_insert_with(|| ArcRwSignal::new(row.latest)).clone()
    }

    /// Returns the containers touched after the first `seen` ones, and the number touched so far. The containers are
    /// `None` if some were already dropped from memory.
    pub(super) fn touched_since(&self, seen: u64) -> (Option<Vec<Key>>, u64) {
        let touched = self.touched.lock().expect("the lock isn't poisoned");
        let (keys, count) = &*touched;
        let missed = usize::try_from(count - seen).unwrap_or(usize::MAX);
        let since = keys.len().checked_sub(missed).map(|known| keys.range(known..).cloned().collect());
        (since, *count)
    }

    fn touch(&self, key: &Key) {
        if key.kind() != Kind::Container {
            return;
        }
        let mut touched = self.touched.lock().expect("the lock isn't poisoned");
        if touched.0.len() == REMEMBERED {
            touched.0.pop_front();
        }
        touched.0.push_back(key.clone());
        touched.1 += 1;
    }

    /// Notifies the subscribers of an entity that was added or changed.
    pub(super) fn changed(&self, before: Option<&Entity>, after: Entity, change: Option<LastChange>) {
        let key = after.key();
        self.touch(&key);
        let kind = key.kind();
        let (signal, last_change) = {
            let mut rows = self.lock();
            let row = row_of(&mut rows, &key);
            row.latest = change.or(row.latest);
            (row.value.clone(), row.last_change.clone())
        };
        if let (Some(Entity::Container(before)), Entity::Container(after)) = (before, &after) {
            for facet in facets_that_differ(before, after) {
                self.facets[facet as usize].notify();
            }
        }
        if let Some(signal) = signal {
            signal.set(after);
        }
        if let (Some(signal), Some(change)) = (last_change, change) {
            signal.set(Some(change));
        }
        let trigger = if before.is_some() { &self.changes } else { &self.members };
        trigger[kind as usize].notify();
    }

    pub(super) fn gone(&self, key: &Key) {
        self.touch(key);
        self.lock().remove(key);
        self.members[key.kind() as usize].notify();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sorted<Key, Row>> {
        self.rows.lock().expect("the lock isn't poisoned")
    }
}

fn row_of<'a>(rows: &'a mut Sorted<Key, Row>, key: &Key) -> &'a mut Row {
    if rows.get(key).is_none() {
        rows.insert(key.clone(), Row::default());
    }
    rows.get_mut(key).expect("just inserted")
}

fn facets_that_differ(before: &Container, after: &Container) -> Vec<Facet> {
    let state = |it: &Container| (it.state, it.health, it.exit_code, it.started_at, it.finished_at);
    let differ = |facet: &Facet| match facet {
        Facet::Name => before.name != after.name,
        Facet::State => state(before) != state(after),
        Facet::Image => before.image != after.image,
        Facet::Ports => before.ports != after.ports,
        Facet::Networks => before.networks != after.networks,
        Facet::Project => before.labels != after.labels,
    };
    Facet::ALL.into_iter().filter(differ).collect()
}
