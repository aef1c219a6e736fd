//! The file: opened, written in batches, kept small. One store at a time, and it belongs to the writer.

use super::{
    documents::{self, Document},
    events::{self, Names},
    recent::{Numbered, Recent},
    schema::{self, Migration},
    usage,
};
use crate::model::{Timestamp, UsagePoint};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub days: u32,
    pub megabytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { days: 30, megabytes: 1_024 }
    }
}

/// Health checks tell three events each time, and nobody looks for those of last week.
const NOISE_DAYS: u32 = 2;

/// Another program that looks into the file holds a write up for a moment.
const BUSY: Duration = Duration::from_secs(2);

/// A step of tidying takes some milliseconds: events wait for it.
const STEP: u32 = 500;

/// Pages given back to the file system in a step.
const VACUUM: u32 = 256;

#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("the data folder {0}: {1}")]
    Folder(PathBuf, io::Error),
    #[error("another Quaylight keeps its history in {0}")]
    InUse(PathBuf),
    #[error("{0} was written by a later version of Quaylight")]
    FromTheFuture(PathBuf),
    #[error("its file is damaged")]
    Damaged,
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl StoreError {
    pub(super) fn is_corrupt(&self) -> bool {
        let code = match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            other => return matches!(other, Self::Damaged),
        };
        matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }

    /// For the user. The data folder is named: whoever has to do something about it has to know where.
    pub(super) fn words(&self) -> String {
        let code = match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            other => return other.to_string(),
        };
        match code {
            Some(ErrorCode::DiskFull) => "the disk is full".into(),
            Some(ErrorCode::ReadOnly) => "the data folder is read-only".into(),
            Some(ErrorCode::CannotOpen) => "its file can't be opened: may Quaylight write to the data folder?".into(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program holds its file".into(),
            _ => self.to_string(),
        }
    }
}

/// What the writer has gathered.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: Vec<Numbered>,
    pub(super) usage: Vec<(Timestamp, Vec<UsagePoint>)>,
    pub(super) documents: Vec<Document>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.usage.is_empty() && self.documents.is_empty()
    }
}

pub(super) struct Store {
    connection: Connection,
    names: Names,
    limits: Limits,
    /// Where the last look for things without events ended.
    swept: i64,
    /// Held for as long as the store lives.
    _lock: File,
}

pub(super) fn file_in(folder: &Path) -> PathBuf {
    folder.join("history.db")
}

impl Store {
    /// Opens the file in `folder`, or makes both. A file that is damaged, or known to be, is set aside, and a new one
    /// begun.
    pub(super) fn open(folder: &Path, limits: Limits, is_damaged: bool) -> Result<Self, StoreError> {
        let lock = lock(folder)?;
        let file = file_in(folder);
        let aside = || set_aside(&file).map_err(|error| StoreError::Folder(folder.to_owned(), error));
        if is_damaged {
            aside()?;
        }
        let connection = match connect(&file) {
            Err(error) if error.is_corrupt() => {
                aside()?;
                connect(&file)?
            }
            other => other?,
        };
        Ok(Self { connection, names: Names::default(), limits, swept: 0, _lock: lock })
    }

    /// The latest events, oldest first, and the number of the last.
    pub(super) fn latest(&self) -> Result<(Vec<Numbered>, u64), StoreError> {
        Ok(events::latest(&self.connection, Recent::KEPT)?)
    }

    /// All of it or nothing.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let written = events::write(&transaction, &mut self.names, &batch.events)
            .and_then(|()| batch.usage.iter().try_for_each(|(at, points)| usage::write(&transaction, *at, points)))
            .and_then(|()| batch.documents.iter().try_for_each(|it| documents::write(&transaction, it)))
            .and_then(|()| transaction.commit());
        if written.is_err() {
            // They may name what was not written after all.
            self.names = Names::default();
        }
        Ok(written?)
    }

    /// A small step towards what is to be kept; whether there is more to do.
    pub(super) fn tidy(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let days_ago = |days: u32| Timestamp::from_seconds(now.seconds() - i64::from(days) * 86_400);
        let Limits { days, megabytes } = self.limits;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut removed = events::remove_older(&transaction, days_ago(days), STEP)?;
        removed += events::remove_noise(&transaction, days_ago(NOISE_DAYS.min(days)), STEP)?;
        if used_bytes(&transaction)? > i64::from(megabytes) * 1_024 * 1_024 {
            removed += events::remove_oldest(&transaction, STEP)?;
        }
        let (swept, forgotten) = events::sweep(&transaction, self.swept, STEP)?;
        usage::remove_old(&transaction, now)?;
        transaction.commit()?;
        let begun_anew = swept < self.swept;
        self.swept = swept;
        if forgotten > 0 {
            self.names = Names::default();
        }
        let free: u32 = self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free > 0 {
            self.connection.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM})"))?;
        }
        Ok(removed > 0 || forgotten > 0 && !begun_anew || free > VACUUM)
    }
}

/// Two writers would give the same number to different events.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let failed = |error| StoreError::Folder(folder.to_owned(), error);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join("history.lock"));
    let lock = lock.map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn connect(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    // Before the first table: later it would take a VACUUM.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A crash of ours loses nothing that is committed; one of the machine may lose the last commits, never the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    // KiB, negative.
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if let Migration::FromTheFuture = schema::migrate(&mut connection)? {
        return Err(StoreError::FromTheFuture(file.to_owned()));
    }
    prove_writable(&connection)?;
    Ok(connection)
}

/// On a full disk everything but a write works: without this we would say every few seconds that all is well.
fn prove_writable(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("REPLACE INTO documents (kind, id, json) VALUES ('', 'room', hex(zeroblob(32768)))", [])?;
    connection.execute("DELETE FROM documents WHERE kind = ''", [])?;
    Ok(())
}

/// Out of the way, for whoever can read it. One is kept: each may be as large as all that may be kept.
fn set_aside(file: &Path) -> io::Result<()> {
    let beside =
        |end: &str| file.with_file_name(format!("{}{end}", file.file_name().unwrap_or_default().to_string_lossy()));
    tracing::warn!("the history is damaged: it is kept as history.db.damaged, and a new one begun");
    for end in ["-wal", "-shm"] {
        match fs::rename(beside(end), beside(&format!(".damaged{end}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(file, beside(".damaged"))
}

fn used_bytes(connection: &Connection) -> rusqlite::Result<i64> {
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
}

/// A connection for one question, beside the writer's.
pub(super) fn reader(folder: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file_in(folder), flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", -2_048)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, EventQuery, HostId, Labels};
    use crate::server::history::Place;

    const DAY: i64 = 86_400;
    const NOW: Timestamp = Timestamp::from_seconds(1_795_260_000);

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("quaylight-store-{name}-{}", std::process::id()));
            fs::remove_dir_all(&path).ok();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    fn open(folder: &Folder, limits: Limits) -> Store {
        Store::open(&folder.0, limits, false).unwrap()
    }

    /// A batch of `action`s, each of another container, so many seconds before now.
    fn batch(recent: &mut Recent, action: &str, ages: impl IntoIterator<Item = i64>) -> Batch {
        let event = |age: i64| {
            let mut attributes = Labels::default();
            attributes.insert("comment".into(), "x".repeat(400));
            Event {
                seq: 0,
                host: HostId::new("local").unwrap(),
                time: Timestamp::from_seconds(NOW.seconds() - age),
                kind: "container".into(),
                action: action.into(),
                id: format!("{age:064x}"),
                name: format!("web-{age}"),
                project: None,
                actor: None,
                error: None,
                attributes,
            }
        };
        let events = ages.into_iter().filter_map(|age| recent.take(event(age), None)).collect();
        Batch { events, ..Batch::default() }
    }

    fn names(store: &Store, address: &[(&str, &str)]) -> Vec<String> {
        let mut query = EventQuery::default();
        for (key, value) in address {
            query.read(key, value, NOW).unwrap();
        }
        let found = events::find(&store.connection, &query, Place::Before(None), 10_000).unwrap();
        found.into_iter().map(|it| it.name).collect()
    }

    fn count(store: &Store, table: &str) -> i64 {
        store.connection.query_one(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn tidy(store: &mut Store) {
        while store.tidy(NOW).unwrap() {}
        // The second round of the sweep.
        store.tidy(NOW).unwrap();
    }

    #[test]
    fn what_is_too_old_goes_and_noise_before_the_rest() {
        let folder = Folder::new("age");
        let (mut store, mut recent) = (open(&folder, Limits::default()), Recent::new(1));
        store.write(&batch(&mut recent, "exec_start", [3 * DAY, 1])).unwrap();
        store.write(&batch(&mut recent, "die", (0..1_200).map(|it| 31 * DAY + it).chain([29 * DAY, 3 * DAY]))).unwrap();
        tidy(&mut store);
        assert_eq!(names(&store, &[("noise", "true")]).len(), 3);
        assert_eq!(names(&store, &[]), [format!("web-{}", 3 * DAY), format!("web-{}", 29 * DAY)]);
        // Those that nothing is told of any more.
        assert_eq!(count(&store, "things"), 3);
        store.write(&batch(&mut recent, "die", [31 * DAY + 5, 7])).unwrap();
        assert_eq!(names(&store, &[("action", "die")]).len(), 4);
    }

    #[test]
    fn a_file_that_is_too_large_loses_the_oldest_and_gives_the_room_back() {
        let folder = Folder::new("size");
        let (mut store, mut recent) = (open(&folder, Limits { days: 30, megabytes: 8 }), Recent::new(1));
        for part in 0..20 {
            store.write(&batch(&mut recent, "die", (0..1_000).map(|it| 20_000 - part * 1_000 - it))).unwrap();
        }
        let size = || store.connection.query_one("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap() * 4_096;
        assert!(size() > 16 << 20, "{}", size());
        tidy(&mut store);
        let size = store.connection.query_one("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap() * 4_096;
        assert!(size < 9 << 20, "{size}");
        let left = names(&store, &[]);
        assert!(left.len() > 1_000 && left[0] == "web-1", "{}", left.len());
    }

    #[test]
    fn a_failed_batch_leaves_nothing_behind() {
        let folder = Folder::new("batch");
        let (mut store, mut recent) = (open(&folder, Limits::default()), Recent::new(1));
        let mut whole = batch(&mut recent, "die", 0..10);
        store.connection.execute_batch("ALTER TABLE documents RENAME TO hidden").unwrap();
        whole.documents.push(Document { kind: "x", id: "y".into(), json: Some("{}".into()) });
        assert!(store.write(&whole).is_err());
        assert_eq!((count(&store, "events"), count(&store, "things")), (0, 0));
        store.connection.execute_batch("ALTER TABLE hidden RENAME TO documents").unwrap();
        store.write(&whole).unwrap();
        assert_eq!(names(&store, &[]).len(), 10);
    }

    #[test]
    fn a_file_has_one_writer() {
        let folder = Folder::new("lock");
        let store = open(&folder, Limits::default());
        let second = Store::open(&folder.0, Limits::default(), false);
        assert!(matches!(second, Err(StoreError::InUse(_))));
        drop(store);
        open(&folder, Limits::default());
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let folder = Folder::new("damaged");
        let mut recent = Recent::new(1);
        for damage in 0..2 {
            let mut store = open(&folder, Limits::default());
            store.write(&batch(&mut recent, "die", [damage])).unwrap();
            assert_eq!(names(&store, &[]).len(), 1);
            drop(store);
            fs::write(file_in(&folder.0), b"SQLite format 3\0 it was").unwrap();
        }
        assert!(names(&open(&folder, Limits::default()), &[]).is_empty());
        assert!(folder.0.join("history.db.damaged").exists());
    }
}
