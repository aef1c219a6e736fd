//! Which engines exist. One today; everything asks by host.

use super::{
    clock::Clock,
    engine::Engine,
    state::{Inbox, Reader},
    watch::Watcher,
};
use crate::model::HostId;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

#[derive(Clone)]
pub struct Hosts(Arc<BTreeMap<HostId, Engine>>);

impl Hosts {
    pub fn new(engines: impl IntoIterator<Item = Engine>) -> Self {
        Self(Arc::new(engines.into_iter().map(|engine| (engine.host().clone(), engine)).collect()))
    }

    pub fn get(&self, host: &HostId) -> Option<&Engine> {
        self.0.get(host)
    }

    /// The host that is meant where none is said; none when there are several.
    pub fn only(&self) -> Option<&Engine> {
        let mut engines = self.0.values();
        engines.next().filter(|_| engines.next().is_none())
    }

    /// Starts a watcher for each engine. A slow engine delays no other.
    pub fn watch(&self, reader: &Reader, inbox: &Inbox, clock: Clock, reconcile: Duration) -> Vec<JoinHandle<()>> {
        let watcher = |engine: &Engine| Watcher::new(engine.clone(), reader.clone(), inbox.clone(), clock, reconcile);
        let watchers = self.0.values().map(watcher);
        watchers.map(|watcher| tokio::spawn(watcher.run())).collect()
    }
}
