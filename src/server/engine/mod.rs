//! Engine client: the only code that uses bollard or the Docker API. Each group of the API has its own file.

mod act;
mod build;
mod calls;
mod connect;
mod containers;
mod details;
mod disk;
mod error;
mod events;
mod files;
mod get_client;
mod images;
mod logs;
mod networks;
mod own;
mod probe;
mod read;
mod reading;
mod recipe;
mod refusal;
mod silent_changes;
mod stats;
mod system;
mod terminal;
mod transfer;
mod version;
mod volumes;

pub use build::BuildStep;
pub use calls::{Call, Calls, Measured};
pub use connect::{Endpoint, SshDestination, TlsFiles};
pub use containers::with_details_of;
pub use error::{EngineError, away_hint};
pub use events::{Actor, EngineEvent, Events};
pub use files::{FileAccess, tar_of_file};
pub use logs::{Lines as LogLines, Log, LogRange, Part as LogPart};
pub use own::{OwnContainers, OwnKind};
pub use reading::{Cpu, Flow, Memory, Reading};
pub use silent_changes::SilentChange;
pub use stats::Readings;
pub use terminal::{Shell, Terminal};
pub use transfer::{Context, Credentials, DOCKER_HUB, LayerPhase, LayerStep, StepState, Word, context_of, registry_of};

use crate::{
    message,
    model::{ContainerAction, ContainerId, HostId},
};
use bollard::Docker;
use connect::Transport;
use serde::de::DeserializeOwned;
use std::{ops::Deref, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Timeout for one small response. A dying container delays the response by 0.1 s, a busy disk by more.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout for a list.
const LIST_TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout for a list that may have thousands of entries. A slow list doesn't mean a lost engine: [`Engine::ping`] decides
/// that. With containerd's image store a list of a thousand images takes half a minute.
const LONG_LIST_TIMEOUT: Duration = Duration::from_secs(60);

/// Timeout for a ping. The engine answers it without a lock and without disk access.
const PING_TIMEOUT: Duration = Duration::from_secs(4);

/// Maximum number of folders and files read concurrently: each may be a tar of a container's whole file system.
const LOOKS_AT_ONCE: usize = 16;

/// Read-only client of one engine: none of its calls changes anything. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    host: HostId,
    endpoint: Endpoint,
    reader: get_client::GetClient,
    calls: Calls,
    silent_changes: silent_changes::SilentChanges,
    looks: Arc<Semaphore>,
}

/// Read-write client of one engine: every call that creates, starts, writes or removes something is a method of this type. A
/// read-only server has none, as it can't be created from an [`Engine`].
#[derive(Clone)]
pub struct WritableEngine {
    engine: Engine,
    sender: read::Reader,
    /// For terminals and bollard, which a read-only engine doesn't have.
    transport: Transport,
    own: OwnContainers,
}

impl WritableEngine {
    /// Opens no connection yet.
    pub fn new(host: HostId, endpoint: Endpoint) -> Self {
        let (engine, sender, transport) = open(host, endpoint);
        Self { engine, sender, transport, own: OwnContainers::default() }
    }

    /// Sets the ledger of the containers it creates for Quaylight itself.
    pub fn recording(self, own: OwnContainers) -> Self {
        Self { own, ..self }
    }

    /// Creates a bollard client for one action.
    fn docker(&self) -> Result<Docker, EngineError> {
        self.transport.docker()
    }

    pub fn own(&self) -> &OwnContainers {
        &self.own
    }

    /// Removes a container that this server, or one before it, created for Quaylight itself. Refuses to remove any other.
    pub async fn remove_own(&self, id: &ContainerId) -> Result<(), EngineError> {
        let removed = match self.own.kind(&self.host, id) {
            Some(OwnKind::Probe) => self.remove_probe(id).await,
            Some(OwnKind::Helper) => {
                self.act_on_container(id, ContainerAction::Remove { force: true, volumes: false }).await
            }
            None => {
                return Err(EngineError::refused(403, message!("Quaylight didn't create this container")));
            }
        };
        match removed {
            Err(error) if !error.is_not_found() => {
                self.own.abandon(&self.host, id);
                Err(error)
            }
            _ => {
                self.own.forget(&self.host, id);
                Ok(())
            }
        }
    }
}

impl Deref for WritableEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

fn open(host: HostId, endpoint: Endpoint) -> (Engine, read::Reader, Transport) {
    let calls = Calls::new();
    let transport = Transport::new(endpoint.clone());
    let reader = read::Reader::new(transport.clone(), calls.clone());
    let engine = Engine {
        host,
        endpoint,
        reader: get_client::GetClient::new(reader.clone()),
        calls,
        silent_changes: silent_changes::SilentChanges::default(),
        looks: Arc::new(Semaphore::new(LOOKS_AT_ONCE)),
    };
    (engine, reader, transport)
}

impl Engine {
    /// Opens no connection yet.
    pub fn new(host: HostId, endpoint: Endpoint) -> Self {
        open(host, endpoint).0
    }

    pub fn host(&self) -> &HostId {
        &self.host
    }

    /// `GET path` of one entity. None if it doesn't exist.
    async fn find<T: DeserializeOwned>(&self, call: Call, path: &str) -> Result<Option<T>, EngineError> {
        match self.reader.json(call, path, READ_TIMEOUT).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits for changes made here that the engine emits no event for. Only one watcher may call it. Cancel safe.
    pub async fn next_silent_changes(&self) -> Vec<SilentChange> {
        self.silent_changes.next().await
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Drops the state shared between connections if it may be the reason that the engine did not answer.
    pub async fn reset_connection(&self, error: &EngineError) {
        if matches!(error, EngineError::Timeout) {
            self.reader.reset_connection().await;
        }
    }

    /// Ends the SSH tunnel, if there is one, when the server shuts down.
    pub async fn close(&self) {
        self.reader.close().await;
    }

    pub fn calls(&self) -> &Calls {
        &self.calls
    }
}
