//! Volumes in the engine's API.

use super::{
    Call, Engine, EngineError, LIST_TIMEOUT, READ_TIMEOUT,
    read::{Entries, or_default},
};
use crate::model::{HostId, Labels, Timestamp, Usage, Volume, VolumeName};
use futures::{Stream, TryStreamExt};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use serde::Deserialize;

impl Engine {
    pub async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct List {
            #[serde(default, deserialize_with = "or_default")]
            volumes: Entries<ApiVolume>,
        }
        let list: List = self.reader.json(Call::VolumeList, "/volumes", LIST_TIMEOUT).await?;
        Ok(list.volumes.0.into_iter().filter_map(|volume| volume.into_volume(&self.host)).collect())
    }

    /// Returns one volume. None if it doesn't exist.
    pub async fn volume(&self, name: &VolumeName) -> Result<Option<Volume>, EngineError> {
        let volume: Option<ApiVolume> = self.find(Call::VolumeInspect, &format!("/volumes/{name}")).await?;
        Ok(volume.and_then(|volume| volume.into_volume(&self.host)))
    }

    /// Streams all files of a volume as a tar. None if the engine lacks this call or the volume: Podman has it since 5.6.
    /// Podman's container archives replace the owner of each file by the container's user. This call keeps the owners.
    pub async fn exported_volume(
        &self,
        name: &VolumeName,
    ) -> Result<Option<impl Stream<Item = Result<Bytes, EngineError>> + Send + use<>>, EngineError> {
        let path = format!("/libpod/volumes/{name}/export");
        match self.reader.body(Call::VolumeExport, &path, READ_TIMEOUT).await {
            Ok(body) => Ok(Some(body.into_data_stream().map_err(EngineError::from))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ApiVolume {
    name: String,
    #[serde(deserialize_with = "or_default")]
    driver: String,
    #[serde(deserialize_with = "or_default")]
    scope: String,
    #[serde(deserialize_with = "or_default")]
    mountpoint: String,
    #[serde(deserialize_with = "or_default")]
    created_at: String,
    #[serde(deserialize_with = "or_default")]
    labels: Labels,
}

impl ApiVolume {
    fn into_volume(self, host: &HostId) -> Option<Volume> {
        Some(Volume {
            host: host.clone(),
            id: VolumeName::new(&self.name).ok()?,
            driver: self.driver,
            scope: self.scope,
            mountpoint: self.mountpoint,
            created: Timestamp::parse(&self.created_at),
            labels: self.labels,
            usage: Usage::default(),
        })
    }
}
