//! The engine client: the only place that names bollard or the Docker API. A file for each group of the API.

mod act;
mod calls;
mod connect;
mod containers;
mod details;
mod disk;
mod error;
mod events;
mod files;
mod images;
mod logs;
mod networks;
mod probe;
mod read;
mod recipe;
mod stats;
mod system;
mod terminal;
mod transfer;
mod unsaid;
mod volumes;

pub use calls::{Call, Calls, Measured};
pub use connect::EngineUrl;
pub use containers::with_details_of;
pub use error::{AWAY, EngineError};
pub use events::{Actor, EngineEvent, Events};
pub use files::{Reach, tar_of_file};
pub use logs::{Lines as LogLines, Log, LogRange, Part as LogPart};
pub use probe::LABEL as PROBE_LABEL;
pub use read::percent_encode;
pub use stats::Readings;
pub use terminal::{Shell, Terminal};
pub use transfer::{Context, Credentials, DOCKER_HUB, Word, context_of, registry_of};
pub use unsaid::Silent;

use crate::model::HostId;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// For one small answer. A container that is dying keeps its reader waiting for 0.1 s, a busy disk for longer.
const READ_PATIENCE: Duration = Duration::from_secs(10);

/// For a list of everything.
const LIST_PATIENCE: Duration = Duration::from_secs(15);

/// One engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    host: HostId,
    url: EngineUrl,
    reader: read::Reader,
    calls: Calls,
    unsaid: unsaid::Unsaid,
}

impl Engine {
    /// Opens no connection yet.
    pub fn new(host: HostId, url: EngineUrl) -> Self {
        let calls = Calls::new();
        Self {
            host,
            reader: read::Reader::new(url.clone(), calls.clone()),
            url,
            calls,
            unsaid: unsaid::Unsaid::default(),
        }
    }

    pub fn host(&self) -> &HostId {
        &self.host
    }

    /// `GET path` of one thing; none when there is no such.
    async fn find<T: DeserializeOwned>(&self, call: Call, path: &str) -> Result<Option<T>, EngineError> {
        match self.reader.json(call, path, READ_PATIENCE).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Containers that were changed here, and no event says so: for the one watcher. Cancel safe.
    pub async fn changed_in_silence(&self) -> Vec<Silent> {
        self.unsaid.next().await
    }

    pub fn url(&self) -> &EngineUrl {
        &self.url
    }

    pub fn calls(&self) -> &Calls {
        &self.calls
    }
}
