//! What the engine says of itself.

use super::{Engine, EngineError, READ_PATIENCE, read::or_default};
use crate::model;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    server_version: String,
    #[serde(deserialize_with = "or_default")]
    operating_system: String,
    #[serde(deserialize_with = "or_default")]
    kernel_version: String,
    #[serde(deserialize_with = "or_default")]
    architecture: String,
    #[serde(rename = "NCPU", deserialize_with = "or_default")]
    cpus: u32,
    #[serde(deserialize_with = "or_default")]
    mem_total: u64,
    #[serde(deserialize_with = "or_default")]
    driver: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Version {
    #[serde(deserialize_with = "or_default")]
    api_version: String,
}

impl Engine {
    /// The machine's name and the engine's facts.
    pub async fn describe(&self) -> Result<(String, model::Engine), EngineError> {
        let version: Version = self.reader.json("/version", READ_PATIENCE).await?;
        let info: Info = self.reader.json("/info", READ_PATIENCE).await?;
        let engine = model::Engine {
            version: info.server_version,
            api_version: version.api_version,
            os: info.operating_system,
            kernel: info.kernel_version,
            arch: info.architecture,
            cpus: info.cpus,
            memory: info.mem_total,
            storage_driver: info.driver,
        };
        Ok((info.name, engine))
    }

    /// Whether it answers at all, soon.
    pub async fn is_alive(&self) -> bool {
        self.reader.json::<serde_json::Value>("/version", std::time::Duration::from_secs(2)).await.is_ok()
    }
}
