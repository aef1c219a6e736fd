//! Metadata of a path, from a response header of the archive API.

use crate::{
    model::{FileKind, Timestamp},
    server::engine::{EngineError, read::or_default},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
};
use hyper::HeaderMap;
use serde::Deserialize;

/// The JSON in the header.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stat {
    #[serde(default)]
    pub size: u64,
    /// Go's file mode: the upper bits hold the kind.
    #[serde(default)]
    mode: u32,
    #[serde(default)]
    mtime: String,
    /// The final target of a link, relative to the container's root.
    #[serde(default, deserialize_with = "or_default")]
    pub link_target: String,
}

const STAT: &str = "X-Docker-Container-Path-Stat";

impl Stat {
    pub fn of(headers: &HeaderMap) -> Result<Self, EngineError> {
        let value = headers.get(STAT).map(|it| it.as_bytes()).unwrap_or_default();
        // Docker uses the standard alphabet, Podman 5 the URL-safe one.
        let json = BASE64_STANDARD.decode(value).or_else(|_| BASE64_URL_SAFE.decode(value));
        let json = json.map_err(|error| EngineError::Malformed(format!("{STAT}: {error}")))?;
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
    fn go_file_mode_determines_the_file_kind() {
        let kind = |mode| Stat { size: 0, mode, mtime: String::new(), link_target: String::new() }.kind();
        assert_eq!(kind(0o644), FileKind::File);
        assert_eq!(kind(0x8000_0000 | 0o755), FileKind::Folder);
        // With the sticky bit.
        assert_eq!(kind(0x8010_0000 | 0o777), FileKind::Folder);
        assert_eq!(kind(0x0800_0000 | 0o777), FileKind::Link);
        assert_eq!(kind(0x0400_0000), FileKind::Special);
    }

    #[test]
    fn both_base64_alphabets_are_decoded() {
        for encoded in ["eyJzaXplIjo1LCJsaW5rVGFyZ2V0Ijoi8J+kty8/In0=", "eyJzaXplIjo1LCJsaW5rVGFyZ2V0Ijoi8J-kty8_In0="]
        {
            let headers = HeaderMap::from_iter([(
                hyper::header::HeaderName::from_static("x-docker-container-path-stat"),
                encoded.parse().unwrap(),
            )]);
            let stat = Stat::of(&headers).unwrap();
            assert_eq!((stat.size, stat.link_target.as_str()), (5, "🤷/?"));
        }
    }
}
