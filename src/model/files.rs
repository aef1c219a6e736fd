//! Files in a container or a volume.

use super::{ContainerId, Message, Timestamp, VolumeName};
use crate::message;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

/// The owner of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FilesOf {
    Container(ContainerId),
    Volume(VolumeName),
}

/// An absolute path without `.`, `..` and empty parts. Engines resolve those differently, so they are resolved here
/// first. The engine follows links in the path, and they can't lead outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FilePath(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message::from(self.clone()))]
pub struct NoPath;

impl From<NoPath> for Message {
    fn from(_: NoPath) -> Self {
        message!("invalid path. Use an absolute path of up to 4,096 bytes with no null bytes")
    }
}

/// The limit of Linux.
const LONGEST: usize = 4096;

impl FilePath {
    pub fn new(text: &str) -> Result<Self, NoPath> {
        if !text.starts_with('/') || text.len() > LONGEST || text.contains('\0') {
            return Err(NoPath);
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        Ok(Self(format!("/{}", parts.join("/"))))
    }

    pub fn root() -> Self {
        Self("/".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// The last part. Empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The path of an entry in this folder. A name is one part: it contains no slash, and is not `..`.
    pub fn child(&self, name: &str) -> Result<Self, NoPath> {
        if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
            return Err(NoPath);
        }
        Self::new(&format!("{}/{name}", self.0))
    }

    /// The path's ancestors from the root on, followed by the path itself.
    pub fn way(&self) -> impl Iterator<Item = Self> {
        let ends = self.0.match_indices('/').map(|(at, _)| at).skip(1).chain([self.0.len()]);
        let rest = ends.filter(|_| !self.is_root()).map(|end| Self(self.0[..end].to_owned()));
        std::iter::once(Self::root()).chain(rest)
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    Folder,
    File,
    Link,
    /// A device, a socket or a pipe.
    Special,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Bytes that are not UTF-8 are replaced by U+FFFD. Such a file can be listed but not opened.
    pub name: String,
    pub kind: FileKind,
    /// Size in bytes, for files.
    pub size: u64,
    /// The permission bits, as in `chmod`.
    pub mode: u32,
    /// In whole seconds.
    pub modified: Timestamp,
    /// The target of a link, as stored in the link.
    pub target: Option<String>,
}

impl FileEntry {
    pub fn is_reachable(&self) -> bool {
        !self.name.contains('\u{fffd}')
    }

    /// As in `rwxr-x---`.
    pub fn permissions(&self) -> String {
        let letter = |bit: u32| match bit % 3 {
            2 => 'r',
            1 => 'w',
            _ => 'x',
        };
        (0..9).rev().map(|bit| if self.mode >> bit & 1 == 1 { letter(bit) } else { '-' }).collect()
    }
}

/// The contents of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// The folder's path, with links resolved.
    pub path: FilePath,
    /// Folders first, then sorted by name.
    pub entries: Vec<FileEntry>,
    /// Whether the list is complete. Folders of stopped containers are read only up to a time limit.
    pub is_whole: bool,
}

/// The target of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    Folder(Folder),
    File(FileText),
}

/// The first part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileText {
    /// The file's path, with links resolved.
    pub path: FilePath,
    /// Size of the whole file in bytes.
    pub size: u64,
    pub modified: Timestamp,
    /// `None` if it is not text.
    pub text: Option<String>,
    /// Whether the file is longer than this text.
    pub is_cut: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_normalized_and_never_leaves_the_root() {
        for (text, clean) in [
            ("/", "/"),
            ("//etc//", "/etc"),
            ("/etc/./passwd", "/etc/passwd"),
            ("/etc/../../../x", "/x"),
            ("/..", "/"),
            ("/a/...", "/a/..."),
            ("/a b/\"<é>\n", "/a b/\"<é>\n"),
        ] {
            assert_eq!(FilePath::new(text).map(|it| it.0), Ok(clean.to_owned()));
        }
        for text in ["", "etc", "../etc", "/a\0b", &format!("/{}", "a".repeat(LONGEST))] {
            assert_eq!(FilePath::new(text), Err(NoPath));
        }
    }

    #[test]
    fn child_name_is_a_single_path_segment() {
        let etc = FilePath::new("/etc").unwrap();
        assert_eq!(etc.child("-x ?#%2e").unwrap().as_str(), "/etc/-x ?#%2e");
        assert_eq!(FilePath::root().child("etc"), Ok(etc.clone()));
        for name in ["", ".", "..", "a/b", "../x", "a\0"] {
            assert_eq!(etc.child(name), Err(NoPath), "{name:?}");
        }
    }

    #[test]
    fn path_lists_its_ancestors_from_the_root() {
        let way = |text| FilePath::new(text).unwrap().way().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(way("/"), ["/"]);
        assert_eq!(way("/etc/ssl/certs"), ["/", "/etc", "/etc/ssl", "/etc/ssl/certs"]);
    }

    #[test]
    fn permissions_are_formatted_like_ls() {
        let entry = |mode| FileEntry {
            name: "a".into(),
            kind: FileKind::File,
            size: 0,
            mode,
            modified: Timestamp::from_seconds(0),
            target: None,
        };
        assert_eq!(entry(0o644).permissions(), "rw-r--r--");
        assert_eq!(entry(0o4751).permissions(), "rwxr-x--x");
    }
}
