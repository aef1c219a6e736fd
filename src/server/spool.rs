//! Upload spool: a temporary file in the data dir that holds an upload until all of it has arrived.
//!
//! The engine's archive API has no rename, and it extracts a tar while receiving it: at a file's header it removes the old file
//! of that name. If an upload were streamed straight through and broke off, it would have destroyed the file it was to replace.
//! So nothing is sent to the engine before the whole file is here, with the announced length.

use crate::{message, model::Message};
use axum::body::Bytes;
use futures::{Stream, StreamExt};
use std::{
    io,
    path::{Path, PathBuf},
    pin::pin,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
    task::spawn_blocking,
};
use tokio_util::io::ReaderStream;

/// Read size, in bytes.
const PIECE: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub enum SpoolError {
    Upload(io::Error),
    Length { announced: u64, arrived: u64 },
    Disk(#[from] io::Error),
}

impl SpoolError {
    pub fn message(&self) -> Message {
        match self {
            Self::Upload(_) => message!("Upload interrupted"),
            Self::Length { announced, arrived } => {
                message!("Upload incomplete: expected {announced} bytes, received {arrived}", announced, arrived)
            }
            Self::Disk(error) => message!("Couldn't store the upload: {error}", error),
        }
    }
}

/// A complete upload. Its file has no name and is removed when this is dropped.
#[derive(Debug)]
pub struct Spool {
    file: File,
    length: u64,
}

impl Spool {
    /// Returns when all of `pieces` is stored. `announced` is the length in bytes, if the client has sent it: then space is
    /// reserved first, so that an upload that does not fit fails before it is sent.
    pub async fn fill(
        dir: Option<&Path>,
        announced: Option<u64>,
        pieces: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Self, SpoolError> {
        Self::store(open(dir.map(Path::to_owned), announced).await?, announced, pieces).await
    }

    async fn store(
        mut file: File,
        announced: Option<u64>,
        pieces: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Self, SpoolError> {
        let mut pieces = pin!(pieces);
        let mut arrived = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(SpoolError::Upload)?;
            arrived += piece.len() as u64;
            if let Some(announced) = announced.filter(|announced| arrived > *announced) {
                return Err(SpoolError::Length { announced, arrived });
            }
            file.write_all(&piece).await?;
        }
        if let Some(announced) = announced.filter(|announced| arrived != *announced) {
            return Err(SpoolError::Length { announced, arrived });
        }
        // `write_all` returns before the write: the error of the last one is returned by `flush`. No fsync: the reads below
        // come from the same page cache, and nothing has to survive a power cut.
        file.flush().await?;
        let stored = file.metadata().await?.len();
        if stored < arrived {
            let words = format!("only {stored} of {arrived} bytes were written");
            return Err(SpoolError::Disk(io::Error::new(io::ErrorKind::UnexpectedEof, words)));
        }
        file.rewind().await?;
        Ok(Self { file, length: arrived })
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        ReaderStream::with_capacity(self.file.take(self.length), PIECE)
    }
}

/// Opens a file in `dir`, or in the system's temporary folder if that fails.
async fn open(dir: Option<PathBuf>, announced: Option<u64>) -> io::Result<File> {
    let opened = spawn_blocking(move || {
        let file = match dir {
            Some(dir) => tempfile::tempfile_in(dir).or_else(|_| tempfile::tempfile()),
            None => tempfile::tempfile(),
        }?;
        if let Some(length) = announced.filter(|length| *length > 0) {
            reserve(&file, length)?;
        }
        Ok(file)
    });
    opened.await.map_err(io::Error::other)?.map(File::from_std)
}

/// File systems that can't reserve space fail at once. On those the writes show whether the upload fits.
fn reserve(file: &std::fs::File, length: u64) -> io::Result<()> {
    match fs4::fs_std::FileExt::allocate(file, length) {
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => Ok(()),
        reserved => reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{TryStreamExt, stream};

    fn pieces(texts: &[&'static str]) -> impl Stream<Item = io::Result<Bytes>> + use<> {
        stream::iter(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect::<Vec<_>>())
    }

    #[tokio::test]
    async fn upload_is_read_back_unchanged() {
        for announced in [None, Some(11)] {
            let spool = Spool::fill(None, announced, pieces(&["hello ", "", "world"])).await.unwrap();
            assert_eq!(spool.length(), 11);
            let bytes: Vec<Bytes> = spool.into_stream().try_collect().await.unwrap();
            assert_eq!(bytes.concat(), b"hello world");
        }
    }

    #[tokio::test]
    async fn upload_that_differs_from_its_announced_length_fails() {
        for (texts, announced) in [(&["hello"][..], 6), (&["hello", "!"], 5), (&[], 1), (&["x"], 0)] {
            let filled = Spool::fill(None, Some(announced), pieces(texts)).await;
            assert!(matches!(filled, Err(SpoolError::Length { .. })), "{texts:?} of {announced}: {filled:?}");
        }
    }

    #[tokio::test]
    async fn interrupted_upload_fails() {
        let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(io::Error::other("interrupted"))]);
        assert!(matches!(Spool::fill(None, None, broken).await, Err(SpoolError::Upload(_))));
    }

    /// The only write is also the last: `write_all` has returned by the time it fails.
    #[tokio::test]
    async fn error_of_the_last_write_is_reported() {
        let full = std::fs::OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let stored = Spool::store(File::from_std(full), None, pieces(&["x"])).await;
        assert!(
            matches!(&stored, Err(SpoolError::Disk(error)) if error.kind() == io::ErrorKind::StorageFull),
            "{stored:?}"
        );
    }
}
