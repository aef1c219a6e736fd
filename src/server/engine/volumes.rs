//! Volumes as the engine tells of them.

use super::{
    Call, Engine, EngineError, LIST_PATIENCE,
    read::{Entries, or_default},
};
use crate::model::{HostId, Labels, Timestamp, Usage, Volume, VolumeName};
use serde::Deserialize;

impl Engine {
    pub async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct List {
            #[serde(default, deserialize_with = "or_default")]
            volumes: Entries<Told>,
        }
        let list: List = self.reader.json(Call::VolumeList, "/volumes", LIST_PATIENCE).await?;
        Ok(list.volumes.0.into_iter().filter_map(|told| told.into_volume(&self.host)).collect())
    }

    /// One volume, or none when it is gone.
    pub async fn volume(&self, name: &VolumeName) -> Result<Option<Volume>, EngineError> {
        let told: Option<Told> = self.find(Call::VolumeInspect, &format!("/volumes/{name}")).await?;
        Ok(told.and_then(|told| told.into_volume(&self.host)))
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Told {
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

impl Told {
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
