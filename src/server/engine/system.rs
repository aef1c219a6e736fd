//! What the engine says of itself.

use super::{
    Call, Context, Engine, EngineError, EngineUrl, READ_PATIENCE,
    read::{Entries, or_default},
};
use crate::model::{self, Lack};
use serde::Deserialize;
use std::path::PathBuf;

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
    #[serde(deserialize_with = "or_default")]
    docker_root_dir: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Version {
    #[serde(deserialize_with = "or_default")]
    api_version: String,
    #[serde(deserialize_with = "or_default")]
    components: Entries<Component>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Component {
    #[serde(deserialize_with = "or_default")]
    name: String,
}

impl Engine {
    /// The machine's name and the engine's facts.
    pub async fn describe(&self) -> Result<(String, model::Engine), EngineError> {
        let version: Version = self.reader.json(Call::Version, "/version", READ_PATIENCE).await?;
        let info: Info = self.reader.json(Call::Info, "/info", READ_PATIENCE).await?;
        let is_podman = version.components.0.iter().any(|it| it.name.contains("Podman"));
        let engine = model::Engine {
            product: if is_podman { "Podman" } else { "Docker" }.to_owned(),
            version: info.server_version,
            api_version: version.api_version,
            os: info.operating_system,
            kernel: info.kernel_version,
            arch: info.architecture,
            cpus: info.cpus,
            memory: info.mem_total,
            storage_driver: info.driver,
            lacks: if is_podman { self.what_podman_lacks().await } else { Vec::new() },
        };
        Ok((info.name, engine))
    }

    /// Newer ones can do more than older ones: it is asked, with a container that is nobody's.
    async fn what_podman_lacks(&self) -> Vec<Lack> {
        let headers = [("Content-Type", "application/json")];
        let path = format!("/containers/{}/update", "0".repeat(64));
        let asked =
            self.reader.post(Call::ContainerUpdate, &path, &headers, Context::of(b"{}".to_vec()).into_body()).await;
        // What it says of a route that it has not; of a container that is not there it says more.
        let lacks_it = matches!(asked, Err(EngineError::Refused { message, .. }) if message.trim() == "Not Found");
        lacks_it.then_some(Lack::Update).into_iter().chain([Lack::BuildCache]).collect()
    }

    /// Where it keeps its data, if that is on this machine.
    pub async fn data_folder(&self) -> Result<Option<PathBuf>, EngineError> {
        if !matches!(self.url, EngineUrl::Unix(_)) {
            return Ok(None);
        }
        let info: Info = self.reader.json(Call::Info, "/info", READ_PATIENCE).await?;
        Ok(Some(PathBuf::from(info.docker_root_dir)).filter(|folder| folder.is_dir()))
    }

    /// Whether it answers at all, soon.
    pub async fn is_alive(&self) -> bool {
        let patience = std::time::Duration::from_secs(2);
        self.reader.json::<serde_json::Value>(Call::Version, "/version", patience).await.is_ok()
    }
}
