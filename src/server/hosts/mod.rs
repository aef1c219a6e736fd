//! Which engines exist. One today; everything asks by host.

use super::{
    clock::Clock,
    engine::Engine,
    history::History,
    state::{Inbox, Reader},
    watch::Watcher,
};
use crate::{
    model::HostId,
    wire::{ActionError, ErrorKind},
};
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

    /// The engine of that host, or the word that there is none.
    pub fn engine(&self, host: &HostId) -> Result<&Engine, ActionError> {
        self.get(host).ok_or_else(|| ActionError::new(ErrorKind::NotFound, format!("There is no host {host}")))
    }

    /// The host that is meant where none is said; none when there are several.
    pub fn only(&self) -> Option<&Engine> {
        let mut engines = self.0.values();
        engines.next().filter(|_| engines.next().is_none())
    }

    /// The engine of the host that is said, or of the only one there is.
    pub fn meant(&self, host: Option<&HostId>) -> Result<&Engine, ActionError> {
        match host {
            Some(host) => self.engine(host),
            None => self.only().ok_or_else(|| ActionError::new(ErrorKind::Invalid, "Say which host is meant")),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Engine> {
        self.0.values()
    }

    /// Starts a watcher for each engine. A slow engine delays no other.
    pub fn watch(
        &self,
        reader: &Reader,
        inbox: &Inbox,
        history: &History,
        clock: Clock,
        reconcile: Duration,
    ) -> Vec<JoinHandle<()>> {
        let watcher = |engine: &Engine| {
            Watcher::new(engine.clone(), reader.clone(), inbox.clone(), history.clone(), clock, reconcile)
        };
        let watchers = self.0.values().map(watcher);
        watchers.map(|watcher| tokio::spawn(watcher.run())).collect()
    }
}
