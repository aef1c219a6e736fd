//! Reader and writer of tars, as the archive API sends and receives them.

use super::{MOST, lossy};
use crate::{
    message,
    model::{FileEntry, FileKind, Timestamp},
    server::engine::{Context, EngineError},
};
use futures::{Stream, StreamExt};
use hyper::body::Bytes;
use std::{io, time::Duration};
use tokio::time::timeout;

/// Maximum size of a header that extends the next one, in bytes: a long name, or extended attributes of 64 KiB each. Longer
/// ones are refused.
const LONGEST_EXTENSION: u64 = 1 << 20;

const BLOCK: usize = 512;

/// Streaming tar reader: it returns one entry after the other while the bytes arrive.
///
/// The `tar` crate has blocking reads only: each tar would block a thread for as long as its consumer takes.
/// `astral-tokio-tar` was considered, but most of it unpacks into file systems, which never happens here, it reads
/// extensions of any length into memory, and it adds five crates. Headers and PAX records are still parsed by `tar`.
pub(super) struct Tar<S> {
    bytes: S,
    /// Bytes that have arrived and are not read yet.
    rest: Bytes,
    /// Unread bytes of the entry's content, and then of the padding of its last block.
    unread: u64,
    padding: u64,
}

/// The header of one entry, with its extensions applied.
pub(super) struct Entry {
    pub path: Vec<u8>,
    pub link: Option<Vec<u8>>,
    pub size: u64,
    header: tar::Header,
}

/// Fields from the extension headers before an entry's own header.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<S> Tar<S>
where
    S: Stream<Item = Result<Bytes, EngineError>> + Send + Unpin,
{
    pub fn new(bytes: S) -> Self {
        Self { bytes, rest: Bytes::new(), unread: 0, padding: 0 }
    }

    /// Returns the next entry, or none at the end. Skips the rest of the previous one.
    pub async fn next(&mut self) -> Result<Option<Entry>, EngineError> {
        let mut extension = Extension::default();
        loop {
            let Some(header) = self.header().await? else { return Ok(None) };
            let size = header.entry_size().map_err(malformed)?;
            self.contains(size);
            match header.entry_type() {
                tar::EntryType::GNULongName => extension.path = Some(self.text().await?),
                tar::EntryType::GNULongLink => extension.link = Some(self.text().await?),
                tar::EntryType::XHeader => self.pax(&mut extension).await?,
                tar::EntryType::XGlobalHeader => {}
                _ => {
                    let size = extension.size.unwrap_or(size);
                    self.contains(size);
                    let path = extension.path.unwrap_or_else(|| header.path_bytes().into_owned());
                    let link = extension.link.or_else(|| header.link_name_bytes().map(|it| it.into_owned()));
                    return Ok(Some(Entry { path, link, size, header }));
                }
            }
        }
    }

    /// Returns the next piece of the entry's content, or none at its end.
    pub async fn content(&mut self) -> Result<Option<Bytes>, EngineError> {
        if self.unread == 0 {
            return Ok(None);
        }
        let piece = self.piece(self.unread).await?;
        self.unread -= piece.len() as u64;
        Ok(Some(piece))
    }

    fn contains(&mut self, size: u64) {
        self.unread = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// Returns the next header. None at the zero blocks at the end, or if the bytes end without them.
    async fn header(&mut self) -> Result<Option<tar::Header>, EngineError> {
        while self.content().await?.is_some() {}
        while self.padding > 0 {
            self.padding -= self.piece(self.padding).await?.len() as u64;
        }
        if !self.arrives().await? {
            return Ok(None);
        }
        let mut header = tar::Header::new_old();
        let mut filled = 0;
        while filled < BLOCK {
            let piece = self.piece((BLOCK - filled) as u64).await?;
            header.as_mut_bytes()[filled..filled + piece.len()].copy_from_slice(&piece);
            filled += piece.len();
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if header.cksum().ok() != Some(checksum(header.as_bytes())) {
            return Err(malformed("a tar header has an invalid checksum"));
        }
        Ok(Some(header))
    }

    /// Reads the whole content of an extension.
    async fn extension(&mut self) -> Result<Vec<u8>, EngineError> {
        if self.unread > LONGEST_EXTENSION {
            return Err(malformed("a tar header is too long"));
        }
        let mut all = Vec::new();
        while let Some(piece) = self.content().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    /// Reads an extension's content up to its terminating zero.
    async fn text(&mut self) -> Result<Vec<u8>, EngineError> {
        let mut text = self.extension().await?;
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        text.truncate(end);
        Ok(text)
    }

    async fn pax(&mut self, extension: &mut Extension) -> Result<(), EngineError> {
        let records = self.extension().await?;
        for record in tar::PaxExtensions::new(&records) {
            let record = record.map_err(malformed)?;
            let value = || record.value_bytes().to_vec();
            match record.key_bytes() {
                b"path" => extension.path = Some(value()),
                b"linkpath" => extension.link = Some(value()),
                b"size" => extension.size = record.value().ok().and_then(|size| size.parse().ok()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until there is a byte to read. Returns false at the end.
    async fn arrives(&mut self) -> Result<bool, EngineError> {
        while self.rest.is_empty() {
            match self.bytes.next().await {
                Some(bytes) => self.rest = bytes?,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Returns at least one byte and at most `most`.
    async fn piece(&mut self, most: u64) -> Result<Bytes, EngineError> {
        if !self.arrives().await? {
            return Err(EngineError::Broken(message!("the archive ended unexpectedly")));
        }
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(self.rest.split_to(length))
    }
}

fn malformed(error: impl ToString) -> EngineError {
    EngineError::Malformed(error.to_string())
}

/// The sum of all bytes, with the checksum field itself counted as spaces.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    const SUM: std::ops::Range<usize> = 148..156;
    let byte = |(at, byte): (usize, &u8)| u32::from(if SUM.contains(&at) { b' ' } else { *byte });
    header.iter().enumerate().map(byte).sum()
}

/// Reads the direct entries of a folder from its tar, as far as they arrive before the timeout, and whether they are all.
pub(super) async fn read_folder<S>(bytes: S, time_limit: Duration) -> Result<(Vec<FileEntry>, bool), EngineError>
where
    S: Stream<Item = Result<Bytes, EngineError>> + Send + Unpin,
{
    let (mut tar, mut entries) = (Tar::new(bytes), Vec::new());
    let mut folder: Option<Vec<u8>> = None;
    let read = async {
        while let Some(entry) = tar.next().await? {
            let path = entry.path.strip_suffix(b"/").unwrap_or(&entry.path);
            // The first entry is the folder itself.
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
                return Ok(false);
            }
            entries.push(entry_of(&entry, name));
        }
        Ok(true)
    };
    let read = timeout(time_limit, read).await;
    match read {
        Ok(is_whole) => is_whole.map(|is_whole| (entries, is_whole)),
        Err(_) if folder.is_none() => Err(EngineError::Timeout),
        Err(_) => Ok((entries, false)),
    }
}

fn entry_of(entry: &Entry, name: &[u8]) -> FileEntry {
    use tar::EntryType;
    let header = &entry.header;
    let kind = match header.entry_type() {
        EntryType::Directory => FileKind::Folder,
        // A hard link is a file.
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse | EntryType::Link => FileKind::File,
        EntryType::Symlink => FileKind::Link,
        _ => FileKind::Special,
    };
    let target = entry.link.as_deref().filter(|_| kind == FileKind::Link);
    FileEntry {
        name: lossy(name),
        kind,
        size: if kind == FileKind::File { entry.size } else { 0 },
        mode: header.mode().unwrap_or(0) & 0o7777,
        modified: Timestamp::from_seconds(header.mtime().ok().and_then(|it| i64::try_from(it).ok()).unwrap_or(0)),
        target: target.map(lossy),
    }
}

/// Streams the content of the only file in a tar, with its length.
pub(super) async fn file_in<S>(
    bytes: S,
) -> Result<(u64, impl Stream<Item = Result<Bytes, EngineError>> + Send + use<S>), EngineError>
where
    S: Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + 'static,
{
    let mut tar = Tar::new(bytes);
    let Some(entry) = tar.next().await? else { return Err(malformed("the archive contained no file")) };
    let content = futures::stream::unfold(Some(tar), async |tar| {
        let mut tar = tar?;
        match tar.content().await {
            Ok(piece) => Some((Ok(piece?), Some(tar))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok((entry.size, content))
}

/// Creates a tar that contains one file with streamed content.
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
    // A name that is too long for the header gets an extension header before it.
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, name, io::empty()).expect("writing to memory can't fail");
    let head = tar.get_ref().clone();
    let to_a_block = usize::try_from((512 - length % 512) % 512).unwrap_or(0);
    let end = Bytes::from(vec![0; to_a_block + 1024]);
    let whole = |bytes: Bytes| futures::stream::iter([Ok(bytes)]);
    Context::stream(whole(head.into()).chain(exactly(length, content)).chain(whole(end)))
}

/// Fails if the content is shorter or longer than the length in the header before it: an engine would read the zeros at the
/// tar's end as content, or content as a header.
fn exactly<E>(
    length: u64,
    content: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let start = Some((Box::pin(content), length));
    futures::stream::unfold(start, async move |state| {
        let (mut content, missing) = state?;
        let wrong = |words: &str| Some((Err(io::Error::other(words.to_owned())), None));
        match content.next().await {
            Some(Ok(piece)) => match missing.checked_sub(piece.len() as u64) {
                Some(missing) => Some((Ok(piece), Some((content, missing)))),
                None => wrong("the file is larger than its declared size"),
            },
            Some(Err(error)) => Some((Err(io::Error::other(error)), None)),
            None if missing > 0 => wrong("the file is smaller than its declared size"),
            None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{TryStreamExt, stream};

    /// The tar in pieces of `piece` bytes, as an engine may send it.
    fn arriving(tar: &[u8], piece: usize) -> impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + 'static {
        stream::iter(tar.chunks(piece).map(|it| Ok(Bytes::copy_from_slice(it))).collect::<Vec<_>>())
    }

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn folder_tar_lists_only_direct_children() {
        for root in ["etc", "./", "/"] {
            let mut tar = tar::Builder::new(Vec::new());
            let mut add = |name: &str, kind| {
                let mut header = tar::Header::new_gnu();
                header.set_entry_type(kind);
                header.set_size(0);
                header.set_mode(0o644);
                header.set_mtime(1);
                // The names that engines write, which the `tar` crate would not accept.
                let name = format!("{}{name}", root.trim_end_matches('/'));
                header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                tar.append(&header, io::empty()).unwrap();
            };
            add("/", tar::EntryType::Directory);
            add("/ssl/", tar::EntryType::Directory);
            add("/ssl/deep", tar::EntryType::Regular);
            add("/passwd", tar::EntryType::Regular);
            let tar = tar.into_inner().unwrap();
            let (entries, is_whole) = read_folder(arriving(&tar, 4096), TIMEOUT).await.unwrap();
            let names: Vec<_> = entries.iter().map(|it| (&*it.name, it.kind)).collect();
            assert_eq!(names, [("ssl", FileKind::Folder), ("passwd", FileKind::File)], "{root}");
            assert!(is_whole);
        }
    }

    #[tokio::test]
    async fn long_names_links_and_sizes_are_read_from_chunks_of_any_size() {
        let (long, content) = ("n".repeat(300), vec![7; 1_500]);
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_entry_type(tar::EntryType::Directory);
        tar.append_data(&mut header.clone(), "etc", io::empty()).unwrap();
        header.set_entry_type(tar::EntryType::Symlink);
        tar.append_link(&mut header.clone(), format!("etc/{long}"), &long).unwrap();
        // The PAX records Go writes for a long or non-ASCII name, and for a size that does not fit into the header.
        tar.append_pax_extensions([("path", "etc/grün".as_bytes()), ("size", b"1500")]).unwrap();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(1_500);
        header.set_path("etc/gr").unwrap();
        header.set_cksum();
        tar.append(&header, &*content).unwrap();
        tar.append_data(&mut header.clone(), "etc/last", &*content).unwrap();
        let tar = tar.into_inner().unwrap();
        for piece in [1, 100, 512, 513, 1 << 20] {
            let (entries, is_whole) = read_folder(arriving(&tar, piece), TIMEOUT).await.unwrap();
            let listed: Vec<_> = entries.iter().map(|it| (&*it.name, it.kind, it.size, it.target.as_deref())).collect();
            let expected = [
                (&*long, FileKind::Link, 0, Some(&*long)),
                ("grün", FileKind::File, 1_500, None),
                ("last", FileKind::File, 1_500, None),
            ];
            assert_eq!((listed, is_whole), (expected.to_vec(), true), "{piece}");
        }
    }

    #[tokio::test]
    async fn truncated_or_malformed_file_tar_is_an_error() {
        let mut tar = tar::Builder::new(Vec::new());
        let (mut header, content) = (tar::Header::new_gnu(), vec![7; 1_500]);
        header.set_size(1_500);
        tar.append_data(&mut header, "file", &*content).unwrap();
        let tar = tar.into_inner().unwrap();
        let (length, read) = file_in(arriving(&tar, 700)).await.unwrap();
        assert_eq!((length, read.try_collect::<Vec<_>>().await.unwrap().concat()), (1_500, content));
        let (_, read) = file_in(arriving(&tar[..1_000], 700)).await.unwrap();
        assert!(read.try_collect::<Vec<_>>().await.is_err(), "the tar is truncated");
        assert!(file_in(arriving(&tar[..100], 700)).await.is_err());
        assert!(file_in(arriving(&[1; 512], 700)).await.is_err(), "the checksum is invalid");
        let nothing: [u8; 0] = [];
        assert!(file_in(arriving(&nothing, 700)).await.is_err());
    }

    #[tokio::test]
    async fn oversized_extension_header_is_rejected_before_it_is_read() {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let endless = stream::iter([Ok(Bytes::copy_from_slice(header.as_bytes()))]).chain(stream::pending());
        let read = timeout(TIMEOUT, read_folder(endless.boxed(), TIMEOUT)).await.unwrap();
        assert!(matches!(read, Err(EngineError::Malformed(_))), "{read:?}");
    }

    #[tokio::test]
    async fn upload_that_differs_from_its_header_length_is_an_error() {
        for (texts, length, is_right) in
            [(&["abc", "de"][..], 5, true), (&["abc"], 5, false), (&["abc", "def"], 5, false), (&[], 0, true)]
        {
            let content = texts.iter().map(|text| Ok::<_, io::Error>(Bytes::from_static(text.as_bytes())));
            let content = stream::iter(content.collect::<Vec<_>>());
            let tar = http_body_util::BodyExt::collect(tar_of_file("file", length, content).into_body()).await;
            assert_eq!(tar.is_ok(), is_right, "{texts:?} as {length}");
            if let Ok(tar) = tar {
                assert_eq!(tar.to_bytes().len() % 512, 0);
            }
        }
    }

    #[tokio::test]
    async fn slow_folder_is_listed_partially_after_a_timeout() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        tar.append_data(&mut header, "etc", io::empty()).unwrap();
        tar.append_data(&mut header, "etc/first", io::empty()).unwrap();
        let begun = Bytes::copy_from_slice(&tar.get_ref()[..1_024]);
        let hangs = stream::iter([Ok(begun)]).chain(stream::pending()).boxed();
        let (entries, is_whole) = read_folder(hangs, Duration::from_millis(50)).await.unwrap();
        assert_eq!((entries.len(), is_whole), (1, false));
        let silent = stream::pending::<Result<Bytes, EngineError>>();
        let read = read_folder(silent, Duration::from_millis(50)).await;
        assert!(matches!(read, Err(EngineError::Timeout)), "{read:?}");
    }
}
