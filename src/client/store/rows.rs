//! Signals of one kind of entity: one for each row that is looked at, and a few for the list as a whole.

use crate::model::{Container, Timestamp};
use leptos::prelude::*;
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
};

/// What lists sort, filter and group containers by. A list wakes only for what its order depends on.
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
    /// The engine's, at the event.
    pub engine_time: Option<Timestamp>,
    /// The server's, when it was applied.
    pub applied: Timestamp,
    /// This page's, when it arrived.
    pub received: Timestamp,
}

/// `ArcRwSignal` throughout: signals are made and dropped by a task that has no reactive owner.
pub(super) struct Rows<K, V> {
    rows: Mutex<HashMap<K, Row<V>>>,
    members: ArcTrigger,
    facets: [ArcTrigger; Facet::ALL.len()],
}

struct Row<V> {
    value: Option<ArcRwSignal<Arc<V>>>,
    last_change: Option<ArcRwSignal<Option<LastChange>>>,
    latest: Option<LastChange>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        let facets = std::array::from_fn(|_| ArcTrigger::new());
        Self { rows: Mutex::default(), members: ArcTrigger::new(), facets }
    }
}

impl<V> Default for Row<V> {
    fn default() -> Self {
        Self { value: None, last_change: None, latest: None }
    }
}

impl<K, V> Rows<K, V>
where
    K: Eq + Hash + Clone,
    V: Send + Sync + 'static,
{
    pub(super) fn track_members(&self) {
        self.members.track();
    }

    pub(super) fn track_facet(&self, facet: Facet) {
        self.facets[facet as usize].track();
    }

    pub(super) fn track_all(&self) {
        self.members.track();
        for facet in &self.facets {
            facet.track();
        }
    }

    /// The row's signal, made when it is first asked for.
    pub(super) fn signal(&self, id: &K, current: impl FnOnce() -> Option<Arc<V>>) -> Option<ArcRwSignal<Arc<V>>> {
        let mut rows = self.lock();
        if let Some(Row { value: Some(signal), .. }) = rows.get(id) {
            return Some(signal.clone());
        }
        let signal = ArcRwSignal::new(current()?);
        rows.entry(id.clone()).or_default().value = Some(signal.clone());
        Some(signal)
    }

    pub(super) fn last_change(&self, id: &K) -> ArcRwSignal<Option<LastChange>> {
        let mut rows = self.lock();
        let row = rows.entry(id.clone()).or_default();
        row.last_change.get_or_insert_with(|| ArcRwSignal::new(row.latest)).clone()
    }

    /// A new or changed entity, every facet of it.
    pub(super) fn put(&self, id: K, value: Arc<V>, change: Option<LastChange>) {
        let is_known = self.lock().get(&id).is_some_and(|row| row.value.is_some());
        self.put_with(id, value, change, is_known.then_some(Facet::ALL.to_vec()));
    }

    /// `facets` that changed of a known entity; none for a new one.
    pub(super) fn put_with(&self, id: K, value: Arc<V>, change: Option<LastChange>, facets: Option<Vec<Facet>>) {
        let (signal, last_change) = {
            let mut rows = self.lock();
            let row = rows.entry(id).or_default();
            row.latest = change.or(row.latest);
            (row.value.clone(), row.last_change.clone())
        };
        if let Some(signal) = signal {
            signal.set(value);
        }
        if let (Some(signal), Some(change)) = (last_change, change) {
            signal.set(Some(change));
        }
        match facets {
            None => self.members.notify(),
            Some(facets) => facets.into_iter().for_each(|facet| self.facets[facet as usize].notify()),
        }
    }

    pub(super) fn gone(&self, id: &K) {
        self.lock().remove(id);
        self.members.notify();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Row<V>>> {
        self.rows.lock().expect("nobody panics while holding the rows")
    }
}

pub(super) fn facets_that_differ(before: &Container, after: &Container) -> Vec<Facet> {
    let state = |it: &Container| (it.state, it.health, it.exit_code, it.started_at, it.finished_at);
    let mut facets = Vec::new();
    let mut differ = |differs: bool, facet| {
        if differs {
            facets.push(facet);
        }
    };
    differ(before.name != after.name, Facet::Name);
    differ(state(before) != state(after), Facet::State);
    differ(before.image != after.image, Facet::Image);
    differ(before.ports != after.ports, Facet::Ports);
    differ(before.networks != after.networks, Facet::Networks);
    differ(before.labels != after.labels, Facet::Project);
    facets
}
