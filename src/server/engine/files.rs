//! Files of containers and volumes, by the archive API: tars, one way and the other.
//!
//! That API lists no folder. In a container that runs, its own `find` does; else the folder's tar is read, of which only the
//! headers count.

use super::{
    Call, Context, Engine, EngineError, READ_PATIENCE,
    read::{or_default, percent_encode},
};
use crate::model::{
    ContainerAction, ContainerId, ContainerState, FileEntry, FileKind, FilePath, FileText, FilesOf, Folder, Found,
    HELPER, Timestamp, VolumeName,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bollard::{
    container::LogOutput,
    exec::StartExecResults,
    models::{ContainerCreateBody, ExecConfig, HostConfig, Mount, MountType},
    query_parameters as query,
};
use futures::{Stream, StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use hyper::{HeaderMap, body::Bytes};
use serde::Deserialize;
use std::{
    collections::HashMap,
    io::{self, Read},
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::io::{StreamReader, SyncIoBridge};

/// A folder's tar is read for so long: it has all that is in the folders below, too.
const READ_FOR: Duration = Duration::from_secs(15);

/// `find` is done long before.
const FIND_PATIENCE: Duration = Duration::from_secs(10);

/// What a folder is told to hold at most.
const MOST: usize = 10_000;

/// Bytes that `find` may say for it.
const LONGEST_LISTING: usize = 8 << 20;

/// Bytes of a text that are shown.
const SHOWN: u64 = 256 << 10;

const PIECE: usize = 64 << 10;

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

/// Names; sizes and the like in the same order; where the links among them lead.
const FIND: &str = r#"cd "$1" || exit; all='find . -mindepth 1 -maxdepth 1'
$all -print0 && printf '\000' && $all -exec stat -c '%f %s %Y' {} + && printf '\000' &&
$all -type l -exec sh -c 'for it; do readlink -n "$it"; printf "\000"; done' sh {} +"#;

impl Engine {
    /// None where the container has no `find` and `stat` that are like everybody's.
    async fn find_entries(&self, id: &ContainerId, path: &str) -> Result<Option<Vec<FileEntry>>, EngineError> {
        let docker = self.url.docker()?;
        let words = ["sh", "-c", FIND, "sh", path];
        let config = ExecConfig {
            attach_stdout: Some(true),
            cmd: Some(words.map(str::to_owned).to_vec()),
            user: Some("0".to_owned()),
            ..ExecConfig::default()
        };
        let create = async { Ok(docker.create_exec(id.as_str(), config).await?.id) };
        let exec = self.calls.time(Call::ExecCreate, create).await?;
        let start = async { Ok(docker.start_exec(&exec, None).await?) };
        let StartExecResults::Attached { mut output, .. } = self.calls.time(Call::ExecStart, start).await? else {
            return Ok(None);
        };
        let mut said = Vec::new();
        while let Some(piece) = output.next().await {
            if let LogOutput::StdOut { message } = piece? {
                said.extend_from_slice(&message);
            }
            if said.len() > LONGEST_LISTING {
                return Ok(None);
            }
        }
        let code = docker.inspect_exec(&exec).await?.exit_code;
        Ok(if code == Some(0) { found(&said) } else { None })
    }
}

/// What [`FIND`] has said; none where the folder has changed meanwhile.
fn found(said: &[u8]) -> Option<Vec<FileEntry>> {
    let mut parts = said.split(|byte| *byte == 0);
    let names: Vec<_> = parts.by_ref().take_while(|name| !name.is_empty()).collect();
    let facts = String::from_utf8_lossy(parts.next()?).into_owned();
    let mut targets = parts;
    let mut lines = facts.lines();
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        let mut words = lines.next()?.split(' ');
        let mode = u32::from_str_radix(words.next()?, 16).ok()?;
        let (size, modified) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let kind = match mode >> 12 {
            0o4 => FileKind::Folder,
            0o10 => FileKind::File,
            0o12 => FileKind::Link,
            _ => FileKind::Special,
        };
        let target = if kind == FileKind::Link { Some(lossy(targets.next()?)) } else { None };
        entries.push(FileEntry {
            name: lossy(name.strip_prefix(b"./")?),
            kind,
            size: if kind == FileKind::File { size } else { 0 },
            mode: mode & 0o7777,
            modified: Timestamp::from_seconds(modified),
            target,
        });
    }
    lines.next().is_none().then_some(entries)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// For a thread of its own.
fn in_step<S>(bytes: S) -> impl Read + Send
where
    S: Stream<Item = Result<Bytes, EngineError>> + Send + Unpin,
{
    SyncIoBridge::new(StreamReader::new(bytes.map_err(|error| io::Error::other(error.to_string()))))
}

/// Reads until then and no longer.
struct Until<R> {
    tar: R,
    until: Instant,
}

impl<R: Read> Read for Until<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.until { Err(io::ErrorKind::TimedOut.into()) } else { self.tar.read(buffer) }
    }
}

/// What is directly in the folder whose tar this is, and whether that was all.
fn read_folder(tar: impl Read) -> io::Result<(Vec<FileEntry>, bool)> {
    let mut archive = tar::Archive::new(tar);
    let mut entries = Vec::new();
    let mut folder = None;
    for entry in archive.entries()? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok((entries, false)),
            Err(error) => return Err(error),
        };
        let path = entry.path_bytes();
        let path = path.strip_suffix(b"/").unwrap_or(&path);
        // The folder itself comes first.
        let Some(folder) = &folder else {
            folder = Some(path.to_vec());
            continue;
        };
        let Some(name) = path.strip_prefix(&**folder) else { continue };
        let name = name.strip_prefix(b"/").unwrap_or(name);
        if name.is_empty() || name.contains(&b'/') {
            continue;
        }
        if entries.len() > MOST {
            return Ok((entries, false));
        }
        entries.push(entry_of(&entry, name));
    }
    Ok((entries, true))
}

fn entry_of<R: Read>(entry: &tar::Entry<'_, R>, name: &[u8]) -> FileEntry {
    use tar::EntryType;
    let header = entry.header();
    let kind = match header.entry_type() {
        EntryType::Directory => FileKind::Folder,
        // The second name of a file is a file.
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse | EntryType::Link => FileKind::File,
        EntryType::Symlink => FileKind::Link,
        _ => FileKind::Special,
    };
    let target = entry.link_name_bytes().filter(|_| kind == FileKind::Link);
    FileEntry {
        name: lossy(name),
        kind,
        size: if kind == FileKind::File { entry.size() } else { 0 },
        mode: header.mode().unwrap_or(0) & 0o7777,
        modified: Timestamp::from_seconds(header.mtime().ok().and_then(|it| i64::try_from(it).ok()).unwrap_or(0)),
        target: target.map(|it| lossy(&it)),
    }
}

/// The content of the one file in a tar, until nobody takes it any more.
fn unpack(tar: impl Read, length: oneshot::Sender<u64>, sender: &mpsc::Sender<Result<Bytes, io::Error>>) {
    let mut archive = tar::Archive::new(tar);
    let Ok(Some(Ok(mut file))) = archive.entries().map(|mut it| it.next()) else { return };
    if length.send(file.size()).is_err() {
        return;
    }
    let mut buffer = vec![0; PIECE];
    loop {
        let piece = match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
            Err(error) => Err(error),
        };
        let is_over = piece.is_err();
        if sender.blocking_send(piece).is_err() || is_over {
            return;
        }
    }
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

/// As a header of the engine's tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stat {
    #[serde(default)]
    size: u64,
    /// As Go has it: the kind is in the upper bits.
    #[serde(default)]
    mode: u32,
    #[serde(default)]
    mtime: String,
    /// Of a link: where it leads in the end, seen from the container's root.
    #[serde(default, deserialize_with = "or_default")]
    link_target: String,
}

const STAT: &str = "X-Docker-Container-Path-Stat";

impl Stat {
    fn of(headers: &HeaderMap) -> Result<Self, EngineError> {
        let value = headers.get(STAT).map(|it| it.as_bytes()).unwrap_or_default();
        let json = BASE64_STANDARD.decode(value).map_err(|error| EngineError::Malformed(format!("{STAT}: {error}")))?;
        serde_json::from_slice(&json).map_err(|error| EngineError::Malformed(format!("{STAT}: {error}")))
    }

    fn kind(&self) -> FileKind {
        // Go's ModeDir, ModeSymlink and ModeType.
        match self.mode & 0x8f28_0000 {
            0 => FileKind::File,
            0x8000_0000 => FileKind::Folder,
            0x0800_0000 => FileKind::Link,
            _ => FileKind::Special,
        }
    }

    fn modified(&self) -> Timestamp {
        Timestamp::parse(&self.mtime).unwrap_or(Timestamp::from_seconds(0))
    }
}

/// A tar with one file in it, whose content comes.
pub fn tar_of_file<E>(
    name: &str,
    length: u64,
    content: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> Context
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let mut header = tar::Header::new_gnu();
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(std::time::UNIX_EPOCH.elapsed().map_or(0, |it| it.as_secs()));
    // Names that a header is too short for get one of their own before it.
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, name, io::empty()).expect("memory takes it");
    let head = tar.get_ref().clone();
    let to_a_block = usize::try_from((512 - length % 512) % 512).unwrap_or(0);
    let end = Bytes::from(vec![0; to_a_block + 1024]);
    let whole = |bytes: Bytes| futures::stream::iter([Ok(bytes)]);
    Context::stream(whole(head.into()).chain(content).chain(whole(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_find_says_is_read_whatever_the_names_are() {
        let said = b"./a b\n\"c\0./etc\0./link\0./\xff\0\0\
            81a4 12 1700000000\n41ed 4096 1700000001\na1ff 3 1700000002\n8180 0 1700000003\n\0../x\ny\0";
        let entries = found(said).unwrap();
        let told: Vec<_> =
            entries.iter().map(|it| (&*it.name, it.kind, it.size, it.mode, it.target.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("a b\n\"c", FileKind::File, 12, 0o644, None),
                ("etc", FileKind::Folder, 0, 0o755, None),
                ("link", FileKind::Link, 0, 0o777, Some("../x\ny")),
                ("\u{fffd}", FileKind::File, 0, 0o600, None),
            ]
        );
        assert_eq!(found(b"\0\0"), Some(Vec::new()));
        // One came, or went, in between.
        assert_eq!(found(b"./a\0\0\0"), None);
        assert_eq!(found(b"./a\0\081a4 12 1\n81a4 12 1\n\0"), None);
    }

    #[test]
    fn a_folders_tar_tells_what_is_directly_in_it() {
        for root in ["etc", "./", "/"] {
            let mut tar = tar::Builder::new(Vec::new());
            let mut add = |name: &str, kind| {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(kind);
                header.set_size(0);
                header.set_mode(0o644);
                header.set_mtime(1);
                // As engines name them, which this crate would not.
                let name = format!("{}{name}", root.trim_end_matches('/'));
                header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                tar.append(&header, io::empty()).unwrap();
            };
            add("/", tar::EntryType::Directory);
            add("/ssl/", tar::EntryType::Directory);
            add("/ssl/deep", tar::EntryType::Regular);
            add("/passwd", tar::EntryType::Regular);
            let (entries, is_whole) = read_folder(&*tar.into_inner().unwrap()).unwrap();
            let names: Vec<_> = entries.iter().map(|it| (&*it.name, it.kind)).collect();
            assert_eq!(names, [("ssl", FileKind::Folder), ("passwd", FileKind::File)], "{root}");
            assert!(is_whole);
        }
    }

    #[test]
    fn what_takes_too_long_is_told_as_far_as_it_was_read() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        tar.append_data(&mut header, "etc", io::empty()).unwrap();
        let until = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        let read = read_folder(Until { tar: &*tar.into_inner().unwrap(), until });
        assert!(matches!(read, Ok((_, false))), "{read:?}");
    }

    #[test]
    fn text_is_told_from_what_is_none() {
        assert_eq!(as_text("grün".into(), false).as_deref(), Some("grün"));
        assert_eq!(as_text(b"gr\xc3".to_vec(), true).as_deref(), Some("gr"));
        assert_eq!(as_text(b"gr\xc3".to_vec(), false), None);
        assert_eq!(as_text(b"\x7fELF\0".to_vec(), true), None);
    }

    #[test]
    fn gos_modes_say_the_kind() {
        let kind = |mode| Stat { size: 0, mode, mtime: String::new(), link_target: String::new() }.kind();
        assert_eq!(kind(0o644), FileKind::File);
        assert_eq!(kind(0x8000_0000 | 0o755), FileKind::Folder);
        // With the sticky bit.
        assert_eq!(kind(0x8010_0000 | 0o777), FileKind::Folder);
        assert_eq!(kind(0x0800_0000 | 0o777), FileKind::Link);
        assert_eq!(kind(0x0400_0000), FileKind::Special);
    }
}
