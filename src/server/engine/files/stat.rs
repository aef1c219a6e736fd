//! What an engine tells of one path, without its content.

use crate::{
    model::{FileKind, Timestamp},
    server::engine::{EngineError, read::or_default},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::HeaderMap;
use serde::Deserialize;

/// As a header of the engine's tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stat {
    #[serde(default)]
    pub size: u64,
    /// As Go has it: the kind is in the upper bits.
    #[serde(default)]
    mode: u32,
    #[serde(default)]
    mtime: String,
    /// Of a link: where it leads in the end, seen from the container's root.
    #[serde(default, deserialize_with = "or_default")]
    pub link_target: String,
}

const STAT: &str = "X-Docker-Container-Path-Stat";

impl Stat {
    pub fn of(headers: &HeaderMap) -> Result<Self, EngineError> {
        let value = headers.get(STAT).map(|it| it.as_bytes()).unwrap_or_default();
        let json = BASE64_STANDARD.decode(value).map_err(|error| EngineError::Malformed(format!("{STAT}: {error}")))?;
        serde_json::from_slice(&json).map_err(|error| EngineError::Malformed(format!("{STAT}: {error}")))
    }

    pub fn kind(&self) -> FileKind {
        // Go's ModeDir, ModeSymlink and ModeType.
        match self.mode & 0x8f28_0000 {
            0 => FileKind::File,
            0x8000_0000 => FileKind::Folder,
            0x0800_0000 => FileKind::Link,
            _ => FileKind::Special,
        }
    }

    pub fn modified(&self) -> Timestamp {
        Timestamp::parse(&self.mtime).unwrap_or(Timestamp::from_seconds(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
