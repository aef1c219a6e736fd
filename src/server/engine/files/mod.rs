//! Files of containers and volumes, by the archive API: tars, one way and the other.
//!
//! That API lists no folder. In a container that runs, its own `find` does; else the folder's tar is read, of which only the
//! headers count.

mod find;
mod stat;
mod tars;

use super::{Call, Context, Engine, EngineError, READ_PATIENCE, read::percent_encode};
use crate::model::{
    ContainerAction, ContainerId, ContainerState, FileEntry, FileKind, FilePath, FileText, FilesOf, Folder, Found,
    HELPER, VolumeName,
};
use bollard::{
    models::{ContainerCreateBody, HostConfig, Mount, MountType},
    query_parameters as query,
};
use futures::{Stream, StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use stat::Stat;
use std::{
    collections::HashMap,
    io,
    time::{Duration, Instant},
};
pub use tars::tar_of_file;
use tars::{Until, in_step, read_folder, unpack};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};

/// A folder's tar is read for so long: it has all that is in the folders below, too.
const READ_FOR: Duration = Duration::from_secs(15);

/// `find` is done long before.
const FIND_PATIENCE: Duration = Duration::from_secs(10);

/// What a folder is told to hold at most.
const MOST: usize = 10_000;

/// Bytes of a text that are shown.
const SHOWN: u64 = 256 << 10;

/// Empty, and made here: nothing is pulled.
const IMAGE: &str = "quaylight/files";

/// Where a volume is in its helper.
const MOUNTED_AT: &str = "/volume";

/// A way to files. Of a volume that is a container which is never started, and goes when this is dropped.
pub struct Reach {
    engine: Engine,
    id: ContainerId,
    /// What the paths are below of; nothing of a container.
    root: &'static str,
    is_helper: bool,
    /// A container that runs and has these files, and where.
    runs: Option<(ContainerId, String)>,
}

impl Drop for Reach {
    fn drop(&mut self) {
        if self.is_helper {
            let (engine, id) = (self.engine.clone(), self.id.clone());
            tokio::spawn(async move {
                let remove = ContainerAction::Remove { force: true, volumes: false };
                if let Err(error) = engine.act_on_container(&id, remove).await {
                    tracing::warn!(%error, %id, "what a volume was reached by stays");
                }
            });
        }
    }
}

impl Engine {
    /// `mounts` are the containers that have the volume, and where: one that runs lists quicker.
    pub async fn reach(&self, of: &FilesOf, mounts: &[(ContainerId, String)]) -> Result<Reach, EngineError> {
        match of {
            FilesOf::Container(id) => {
                let container = self.container(id).await?;
                let container = container.ok_or_else(|| EngineError::Refused {
                    status: 404,
                    message: "There is no such container".into(),
                })?;
                let runs = (container.state == ContainerState::Running).then(|| (id.clone(), String::new()));
                Ok(Reach { engine: self.clone(), id: id.clone(), root: "", is_helper: false, runs })
            }
            FilesOf::Volume(name) => {
                // Whoever asks for a volume that is not there makes it.
                if self.volume(name).await?.is_none() {
                    return Err(EngineError::Refused { status: 404, message: format!("There is no volume {name}") });
                }
                // By itself: whoever asked may go while the engine makes it, and then it still has to be removed.
                let (engine, name, runs) = (self.clone(), name.clone(), mounts.first().cloned());
                let made = tokio::spawn(async move {
                    let id = engine.make_helper(&name).await?;
                    Ok(Reach { engine, id, root: MOUNTED_AT, is_helper: true, runs })
                });
                made.await.map_err(|_| EngineError::Malformed("the helper was not made".to_owned()))?
            }
        }
    }

    async fn make_helper(&self, volume: &VolumeName) -> Result<ContainerId, EngineError> {
        if self.image(IMAGE).await?.is_none() {
            let path = format!("/images/create?fromSrc=-&repo={IMAGE}&tag=latest&changes=LABEL%20{HELPER}%3Dfiles");
            let empty = Context::of(tar::Builder::new(Vec::new()).into_inner().expect("memory takes it"));
            let headers = [("Content-Type", "application/x-tar")];
            self.reader.post(Call::ImageImport, &path, &headers, empty.into_body()).await?.whole().await?;
        }
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.to_string()),
            target: Some(MOUNTED_AT.to_owned()),
            ..Mount::default()
        };
        let body = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            // It has none, and is not started.
            cmd: Some(vec!["none".to_owned()]),
            labels: Some(HashMap::from([(HELPER.to_owned(), "files".to_owned())])),
            host_config: Some(HostConfig {
                mounts: Some(vec![mount]),
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let name = format!("quaylight-files-{:08x}", rand::random::<u32>());
        let options = query::CreateContainerOptions { name: Some(name), ..Default::default() };
        let create = async { Ok(self.url.docker()?.create_container(Some(options), body).await?.id) };
        let id = self.calls.time(Call::ContainerCreate, create).await?;
        ContainerId::new(&id).map_err(|error| EngineError::Malformed(error.to_string()))
    }
}

impl Reach {
    /// What is there, with a link followed.
    pub async fn look(&self, path: &FilePath) -> Result<Found, EngineError> {
        let (path, stat) = self.followed(path).await?;
        match stat.kind() {
            FileKind::Folder => {
                let (mut entries, is_whole) = self.entries(&path).await?;
                entries
                    .sort_by(|a, b| (a.kind != FileKind::Folder, &a.name).cmp(&(b.kind != FileKind::Folder, &b.name)));
                let is_whole = is_whole && entries.len() <= MOST;
                entries.truncate(MOST);
                Ok(Found::Folder(Folder { path, entries, is_whole }))
            }
            FileKind::File => {
                let (_, bytes) = self.content(&path).await?;
                let mut text = Vec::new();
                let mut bytes = Box::pin(bytes);
                while let Some(piece) = bytes.next().await {
                    text.extend_from_slice(&piece.map_err(|error| EngineError::Unreachable(error.to_string()))?);
                    if text.len() as u64 >= SHOWN {
                        break;
                    }
                }
                text.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
                let is_cut = stat.size > text.len() as u64;
                Ok(Found::File(FileText {
                    path,
                    size: stat.size,
                    modified: stat.modified(),
                    text: as_text(text, is_cut),
                    is_cut,
                }))
            }
            FileKind::Link | FileKind::Special => Err(EngineError::Refused {
                status: 409,
                message: "It is neither a folder nor a file: there is nothing to read".into(),
            }),
        }
    }

    /// Whether it is a folder, which comes as a tar; and else how long it is. With what comes.
    pub async fn download(
        self,
        path: &FilePath,
    ) -> Result<(Option<u64>, impl Stream<Item = Result<Bytes, EngineError>> + Send + use<>), EngineError> {
        let (path, stat) = self.followed(path).await?;
        let (length, bytes) = if stat.kind() == FileKind::File {
            let (length, bytes) = self.content(&path).await?;
            (Some(length), bytes.map_err(|error| EngineError::Unreachable(error.to_string())).left_stream())
        } else {
            (None, self.tar(self.inside(&path)).await?.right_stream())
        };
        Ok((length, self.kept_until_the_end_of(bytes)))
    }

    /// All of it: what [`Self::put`] takes, with names as they are from its root on.
    pub async fn backup(self) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + use<>, EngineError> {
        let bytes = self.tar(format!("{}/.", self.root)).await?;
        Ok(self.kept_until_the_end_of(bytes))
    }

    /// Unpacks a tar, which may be compressed, in a folder.
    pub async fn put(&self, folder: &FilePath, tar: Context) -> Result<(), EngineError> {
        let (folder, stat) = self.followed(folder).await?;
        if stat.kind() != FileKind::Folder {
            return Err(EngineError::Refused { status: 409, message: format!("{folder} is no folder") });
        }
        let place = format!("{}&noOverwriteDirNonDir=true", self.archive(&self.inside(&folder)));
        let put = self.engine.reader.put(&place, tar.into_body());
        self.engine.calls.time(Call::FilesPut, put).await
    }

    fn kept_until_the_end_of<S: Stream>(self, bytes: S) -> impl Stream<Item = S::Item> + use<S> {
        bytes.map(move |piece| {
            let _ = &self;
            piece
        })
    }

    fn inside(&self, path: &FilePath) -> String {
        if path.is_root() && !self.root.is_empty() { self.root.to_owned() } else { format!("{}{path}", self.root) }
    }

    fn archive(&self, path: &str) -> String {
        format!("/containers/{}/archive?path={}", self.id, percent_encode(path, b"-._~/"))
    }

    async fn followed(&self, path: &FilePath) -> Result<(FilePath, Stat), EngineError> {
        let stat = self.stat(path).await?;
        if stat.kind() != FileKind::Link {
            return Ok((path.clone(), stat));
        }
        let below = stat.link_target.strip_prefix(self.root).filter(|it| it.is_empty() || it.starts_with('/'));
        let target =
            below.and_then(|it| FilePath::new(if it.is_empty() { "/" } else { it }).ok()).ok_or_else(|| {
                EngineError::Refused {
                    status: 409,
                    message: format!("The link leads out of here, to {}", stat.link_target),
                }
            })?;
        let stat = self.stat(&target).await?;
        Ok((target, stat))
    }

    async fn stat(&self, path: &FilePath) -> Result<Stat, EngineError> {
        let place = self.archive(&self.inside(path));
        let head = self.engine.reader.head(&place, READ_PATIENCE);
        match self.engine.calls.time(Call::FilesStat, head).await {
            Ok(headers) => Stat::of(&headers),
            // An answer to HEAD has no words.
            Err(error) if error.is_not_found() => {
                Err(EngineError::Refused { status: 404, message: format!("There is no {path}") })
            }
            Err(error) => Err(error),
        }
    }

    async fn tar(
        &self,
        path: String,
    ) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + use<>, EngineError> {
        let body = self.engine.reader.body(Call::FilesGet, &self.archive(&path), READ_PATIENCE).await?;
        Ok(body.into_data_stream().map_err(EngineError::from))
    }

    /// Of a file, with its length.
    async fn content(
        &self,
        path: &FilePath,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, io::Error>> + Send + use<>), EngineError> {
        let tar = self.tar(self.inside(path)).await?;
        let (length, begun) = oneshot::channel();
        let (sender, receiver) = mpsc::channel(4);
        spawn_blocking(move || unpack(in_step(tar), length, &sender));
        let length = begun.await.map_err(|_| EngineError::Unreachable("there was no file in its archive".into()))?;
        let bytes = futures::stream::unfold(receiver, async |mut it| Some((it.recv().await?, it)));
        Ok((length, bytes))
    }

    async fn entries(&self, path: &FilePath) -> Result<(Vec<FileEntry>, bool), EngineError> {
        if let Some((id, at)) = &self.runs {
            let path = if path.is_root() && !at.is_empty() { at.clone() } else { format!("{at}{path}") };
            match timeout(FIND_PATIENCE, self.engine.find_entries(id, &path)).await {
                Ok(Ok(Some(entries))) => return Ok((entries, true)),
                Ok(Err(error)) => tracing::debug!(%error, "a container lists no folder itself"),
                Ok(Ok(None)) | Err(_) => {}
            }
        }
        let tar = in_step(self.tar(self.inside(path)).await?);
        let until = Instant::now() + READ_FOR;
        let read = spawn_blocking(move || read_folder(Until { tar, until })).await;
        read.map_err(|error| EngineError::Malformed(error.to_string()))?
            .map_err(|error| EngineError::Unreachable(error.to_string()))
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// None where it is no text. The end of a text that is cut may be half a letter.
fn as_text(mut bytes: Vec<u8>, is_cut: bool) -> Option<String> {
    if bytes.contains(&0) {
        return None;
    }
    if let (Err(error), true) = (std::str::from_utf8(&bytes), is_cut)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_what_is_none() {
        assert_eq!(as_text("grün".into(), false).as_deref(), Some("grün"));
        assert_eq!(as_text(b"gr\xc3".to_vec(), true).as_deref(), Some("gr"));
        assert_eq!(as_text(b"gr\xc3".to_vec(), false), None);
        assert_eq!(as_text(b"\x7fELF\0".to_vec(), true), None);
    }
}
