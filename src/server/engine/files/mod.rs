//! Files of containers and volumes, through the archive API, which sends and receives tars.
//!
//! That API lists no folder: a folder's entries are read from the headers in its tar. As the tar contains all subfolders too,
//! that may take long. Then the `find` of a running container lists the folder, run as that container's own user, for callers
//! who may run commands in it.

mod find;
mod stat;
mod tars;

use super::{Call, Context, Engine, EngineError, OwnKind, READ_TIMEOUT, WritableEngine};
use crate::{
    message,
    model::{
        Container, ContainerId, ContainerState, FileEntry, FileKind, FilePath, FileText, FilesOf, Folder, Found,
        HELPER, VolumeName,
    },
    server::percent::reference,
};
use bollard::{
    models::{ContainerCreateBody, HostConfig, Mount, MountType},
    query_parameters as query,
};
use futures::{Stream, StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use stat::Stat;
use std::{collections::HashMap, pin::pin, time::Duration};
pub use tars::tar_of_file;
use tars::{file_in, read_folder};
use tokio::time::timeout;

/// Timeout for reading a folder's tar, which contains all subfolders too.
const READ_FOR: Duration = Duration::from_secs(15);

/// The same timeout where `find` can list the folder instead.
const READ_FIRST_FOR: Duration = Duration::from_secs(1);

/// Timeout for `find`, which normally ends long before.
const FIND_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum number of entries of a folder. More are truncated.
const MOST: usize = 10_000;

/// Maximum size of a shown text, in bytes.
const SHOWN: u64 = 256 << 10;

/// Image of the helper containers. It is empty and imported from here, so nothing is pulled.
const IMAGE: &str = "quaylight/files";

/// Mount point of the volume in its helper container.
const MOUNTED_AT: &str = "/volume";

/// Access to files. For a volume it holds a helper container, which is never started and is removed on drop.
pub struct FileAccess {
    engine: Engine,
    id: ContainerId,
    /// Prefix of all paths. Empty for a container.
    root: &'static str,
    /// None if the files can only be read.
    writer: Option<WritableEngine>,
    is_helper: bool,
    /// A container that may list a folder.
    lister: Option<Lister>,
}

/// A running container that has the files.
struct Lister {
    engine: WritableEngine,
    id: ContainerId,
    /// Path of the files in the container.
    at: String,
}

impl Drop for FileAccess {
    fn drop(&mut self) {
        if let (true, Some(engine)) = (self.is_helper, self.writer.take()) {
            let id = self.id.clone();
            tokio::spawn(async move {
                if let Err(error) = engine.remove_own(&id).await {
                    tracing::warn!(%error, %id, "failed to remove a helper container: the sweeper will retry");
                }
            });
        }
    }
}

impl Engine {
    /// Gives read access to a container's files, through the archive API alone.
    pub async fn reach_container(&self, id: &ContainerId) -> Result<FileAccess, EngineError> {
        self.existing(id).await?;
        Ok(FileAccess { engine: self.clone(), id: id.clone(), root: "", writer: None, is_helper: false, lister: None })
    }

    async fn existing(&self, id: &ContainerId) -> Result<Container, EngineError> {
        let none = || EngineError::refused(404, message!("Container not found"));
        self.container(id).await?.ok_or_else(none)
    }
}

impl WritableEngine {
    /// Gives access to the files of a container or a volume. `listers` are running containers that mount the volume, with the
    /// mount points. `may_list` is whether the caller may run commands in the container, or in the listers.
    pub async fn reach(
        &self,
        of: &FilesOf,
        may_list: bool,
        listers: &[(ContainerId, String)],
    ) -> Result<FileAccess, EngineError> {
        let lister = |(id, at): (ContainerId, String)| Lister { engine: self.clone(), id, at };
        match of {
            FilesOf::Container(id) => {
                let container = self.existing(id).await?;
                let runs = may_list && container.state == ContainerState::Running;
                Ok(FileAccess {
                    engine: Engine::clone(self),
                    id: id.clone(),
                    root: "",
                    writer: Some(self.clone()),
                    is_helper: false,
                    lister: runs.then(|| lister((id.clone(), String::new()))),
                })
            }
            FilesOf::Volume(name) => {
                // Mounting a volume that does not exist would create it.
                if self.volume(name).await?.is_none() {
                    return Err(EngineError::refused(404, message!("Volume {name} not found", name)));
                }
                // In its own task: if the client disconnects while the engine creates the helper, it must still be removed.
                let lister = listers.first().filter(|_| may_list).cloned().map(lister);
                let (engine, name) = (self.clone(), name.clone());
                let made = tokio::spawn(async move {
                    let id = engine.make_helper(&name).await?;
                    let reader = Engine::clone(&engine);
                    Ok(FileAccess {
                        engine: reader,
                        id,
                        root: MOUNTED_AT,
                        writer: Some(engine),
                        is_helper: true,
                        lister,
                    })
                });
                made.await.map_err(|_| EngineError::Malformed("the helper container wasn't created".to_owned()))?
            }
        }
    }

    async fn make_helper(&self, volume: &VolumeName) -> Result<ContainerId, EngineError> {
        if self.image(IMAGE).await?.is_none() {
            let path = format!("/images/create?fromSrc=-&repo={IMAGE}&tag=latest&changes=LABEL%20{HELPER}%3Dfiles");
            let empty = Context::of(tar::Builder::new(Vec::new()).into_inner().expect("writing to memory can't fail"));
            let headers = [("Content-Type", "application/x-tar")];
            self.sender.post(Call::ImageImport, &path, &headers, empty.into_body()).await?.whole().await?;
        }
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.to_string()),
            target: Some(MOUNTED_AT.to_owned()),
            ..Mount::default()
        };
        let body = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            // The image has no programs, and the container is never started.
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
        let create = async { Ok(self.docker()?.create_container(Some(options), body).await?.id) };
        let id = self.calls.act(Call::ContainerCreate, create).await?;
        let id = ContainerId::new(&id).map_err(|error| EngineError::Malformed(error.to_string()))?;
        self.own.add(&self.host, &id, OwnKind::Helper);
        Ok(id)
    }
}

impl FileAccess {
    /// Reads the folder or file at a path. Follows links.
    pub async fn look(&self, path: &FilePath) -> Result<Found, EngineError> {
        // If the wait times out, the engine is blocking the requests ahead.
        let turn = timeout(READ_FOR, self.engine.looks.acquire()).await.map_err(|_| EngineError::Timeout)?;
        let _turn = turn.expect("the semaphore is never closed");
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
                let beginning = self.beginning(&path);
                let text = timeout(READ_FOR, beginning).await.map_err(|_| EngineError::Timeout)??;
                let is_cut = stat.size > text.len() as u64;
                Ok(Found::File(FileText {
                    path,
                    size: stat.size,
                    modified: stat.modified(),
                    text: as_text(text, is_cut),
                    is_cut,
                }))
            }
            FileKind::Link | FileKind::Special => {
                Err(EngineError::refused(409, message!("Not a regular file or folder, so there's nothing to read")))
            }
        }
    }

    /// Reads the part of a file that is shown.
    async fn beginning(&self, path: &FilePath) -> Result<Vec<u8>, EngineError> {
        let (_, bytes) = self.content(path).await?;
        let (mut bytes, mut text) = (pin!(bytes), Vec::new());
        while let Some(piece) = bytes.next().await {
            text.extend_from_slice(&piece?);
            if text.len() as u64 >= SHOWN {
                break;
            }
        }
        text.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
        Ok(text)
    }

    /// Streams a file with its length in bytes, or a folder as a tar without a length.
    pub async fn download(
        self,
        path: &FilePath,
    ) -> Result<(Option<u64>, impl Stream<Item = Result<Bytes, EngineError>> + Send + use<>), EngineError> {
        let (path, stat) = self.followed(path).await?;
        let (length, bytes) = if stat.kind() == FileKind::File {
            let (length, bytes) = self.content(&path).await?;
            (Some(length), bytes.left_stream())
        } else {
            (None, self.tar(self.inside(&path)).await?.right_stream())
        };
        Ok((length, self.kept_until_the_end_of(bytes)))
    }

    /// Streams all files as a tar that [`Self::put`] accepts, with names relative to the root.
    pub async fn backup(self) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + use<>, EngineError> {
        let bytes = self.tar(format!("{}/.", self.root)).await?;
        Ok(self.kept_until_the_end_of(bytes))
    }

    /// Unpacks a tar, which may be compressed, into a folder.
    pub async fn put(&self, folder: &FilePath, tar: Context) -> Result<(), EngineError> {
        let Some(writer) = &self.writer else {
            return Err(EngineError::refused(403, message!("These files are read-only")));
        };
        let (folder, stat) = self.followed(folder).await?;
        if stat.kind() != FileKind::Folder {
            return Err(EngineError::refused(409, message!("{folder} isn't a folder", folder = folder.to_string())));
        }
        let place = format!("{}&noOverwriteDirNonDir=true", self.archive(&self.inside(&folder)));
        let put = writer.sender.put(&place, tar.into_body());
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
        format!("/containers/{}/archive?path={}", self.id, reference(path))
    }

    async fn followed(&self, path: &FilePath) -> Result<(FilePath, Stat), EngineError> {
        let stat = self.stat(path).await?;
        if stat.kind() != FileKind::Link {
            return Ok((path.clone(), stat));
        }
        let below = stat.link_target.strip_prefix(self.root).filter(|it| it.is_empty() || it.starts_with('/'));
        let target =
            below.and_then(|it| FilePath::new(if it.is_empty() { "/" } else { it }).ok()).ok_or_else(|| {
                EngineError::refused(409, message!("This link points outside, to {target}", target = stat.link_target))
            })?;
        let stat = self.stat(&target).await?;
        Ok((target, stat))
    }

    async fn stat(&self, path: &FilePath) -> Result<Stat, EngineError> {
        let place = self.archive(&self.inside(path));
        let head = self.engine.reader.head(&place, READ_TIMEOUT);
        match self.engine.calls.time(Call::FilesStat, head).await {
            Ok(headers) => Stat::of(&headers),
            // A response to HEAD has no body, and so no message.
            Err(error) if error.is_not_found() => {
                Err(EngineError::refused(404, message!("{path} doesn't exist", path = path.to_string())))
            }
            Err(error) => Err(error),
        }
    }

    async fn tar(
        &self,
        path: String,
    ) -> Result<impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + use<>, EngineError> {
        let body = self.engine.reader.body(Call::FilesGet, &self.archive(&path), READ_TIMEOUT).await?;
        Ok(body.into_data_stream().map_err(EngineError::from))
    }

    /// Streams the content of a file, with its length.
    async fn content(
        &self,
        path: &FilePath,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes, EngineError>> + Send + use<>), EngineError> {
        let tar = self.tar(self.inside(path)).await?;
        timeout(READ_TIMEOUT, file_in(tar)).await.map_err(|_| EngineError::Timeout)?
    }

    /// Returns the entries of a folder, and whether the list is complete.
    async fn entries(&self, path: &FilePath) -> Result<(Vec<FileEntry>, bool), EngineError> {
        let Some(Lister { engine, id, at }) = &self.lister else { return self.archived(path, READ_FOR).await };
        let (entries, is_whole) = self.archived(path, READ_FIRST_FOR).await?;
        if is_whole {
            return Ok((entries, true));
        }
        let inside = if path.is_root() && !at.is_empty() { at.clone() } else { format!("{at}{path}") };
        match timeout(FIND_TIMEOUT, engine.find_entries(id, &inside)).await {
            Ok(Ok(Some(entries))) => return Ok((entries, true)),
            Ok(Err(error)) => tracing::debug!(%error, "failed to list a folder inside the container"),
            Ok(Ok(None)) | Err(_) => {}
        }
        self.archived(path, READ_FOR).await
    }

    async fn archived(&self, path: &FilePath, time_limit: Duration) -> Result<(Vec<FileEntry>, bool), EngineError> {
        read_folder(self.tar(self.inside(path)).await?, time_limit).await
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Decodes a text. None if it is not one. A truncated text may end in the middle of a character.
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
    fn text_is_distinguished_from_binary() {
        assert_eq!(as_text("grün".into(), false).as_deref(), Some("grün"));
        assert_eq!(as_text(b"gr\xc3".to_vec(), true).as_deref(), Some("gr"));
        assert_eq!(as_text(b"gr\xc3".to_vec(), false), None);
        assert_eq!(as_text(b"\x7fELF\0".to_vec(), true), None);
    }
}
