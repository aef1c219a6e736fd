//! Images as the engine tells of them.

use super::{
    Call, Engine, EngineError, LIST_PATIENCE,
    read::{Entries, or_default, percent_encode},
};
use crate::model::{HostId, Image, ImageId, Timestamp, Usage};
use serde::Deserialize;

impl Engine {
    /// All images but the layers in between.
    pub async fn images(&self) -> Result<Vec<Image>, EngineError> {
        self.list("/images/json").await
    }

    /// One image by id or by tag, or none when it is gone (or has become a layer in between).
    pub async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let path = format!("/images/{}/json", percent_encode(reference, b"-._/:@"));
        let told: Option<Told> = self.find(Call::ImageInspect, &path).await?;
        match told.and_then(|told| told.into_image(&self.host)) {
            // An inspect tells of layers in between too; only the list knows which untagged image is one.
            Some(image) if image.is_dangling() => {
                let filter = percent_encode(r#"{"dangling":["true"]}"#, b"");
                let dangling = self.list(&format!("/images/json?filters={filter}")).await?;
                Ok(dangling.into_iter().find(|it| it.id == image.id))
            }
            other => Ok(other),
        }
    }

    async fn list(&self, path: &str) -> Result<Vec<Image>, EngineError> {
        let Entries::<Told>(told) = self.reader.json(Call::ImageList, path, LIST_PATIENCE).await?;
        Ok(told.into_iter().filter_map(|told| told.into_image(&self.host)).collect())
    }
}

/// List and inspect tell the same, but for the form of the time.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Told {
    id: String,
    #[serde(deserialize_with = "or_default")]
    repo_tags: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    repo_digests: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    created: Created,
    #[serde(deserialize_with = "or_default")]
    size: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Created {
    Listed(i64),
    Inspected(String),
}

impl Default for Created {
    fn default() -> Self {
        Self::Listed(0)
    }
}

impl Told {
    fn into_image(self, host: &HostId) -> Option<Image> {
        let created = match self.created {
            Created::Listed(seconds) => Some(Timestamp::from_seconds(seconds)),
            Created::Inspected(text) => Timestamp::parse(&text).map(Timestamp::to_whole_seconds),
        };
        // "<none>:<none>" is how older engines list an image without a name.
        let named = |names: Vec<String>| {
            let mut names: Vec<_> = names.into_iter().filter(|name| !name.starts_with("<none>")).collect();
            names.sort();
            names
        };
        Some(Image {
            host: host.clone(),
            id: ImageId::new(&self.id).ok()?,
            tags: named(self.repo_tags),
            digests: named(self.repo_digests),
            created: created.filter(|created| created.micros() > 0),
            size: self.size,
            usage: Usage::default(),
        })
    }
}
