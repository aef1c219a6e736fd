//! Folder listing through the `find` of a running container, run as its own user.

use super::lossy;
use crate::{
    model::{ContainerId, FileEntry, FileKind, Timestamp},
    server::engine::{Call, EngineError, WritableEngine},
};
use bollard::{container::LogOutput, exec::StartExecResults, models::ExecConfig};
use futures::StreamExt;

/// Maximum size of the output of `find`, in bytes.
const LONGEST_LISTING: usize = 8 << 20;

/// Shell script that prints the names, then mode, size and mtime in the same order, then the targets of the links.
const FIND: &str = r#"cd "$1" || exit; all='find . -mindepth 1 -maxdepth 1'
$all -print0 && printf '\000' && $all -exec stat -c '%f %s %Y' {} + && printf '\000' &&
$all -type l -exec sh -c 'for it; do readlink -n "$it"; printf "\000"; done' sh {} +"#;

impl WritableEngine {
    /// Lists a folder. None if the container has no `find` and `stat` with the usual options.
    pub(super) async fn find_entries(
        &self,
        id: &ContainerId,
        path: &str,
    ) -> Result<Option<Vec<FileEntry>>, EngineError> {
        let docker = self.docker()?;
        let create = async { Ok(docker.create_exec(id.as_str(), listing(path)).await?.id) };
        let exec = self.calls.act(Call::ExecCreate, create).await?;
        let start = async { Ok(docker.start_exec(&exec, None).await?) };
        let StartExecResults::Attached { mut output, .. } = self.calls.act(Call::ExecStart, start).await? else {
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

/// The exec runs as the container's own user, so a folder that this user can't read can't be listed through it either.
fn listing(path: &str) -> ExecConfig {
    let words = ["sh", "-c", FIND, "sh", path];
    ExecConfig { attach_stdout: Some(true), cmd: Some(words.map(str::to_owned).to_vec()), ..ExecConfig::default() }
}

/// Parses the output of [`FIND`]. None if the folder changed while it ran.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_runs_as_the_container_user_without_privileges() {
        let config = listing("/");
        assert_eq!((config.user, config.privileged), (None, None));
    }

    #[test]
    fn find_output_is_parsed_for_any_file_name() {
        let said = b"./a b\n\"c\0./etc\0./link\0./\xff\0\0\
            81a4 12 1700000000\n41ed 4096 1700000001\na1ff 3 1700000002\n8180 0 1700000003\n\0../x\ny\0";
        let entries = found(said).unwrap();
        let parsed: Vec<_> =
            entries.iter().map(|it| (&*it.name, it.kind, it.size, it.mode, it.target.as_deref())).collect();
        assert_eq!(
            parsed,
            [
                ("a b\n\"c", FileKind::File, 12, 0o644, None),
                ("etc", FileKind::Folder, 0, 0o755, None),
                ("link", FileKind::Link, 0, 0o777, Some("../x\ny")),
                ("\u{fffd}", FileKind::File, 0, 0o600, None),
            ]
        );
        assert_eq!(found(b"\0\0"), Some(Vec::new()));
        // A file was added or removed in between.
        assert_eq!(found(b"./a\0\0\0"), None);
        assert_eq!(found(b"./a\0\081a4 12 1\n81a4 12 1\n\0"), None);
    }
}
