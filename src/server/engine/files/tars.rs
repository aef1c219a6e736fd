//! Tars as an engine gives and takes them: the headers of a folder's, the content of a file's, and one with a file in it.

use super::{MOST, lossy};
use crate::{
    model::{FileEntry, FileKind, Timestamp},
    server::engine::{Context, EngineError},
};
use futures::{Stream, StreamExt, TryStreamExt};
use hyper::body::Bytes;
use std::{
    io::{self, Read},
    time::Instant,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::io::{StreamReader, SyncIoBridge};

const PIECE: usize = 64 << 10;

/// For a thread of its own.
pub(super) fn in_step<S>(bytes: S) -> impl Read + Send
where
    S: Stream<Item = Result<Bytes, EngineError>> + Send + Unpin,
{
    SyncIoBridge::new(StreamReader::new(bytes.map_err(|error| io::Error::other(error.to_string()))))
}

/// Reads until then and no longer.
pub(super) struct Until<R> {
    pub tar: R,
    pub until: Instant,
}

impl<R: Read> Read for Until<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() > self.until { Err(io::ErrorKind::TimedOut.into()) } else { self.tar.read(buffer) }
    }
}

/// What is directly in the folder whose tar this is, and whether that was all.
pub(super) fn read_folder(tar: impl Read) -> io::Result<(Vec<FileEntry>, bool)> {
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
pub(super) fn unpack(tar: impl Read, length: oneshot::Sender<u64>, sender: &mpsc::Sender<Result<Bytes, io::Error>>) {
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
    use std::time::Duration;

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
}
