//! Engine information: version, host facts, missing features.

use super::{
    Call, Engine, EngineError, PING_TIMEOUT, READ_TIMEOUT,
    connect::EngineVersions,
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
    #[serde(rename = "MinAPIVersion", deserialize_with = "or_default")]
    min_api_version: String,
    #[serde(deserialize_with = "or_default")]
    os: String,
    #[serde(deserialize_with = "or_default")]
    components: Entries<Component>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Component {
    #[serde(deserialize_with = "or_default")]
    name: String,
}

/// The API of Docker 18.09. Since Docker 23, BuildKit is also the default of `docker build`.
const FIRST_API_WITH_BUILDKIT: (u32, u32) = (1, 39);

/// Docker 23.0 and Podman 5.0 introduced version 1.4 of the Dockerfile syntax.
const FIRST_DOCKER_WITH_HEREDOCS: (u32, u32) = (23, 0);
const FIRST_PODMAN_WITH_HEREDOCS: (u32, u32) = (5, 0);

const FIRST_PODMAN_WITH_VOLUME_EXPORT: (u32, u32) = (5, 6);

/// Compares the first two numbers of a version. A version that can't be parsed counts as newer.
fn is_at_least(version: &str, least: (u32, u32)) -> bool {
    let mut numbers = version.split(['.', '-', '+']).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= least,
        _ => true,
    }
}

/// Podman's own builder has long supported mounts, modes and platforms.
fn what_builders_lack(product: &str, version: &str, has_buildkit: bool) -> &'static [Lack] {
    let least = match product {
        "Podman" => FIRST_PODMAN_WITH_HEREDOCS,
        _ if !has_buildkit => return &[Lack::BuildKit],
        _ => FIRST_DOCKER_WITH_HEREDOCS,
    };
    if is_at_least(version, least) { &[] } else { &[Lack::Heredocs, Lack::LinkedCopies] }
}

impl Version {
    fn is_podman(&self) -> bool {
        self.components.0.iter().any(|it| it.name.contains("Podman"))
    }

    fn has_buildkit(&self) -> bool {
        !self.is_podman() && self.os != "windows" && is_at_least(&self.api_version, FIRST_API_WITH_BUILDKIT)
    }
}

impl Engine {
    /// Returns the machine's name and the engine's facts. Also negotiates the API version of all later requests: an engine
    /// that becomes reachable again may be another one.
    pub async fn describe(&self) -> Result<(String, model::Engine), EngineError> {
        let version: Version = self.reader.json(Call::Version, "/version", READ_TIMEOUT).await?;
        self.reader.agree(EngineVersions { highest: &version.api_version, lowest: &version.min_api_version })?;
        let info: Info = self.reader.json(Call::Info, "/info", READ_TIMEOUT).await?;
        let is_podman = version.is_podman();
        let has_buildkit = version.has_buildkit();
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
            lacks: Vec::new(),
        };
        let lacks = if is_podman { self.what_podman_lacks(&engine.version).await } else { Vec::new() };
        let builder_lacks = what_builders_lack(&engine.product, &engine.version, has_buildkit);
        let lacks = lacks.into_iter().chain(builder_lacks.iter().copied()).collect();
        let engine = model::Engine { lacks, ..engine };
        Ok((info.name, engine))
    }

    /// Features that this version of Podman lacks. The update route is probed by `GET`, which changes nothing: an existing
    /// route refuses the method (405), a missing one is not found (404).
    async fn what_podman_lacks(&self, version: &str) -> Vec<Lack> {
        let path = format!("/containers/{}/update", "0".repeat(64));
        let asked = self.reader.json::<serde_json::Value>(Call::ContainerUpdate, &path, READ_TIMEOUT).await;
        let lacks_it = asked.is_err_and(|error| error.is_not_found());
        let has_export = is_at_least(version, FIRST_PODMAN_WITH_VOLUME_EXPORT);
        let lacks = [(lacks_it, Lack::Update), (true, Lack::BuildCache), (!has_export, Lack::FileOwners)];
        lacks.into_iter().filter_map(|(lacks_it, what)| lacks_it.then_some(what)).collect()
    }

    /// Whether the engine supports `POST /build?version=2`.
    pub(super) async fn has_buildkit(&self) -> Result<bool, EngineError> {
        let version: Version = self.reader.json(Call::Version, "/version", READ_TIMEOUT).await?;
        Ok(version.has_buildkit())
    }

    /// The engine's data folder. None if this machine has no such folder.
    pub async fn data_folder(&self) -> Result<Option<PathBuf>, EngineError> {
        let info: Info = self.reader.json(Call::Info, "/info", READ_TIMEOUT).await?;
        Ok(Some(PathBuf::from(info.docker_root_dir)).filter(|folder| folder.is_dir()))
    }

    /// Ok if the engine answers in time, with any response.
    ///
    /// # Errors
    /// If the engine can't be reached, or sends no response within [`PING_TIMEOUT`].
    pub async fn ping(&self) -> Result<(), EngineError> {
        match self.calls.time(Call::Ping, self.reader.head("/_ping", PING_TIMEOUT)).await {
            Err(error) if error.is_away() || matches!(error, EngineError::Timeout) => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_builder_features_depend_on_engine_and_version() {
        let older = [Lack::Heredocs, Lack::LinkedCopies];
        for (product, server_version, api_version, lacks) in [
            ("Docker", "28.5.2+dfsg4", "1.51", &[][..]),
            ("Docker", "23.0.0-rc.1", "1.42", &[]),
            ("Docker", "20.10.24+dfsg1", "1.41", &older),
            ("Docker", "18.06.3-ce", "1.38", &[Lack::BuildKit]),
            ("Docker", "dev", "1.52", &[]),
            ("Podman", "4.3.1", "1.41", &older),
            ("Podman", "5.8.6", "1.44", &[]),
        ] {
            let version = Version { api_version: api_version.into(), ..Version::default() };
            let found = what_builders_lack(product, server_version, version.has_buildkit());
            assert_eq!(found, lacks, "{product} {server_version}");
        }
        assert!(!Version { api_version: "1.51".into(), os: "windows".into(), ..Version::default() }.has_buildkit());
    }
}
