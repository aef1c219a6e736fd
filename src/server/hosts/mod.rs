//! Registry of engines. There is one today; all callers look it up by host.

use super::{
    clock::Clock,
    engine::{Endpoint, Engine, OwnContainers, WritableEngine},
    history::History,
    state::{Inbox, Reader},
    supervision::Supervisor,
    watch::Watcher,
};
use crate::{
    message,
    model::HostId,
    wire::{ActionError, ErrorKind},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

#[derive(Clone)]
pub struct Hosts(Arc<BTreeMap<HostId, Handle>>);

/// Handle of an engine. A server that was started with `--read-only` has no handle that could change an engine.
pub enum Handle {
    ReadOnly(Box<Engine>),
    Writable(Box<WritableEngine>),
}

impl Handle {
    pub fn new(host: HostId, endpoint: Endpoint, read_only: bool, own: OwnContainers) -> Self {
        if read_only {
            return Engine::new(host, endpoint).into();
        }
        WritableEngine::new(host, endpoint).recording(own).into()
    }

    fn engine(&self) -> &Engine {
        match self {
            Self::ReadOnly(engine) => engine,
            Self::Writable(engine) => engine,
        }
    }
}

impl From<Engine> for Handle {
    fn from(engine: Engine) -> Self {
        Self::ReadOnly(Box::new(engine))
    }
}

impl From<WritableEngine> for Handle {
    fn from(engine: WritableEngine) -> Self {
        Self::Writable(Box::new(engine))
    }
}

impl Hosts {
    pub fn new<H: Into<Handle>>(engines: impl IntoIterator<Item = H>) -> Self {
        let handles = engines.into_iter().map(Into::into);
        Self(Arc::new(handles.map(|handle| (handle.engine().host().clone(), handle)).collect()))
    }

    pub fn get(&self, host: &HostId) -> Option<&Engine> {
        self.0.get(host).map(Handle::engine)
    }

    /// The engine of that host, for changes. Fails if the server is read-only or there is no such host.
    pub fn writable(&self, host: &HostId) -> Result<&WritableEngine, ActionError> {
        match self.0.get(host) {
            Some(Handle::Writable(engine)) => Ok(engine),
            Some(Handle::ReadOnly(_)) => Err(read_only()),
            None => Err(no_such_host(host)),
        }
    }

    /// The engines that may be changed.
    pub fn iter_writable(&self) -> impl Iterator<Item = &WritableEngine> {
        self.0.values().filter_map(|handle| match handle {
            Handle::Writable(engine) => Some(&**engine),
            Handle::ReadOnly(_) => None,
        })
    }

    /// The engine of that host. Fails if there is no such host.
    pub fn engine(&self, host: &HostId) -> Result<&Engine, ActionError> {
        self.get(host).ok_or_else(|| no_such_host(host))
    }

    /// The engine to use if no host is given; none if there are several.
    pub fn only(&self) -> Option<&Engine> {
        let mut engines = self.iter();
        engines.next().filter(|_| engines.next().is_none())
    }

    /// The engine of the given host, or the only one there is. Fails if there is no such host, or if none is given and there
    /// isn't exactly one.
    pub fn meant(&self, host: Option<&HostId>) -> Result<&Engine, ActionError> {
        match host {
            Some(host) => self.engine(host),
            None => self.only().ok_or_else(|| ActionError::new(ErrorKind::Invalid, message!("Specify a host"))),
        }
    }

    /// Ends what runs for the connections to the engines.
    pub async fn close(&self) {
        for engine in self.iter() {
            engine.close().await;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Engine> {
        self.0.values().map(Handle::engine)
    }

    /// Starts a watcher for each engine. A slow engine delays no other.
    pub fn watch(
        &self,
        supervisor: &Supervisor,
        reader: &Reader,
        inbox: &Inbox,
        history: &History,
        clock: Clock,
        reconcile: Duration,
    ) -> Vec<JoinHandle<()>> {
        let watch = |engine: &Engine| {
            let (engine, reader, inbox, history) = (engine.clone(), reader.clone(), inbox.clone(), history.clone());
            supervisor.restarting("watcher", move || {
                let (engine, reader) = (engine.clone(), reader.clone());
                Watcher::new(engine, reader, inbox.clone(), history.clone(), clock, reconcile).run()
            })
        };
        self.iter().map(watch).collect()
    }
}

fn no_such_host(host: &HostId) -> ActionError {
    ActionError::new(ErrorKind::NotFound, message!("Unknown host {host}", host))
}

/// The error of a server that was started with `--read-only`.
pub fn read_only() -> ActionError {
    ActionError::new(ErrorKind::Forbidden, message!("This server is read-only"))
        .hint(message!("Quaylight is running with --read-only. Changes are disabled."))
}
