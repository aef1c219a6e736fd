//! Upload spool: a temporary file that holds an uploaded file before it is written to a container or volume.
//!
//! The engine's archive API has no rename, and it extracts a tar while receiving it: at a file's header it removes the old file
//! of that name. An interrupted upload that was streamed through would lose the old file. So the
//! engine receives nothing before the whole file is stored, with the expected length.

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
const READ_BUFFER: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub enum SpoolError {
    Interrupted(io::Error),
    Length { expected: u64, received: u64 },
    Storage(#[from] io::Error),
}

impl SpoolError {
    pub fn message(&self) -> Message {
        match self {
            Self::Interrupted(_) => message!("Upload interrupted"),
            Self::Length { expected, received } => {
                message!("Upload incomplete: expected {expected} bytes, received {received}", expected, received)
            }
            Self::Storage(error) => message!("Couldn't store the upload: {error}", error),
        }
    }
}

/// A complete upload. Its file is anonymous, and removed when this is dropped.
#[derive(Debug)]
pub struct Spool {
    file: File,
    length: u64,
}

impl Spool {
    /// Returns when all of `body` is stored. `expected` is its `Content-Length`, if the client has sent one: then space is reserved
    /// first, so that an upload that doesn't fit fails before its body is read.
    pub async fn receive(
        dir: Option<&Path>,
        expected: Option<u64>,
        body: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Self, SpoolError> {
        Self::store(open(dir.map(Path::to_owned), expected).await?, expected, body).await
    }

    async fn store(
        mut file: File,
        expected: Option<u64>,
        body: impl Stream<Item = io::Result<Bytes>>,
    ) -> Result<Self, SpoolError> {
        let mut body = pin!(body);
        let mut received = 0;
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(SpoolError::Interrupted)?;
            received += bytes.len() as u64;
            if let Some(expected) = expected.filter(|expected| received > *expected) {
                return Err(SpoolError::Length { expected, received });
            }
            file.write_all(&bytes).await?;
        }
        if let Some(expected) = expected.filter(|expected| received != *expected) {
            return Err(SpoolError::Length { expected, received });
        }
        // `write_all` returns before the write: the error of the last one is returned by `flush`. No fsync: the reads below
        // come from the same page cache, and nothing has to survive a power cut.
        file.flush().await?;
        let stored = file.metadata().await?.len();
        if stored < received {
            let text = format!("only {stored} of {received} bytes were written");
            return Err(SpoolError::Storage(io::Error::new(io::ErrorKind::UnexpectedEof, text)));
        }
        file.rewind().await?;
        Ok(Self { file, length: received })
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        ReaderStream::with_capacity(self.file.take(self.length), READ_BUFFER)
    }
}

/// Opens a file in `dir`, or in the system's temporary folder if that fails, and reserves `expected` bytes for it.
async fn open(dir: Option<PathBuf>, expected: Option<u64>) -> io::Result<File> {
    let opened = spawn_blocking(move || {
        let file = match dir {
            Some(dir) => tempfile::tempfile_in(dir).or_else(|_| tempfile::tempfile()),
            None => tempfile::tempfile(),
        }?;
        if let Some(length) = expected.filter(|length| *length > 0) {
            reserve(&file, length)?;
        }
        Ok(file)
    });
    opened.await.map_err(io::Error::other)?.map(File::from_std)
}

/// Does nothing on file systems that can't reserve space: there a full disk shows as a failed write.
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
        for expected in [None, Some(11)] {
            let spool = Spool::receive(None, expected, pieces(&["hello ", "", "world"])).await.unwrap();
            assert_eq!(spool.length(), 11);
            let bytes: Vec<Bytes> = spool.into_stream().try_collect().await.unwrap();
            assert_eq!(bytes.concat(), b"hello world");
        }
    }

    #[tokio::test]
    async fn upload_that_differs_from_its_expected_length_fails() {
        for (texts, expected) in [(&["hello"][..], 6), (&["hello", "!"], 5), (&[], 1), (&["x"], 0)] {
            let received = Spool::receive(None, Some(expected), pieces(texts)).await;
            assert!(matches!(received, Err(SpoolError::Length { .. })), "{texts:?} of {expected}: {received:?}");
        }
    }

    #[tokio::test]
    async fn interrupted_upload_fails() {
        let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(io::Error::other("interrupted"))]);
        assert!(matches!(Spool::receive(None, None, broken).await, Err(SpoolError::Interrupted(_))));
    }

    /// The only write is also the last: `write_all` has returned by the time it fails.
    #[tokio::test]
    async fn error_of_the_last_write_is_reported() {
        let full = std::fs::OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let stored = Spool::store(File::from_std(full), None, pieces(&["x"])).await;
        assert!(
            matches!(&stored, Err(SpoolError::Storage(error)) if error.kind() == io::ErrorKind::StorageFull),
            "{stored:?}"
        );
    }
}
