//! The engine client: the only place that names bollard or the Docker API. A file for each group of the API.

mod connect;
mod containers;
mod error;
mod events;
mod images;
mod networks;
mod probe;
mod read;
mod system;
mod volumes;

pub use connect::EngineUrl;
pub use containers::with_details_of;
pub use error::EngineError;
pub use events::{Actor, EngineEvent, Events};
pub use probe::LABEL as PROBE_LABEL;

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
}

impl Engine {
    /// Opens no connection yet.
    pub fn new(host: HostId, url: EngineUrl) -> Self {
        Self { host, reader: read::Reader::new(url.clone()), url }
    }

    pub fn host(&self) -> &HostId {
        &self.host
    }

    /// `GET path` of one thing; none when there is no such.
    async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, EngineError> {
        match self.reader.json(path, READ_PATIENCE).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn url(&self) -> &EngineUrl {
        &self.url
    }
}
