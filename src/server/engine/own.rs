//! Ledger of the containers that this server has created for itself: probes of self-tests, and helpers that give access to
//! volumes.
//!
//! Any user can set a label, so a label never decides what is removed: an id in this ledger does. The ids are also stored in a
//! file in the data folder, so that the next server removes the containers a killed one has left.

use crate::model::{ContainerId, HostId};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const FILE: &str = "own-containers.json";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnKind {
    Probe,
    Helper,
}

impl OwnKind {
    /// Time after which a container counts as leaked. No self-test and no backup takes longer.
    fn longest_use(self) -> Duration {
        match self {
            Self::Probe => Duration::from_secs(300),
            Self::Helper => Duration::from_secs(86_400),
        }
    }
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct OwnContainers(Arc<Ledger>);

#[derive(Default)]
struct Ledger {
    /// None if there is no data folder, or if its file could not be read: an unreadable file is not overwritten.
    file: Option<PathBuf>,
    entries: Mutex<Entries>,
}

type Entries = BTreeMap<(HostId, ContainerId), Entry>;

struct Entry {
    kind: OwnKind,
    /// Creation time by the monotonic clock, which does not jump. None if the container is no longer in use: an earlier
    /// server created it, or its removal failed.
    made: Option<Instant>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    host: HostId,
    container: ContainerId,
    kind: OwnKind,
}

impl OwnContainers {
    pub fn open(folder: Option<&Path>) -> Self {
        let Some(file) = folder.map(|it| it.join(FILE)) else { return Self::default() };
        let (file, entries) = match read(&file) {
            Ok(entries) => (Some(file), entries),
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "cannot read the list of Quaylight's own containers");
                (None, Entries::new())
            }
        };
        Self(Arc::new(Ledger { file, entries: Mutex::new(entries) }))
    }

    pub(super) fn add(&self, host: &HostId, id: &ContainerId, kind: OwnKind) {
        let mut entries = self.entries();
        entries.insert((host.clone(), id.clone()), Entry { kind, made: Some(Instant::now()) });
        self.keep(&entries);
    }

    pub(super) fn forget(&self, host: &HostId, id: &ContainerId) {
        let mut entries = self.entries();
        if entries.remove(&(host.clone(), id.clone())).is_some() {
            self.keep(&entries);
        }
    }

    /// Marks a container that is no longer in use but still exists.
    pub(super) fn abandon(&self, host: &HostId, id: &ContainerId) {
        if let Some(entry) = self.entries().get_mut(&(host.clone(), id.clone())) {
            entry.made = None;
        }
    }

    /// None for a container that is not in the ledger.
    pub fn kind(&self, host: &HostId, id: &ContainerId) -> Option<OwnKind> {
        self.entries().get(&(host.clone(), id.clone())).map(|entry| entry.kind)
    }

    /// Containers of a host that are no longer in use.
    pub fn leftovers(&self, host: &HostId) -> Vec<ContainerId> {
        let is_left = |entry: &Entry| entry.made.is_none_or(|made| made.elapsed() > entry.kind.longest_use());
        let entries = self.entries();
        let left = entries.iter().filter(|((its_host, _), entry)| its_host == host && is_left(entry));
        left.map(|((_, id), _)| id.clone()).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, entries: &Entries) {
        let Some(file) = &self.0.file else { return };
        if let Err(error) = write(file, entries) {
            tracing::warn!(%error, file = %file.display(), "failed to save the list of Quaylight's own containers");
        }
    }
}

fn read(file: &Path) -> io::Result<Entries> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::new()),
        Err(error) => return Err(error),
    };
    let lines: Vec<Line> = serde_json::from_slice(&text)?;
    Ok(lines.into_iter().map(|it| ((it.host, it.container), Entry { kind: it.kind, made: None })).collect())
}

/// Writes atomically: a server that is killed meanwhile leaves either the old file or the new one.
fn write(file: &Path, entries: &Entries) -> io::Result<()> {
    let line = |((host, container), entry): (&(HostId, ContainerId), &Entry)| Line {
        host: host.clone(),
        container: container.clone(),
        kind: entry.kind,
    };
    let lines: Vec<Line> = entries.iter().map(line).collect();
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(&serde_json::to_vec(&lines)?)?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> ContainerId {
        ContainerId::new(&digit.to_string().repeat(64)).unwrap()
    }

    #[test]
    fn leftovers_exclude_containers_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let host = HostId::new("local").unwrap();
        let before = OwnContainers::open(Some(folder.path()));
        before.add(&host, &id('a'), OwnKind::Helper);
        before.add(&host, &id('b'), OwnKind::Probe);
        before.forget(&host, &id('b'));
        assert!(before.leftovers(&host).is_empty(), "in use");
        let after = OwnContainers::open(Some(folder.path()));
        after.add(&host, &id('c'), OwnKind::Probe);
        assert_eq!(after.leftovers(&host), [id('a')]);
        assert!(after.leftovers(&HostId::new("other").unwrap()).is_empty());
        after.abandon(&host, &id('c'));
        assert_eq!(after.leftovers(&host), [id('a'), id('c')]);
        assert_eq!((after.kind(&host, &id('c')), after.kind(&host, &id('b'))), (Some(OwnKind::Probe), None));
    }

    #[test]
    fn unreadable_ledger_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, "half a").unwrap();
        let host = HostId::new("local").unwrap();
        let own = OwnContainers::open(Some(folder.path()));
        own.add(&host, &id('a'), OwnKind::Helper);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "half a");
        assert_eq!(own.kind(&host, &id('a')), Some(OwnKind::Helper));
    }
}
