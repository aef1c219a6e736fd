//! Disk usage of an engine. The engine computes it slowly, so it is requested on demand only.

use super::{
    Call, Engine, EngineError, WritableEngine,
    read::{Entries, no_body, or_default},
};
use crate::model::{ContainerId, DiskUsage, ImageId, SharedSize, VolumeName};
use serde::Deserialize;
use std::time::Duration;

/// Timeout: the engine walks through every volume and every container's layer.
const TIMEOUT: Duration = Duration::from_secs(180);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ApiDiskUsage {
    #[serde(deserialize_with = "or_default")]
    layers_size: u64,
    #[serde(deserialize_with = "or_default")]
    images: Entries<Image>,
    #[serde(deserialize_with = "or_default")]
    containers: Entries<Container>,
    #[serde(deserialize_with = "or_default")]
    volumes: Entries<Volume>,
    #[serde(deserialize_with = "or_default")]
    build_cache: Entries<Cache>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    shared_size: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    id: String,
    #[serde(default)]
    size_rw: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    usage_data: VolumeUsage,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeUsage {
    size: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Cache {
    in_use: bool,
    shared: bool,
    size: i64,
}

/// Podman omits `sha256:` here, and nowhere else.
fn image_id(id: &str) -> Option<ImageId> {
    let is_bare = id.len() == 64 && !id.contains(':');
    ImageId::new(&if is_bare { format!("sha256:{id}") } else { id.to_owned() }).ok()
}

impl Engine {
    pub async fn disk_usage(&self) -> Result<DiskUsage, EngineError> {
        let usage: ApiDiskUsage = self.reader.json(Call::DiskUsage, "/system/df", TIMEOUT).await?;
        // An engine reports -1 for a size it has not computed.
        let size = |bytes: i64| u64::try_from(bytes).ok();
        let caches = || usage.build_cache.0.iter().filter(|it| !it.shared);
        let images: Vec<_> = (usage.images.0.iter())
            .filter_map(|it| {
                let (size, shared) = (size(it.size)?, size(it.shared_size).unwrap_or(0));
                Some((image_id(&it.id)?, SharedSize { own: size.saturating_sub(shared), shared }))
            })
            .collect();
        // Podman 4 doesn't report it: the images share at least as much as any one of them shares.
        let at_least = || {
            let own: u64 = images.iter().map(|(_, size)| size.own).sum();
            own + images.iter().map(|(_, size)| size.shared).max().unwrap_or(0)
        };
        Ok(DiskUsage {
            layers: if usage.layers_size == 0 { at_least() } else { usage.layers_size },
            images,
            containers: (usage.containers.0.iter())
                .filter_map(|it| Some((ContainerId::new(&it.id).ok()?, size(it.size_rw)?)))
                .collect(),
            volumes: (usage.volumes.0.iter())
                .filter_map(|it| Some((VolumeName::new(&it.name).ok()?, size(it.usage_data.size)?)))
                .collect(),
            build_cache: caches().filter_map(|it| size(it.size)).sum(),
            unused_build_cache: caches().filter(|it| !it.in_use).filter_map(|it| size(it.size)).sum(),
        })
    }
}

impl WritableEngine {
    /// Removes the build cache that no build uses. Returns the freed bytes.
    pub async fn prune_build_cache(&self) -> Result<u64, EngineError> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Freed {
            space_reclaimed: u64,
        }
        let said = self.sender.post(Call::BuildPrune, "/build/prune?all=true", &[], no_body()).await?.whole().await?;
        Ok(serde_json::from_slice::<Freed>(&said).unwrap_or_default().space_reclaimed)
    }
}

impl Engine {
    /// Size of all images in bytes. Each layer counts once.
    pub async fn layers_size(&self) -> Result<u64, EngineError> {
        // Older engines ignore `type` and measure everything.
        let usage: ApiDiskUsage = self.reader.json(Call::DiskUsage, "/system/df?type=image", TIMEOUT).await?;
        Ok(usage.layers_size)
    }
}
