//! Images in the engine's API.
//!
//! With containerd's image store, list and inspect describe an image differently. The list counts the content of all platforms,
//! compressed and unpacked; an inspect counts the compressed content of one platform. An image with several names has one
//! digest for each in the inspect, and a single one in the list. `docker image ls` shows the list, so sizes and platforms are
//! taken from the list, and digests are derived from the names.

use super::{
    Call, Engine, EngineError, LONG_LIST_TIMEOUT,
    read::{Entries, or_default},
};
use crate::{
    model::{HostId, Image, ImageId, ImagePlatform, Timestamp, Usage},
    server::percent,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::time::Duration;

/// Docker 28 emits the event of a created image before it stores the image's parent.
const PARENT_STORED_WITHIN: Duration = Duration::from_millis(500);

/// Maximum attempts to list images: with containerd's image store, a list fails as "not found" if one of the images is removed
/// while the list is built.
const LIST_ATTEMPTS: u32 = 5;

impl Engine {
    /// Returns all images except intermediate layers.
    pub async fn images(&self) -> Result<Vec<Image>, EngineError> {
        self.list(&Filters::default()).await
    }

    /// Returns one image by id or by tag. None if it doesn't exist, or has become an intermediate layer.
    pub async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let path = format!("/images/{}/json", percent::reference(reference));
        let Some(inspected) = self.find::<ApiImage>(Call::ImageInspect, &path).await? else { return Ok(None) };
        let (is_in_containerd, names) = (inspected.descriptor.is_some(), inspected.repo_tags.clone());
        let Some(image) = inspected.into_image(&self.host) else { return Ok(None) };
        let mut listed = None;
        if is_in_containerd && !names.is_empty() {
            listed = self.list_one(&Filters { reference: names, ..Filters::default() }, &image.id).await?;
            // Keep all names, including one added between the two responses.
            listed = listed.map(|it| Image { tags: image.tags.clone(), digests: image.digests.clone(), ..it });
        } else if !image.is_dangling() {
            return Ok(Some(image));
        }
        if listed.is_none() {
            // An inspect describes intermediate layers too. Only the list shows which untagged image is one.
            listed = self.list_one(&Filters { dangling: vec!["true"], ..Filters::default() }, &image.id).await?;
        }
        Ok(listed)
    }

    /// Returns a newly created image by its id. Docker 28 emits an event for each step of its classic builder as for an image,
    /// and lists the step as dangling until the next step is based on it. So an image with a parent and no name counts as a
    /// step here. If it keeps no name, as after a build without a tag, the next list contains it.
    pub async fn created_image(&self, id: &ImageId) -> Result<Option<Image>, EngineError> {
        let path = format!("/images/{id}/json");
        for delay in [Duration::ZERO, PARENT_STORED_WITHIN] {
            tokio::time::sleep(delay).await;
            let Some(inspected) = self.find::<ApiImage>(Call::ImageInspect, &path).await? else { return Ok(None) };
            let has_parent = !inspected.parent.is_empty();
            if inspected.into_image(&self.host).is_some_and(|image| !image.is_dangling()) {
                break;
            }
            if has_parent {
                return Ok(None);
            }
        }
        self.image(id.as_str()).await
    }

    async fn list_one(&self, filters: &Filters, id: &ImageId) -> Result<Option<Image>, EngineError> {
        Ok(self.list(filters).await?.into_iter().find(|it| it.id == *id))
    }

    async fn list(&self, filters: &Filters) -> Result<Vec<Image>, EngineError> {
        let filters = serde_json::to_string(filters).expect("strings serialize to JSON");
        // Engines before API 1.47, and the classic image store, ignore `manifests`.
        let path = format!("/images/json?manifests=1&filters={}", percent::component(&filters));
        let mut attempts = 1;
        let Entries::<ApiImage>(images) = loop {
            match self.reader.json(Call::ImageList, &path, LONG_LIST_TIMEOUT).await {
                Err(EngineError::Refused { status: 404, .. }) if attempts < LIST_ATTEMPTS => attempts += 1,
                answer => break answer?,
            }
        };
        Ok(images.into_iter().filter_map(|it| it.into_image(&self.host)).collect())
    }
}

/// Filters of an image list. An empty filter matches all images.
#[derive(Serialize, Default)]
struct Filters {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reference: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dangling: Vec<&'static str>,
}

/// An image in a list or an inspect. Their time formats differ.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ApiImage {
    id: String,
    /// The previous step of an image from the classic builder. Empty in lists.
    #[serde(deserialize_with = "or_default")]
    parent: String,
    #[serde(deserialize_with = "or_default")]
    repo_tags: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    repo_digests: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    created: Created,
    #[serde(deserialize_with = "or_default")]
    size: u64,
    /// Descriptor of the content that the image's names refer to. Only with containerd's image store.
    descriptor: Option<IgnoredAny>,
    /// Only in a list requested with `manifests`.
    #[serde(deserialize_with = "or_default")]
    manifests: Entries<Manifest>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Manifest {
    #[serde(rename = "ID")]
    id: String,
    kind: String,
    available: bool,
    size: ManifestSize,
    image_data: Option<ImageData>,
    attestation_data: Option<AttestationData>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ManifestSize {
    /// In bytes.
    total: u64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ImageData {
    platform: Platform,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Platform {
    os: String,
    architecture: String,
    variant: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct AttestationData {
    /// The id of the attested manifest.
    r#for: String,
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

/// Returns the platforms, sorted. An attestation is not a platform, although the index lists it with platform `unknown`.
fn platforms(manifests: &[Manifest]) -> Vec<ImagePlatform> {
    let attested = |id: &str| manifests.iter().any(|it| it.attestation_data.as_ref().is_some_and(|it| it.r#for == id));
    let platform = |it: &Manifest| {
        let Platform { os, architecture, variant } = &it.image_data.as_ref()?.platform;
        let parts = [os, architecture, variant].map(String::as_str);
        Some(ImagePlatform {
            name: parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"),
            size: it.available.then_some(it.size.total),
            is_attested: attested(&it.id),
        })
    };
    let mut platforms: Vec<_> = manifests.iter().filter(|it| it.kind == "image").filter_map(platform).collect();
    platforms.sort();
    platforms
}

impl ApiImage {
    fn into_image(self, host: &HostId) -> Option<Image> {
        let created = match self.created {
            Created::Listed(seconds) => Some(Timestamp::from_seconds(seconds)),
            Created::Inspected(text) => Timestamp::parse(&text).map(Timestamp::to_whole_seconds),
        };
        // Older engines list an image without a name as "<none>:<none>". With containerd's image store, an image pulled by
        // digest has that digest among its tags.
        let (mut digests, mut tags): (Vec<_>, Vec<_>) =
            self.repo_tags.into_iter().filter(|name| !name.starts_with("<none>")).partition(|name| name.contains('@'));
        digests.extend(self.repo_digests.into_iter().filter(|name| !name.starts_with("<none>")));
        if self.descriptor.is_some() {
            let repositories = tags.iter().filter_map(|tag| tag.rsplit_once(':'));
            digests.extend(repositories.map(|(repository, _)| format!("{repository}@{}", self.id)));
        }
        tags.sort();
        digests.sort();
        digests.dedup();
        Some(Image {
            host: host.clone(),
            id: ImageId::new(&self.id).ok()?,
            tags,
            digests,
            created: created.filter(|created| created.micros() > 0),
            size: self.size,
            platforms: platforms(&self.manifests.0),
            usage: Usage::default(),
        })
    }
}
