//! History file: opened, written in batches, limited in size. There is one store at a time, owned by the writer.

use super::{
    documents::{self, Document},
    events::{self, Names},
    recent::{Numbered, Recent},
    schema::{self, Migration},
    usage,
};
use crate::{
    message,
    model::{Labels, Message, Timestamp, UsagePoint},
    server::private_files,
};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::Duration,
};
use url::Url;

/// Prefixes of the files in the data folder.
const OURS: [&str; 3] = ["history.", "secrets.key", ".new-"];

/// Retention limits.
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

impl Limits {
    /// Limit for the used part of the file. The write-ahead log counts too: it may grow to [`Self::log_bytes`] before a
    /// checkpoint, and a little beyond during it.
    fn bytes(self) -> i64 {
        (i64::from(self.megabytes) << 20) - 2 * self.log_bytes()
    }

    /// Points per transaction. Each touches three pages, and the log has to hold all of them.
    fn slice(self) -> usize {
        usize::try_from(self.log_bytes() / (2 * 3 * PAGE)).unwrap_or_default().max(16)
    }

    /// Events removed per transaction: they too are spread over many pages.
    fn step(self) -> u32 {
        u32::try_from(self.log_bytes() / (4 * PAGE)).unwrap_or(STEP).clamp(50, STEP)
    }

    fn log_bytes(self) -> i64 {
        (i64::from(self.megabytes) << 20).div_euclid(8).min(4 << 20)
    }
}

/// Days that noise is kept: a health check emits three events each time, and old ones are of no interest.
const NOISE_DAYS: u32 = 2;

/// Busy timeout: another program that reads the file may block a write briefly.
const BUSY: Duration = Duration::from_secs(2);

/// Busy timeout of readers while the writer could not open the file: it may be locked for long, and requests must not wait.
const BUSY_AGAIN: Duration = Duration::from_millis(100);

/// Rows per cleanup step. A step takes some milliseconds, during which events wait.
const STEP: u32 = 500;

/// Bytes of a page, by SQLite's default.
const PAGE: i64 = 4_096;

/// Pages returned to the file system per step.
const VACUUM: u32 = 256;

#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub(super) enum StoreError {
    Folder(PathBuf, io::Error),
    /// Another Quaylight instance uses the folder.
    InUse(PathBuf),
    /// A newer version of Quaylight created the file.
    NewerVersion(PathBuf),
    Damaged,
    /// The file was read without locks, since it can't be written, and changed meanwhile.
    Unsteady(String),
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

    /// No space, or no permission, for the files that SQLite needs beside the database.
    fn is_for_want_of_room(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::CannotOpen
                    | ErrorCode::ReadOnly
                    | ErrorCode::DiskFull
                    | ErrorCode::PermissionDenied
                    | ErrorCode::SystemIoFailure
            )
        )
    }

    /// The message for the user. It names the data folder: the user has to know where to act.
    pub(super) fn message(&self) -> Message {
        let error = match self {
            Self::Folder(folder, error) => {
                return message!("data directory {folder}: {error}", folder = folder.display(), error);
            }
            Self::InUse(folder) => {
                return message!("another Quaylight instance is using {folder}", folder = folder.display());
            }
            Self::NewerVersion(file) => {
                return message!("{file} was created by a newer version of Quaylight", file = file.display());
            }
            Self::Damaged => return message!("its file is damaged"),
            Self::Unsteady(error) => {
                return message!("its file couldn't be read while it isn't writable: {error}", error);
            }
            Self::Sqlite(error) => error,
        };
        match error.sqlite_error_code() {
            _ if is_without_index(error) => message!("the disk is full"),
            Some(ErrorCode::DiskFull) => message!("the disk is full"),
            Some(ErrorCode::ReadOnly) => message!("the data directory is read-only"),
            Some(ErrorCode::CannotOpen) => {
                message!("its file can't be opened; check that Quaylight can write to the data directory")
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => message!("another process has its file open"),
            _ => Message::verbatim(error),
        }
    }
}

/// The index of the write-ahead log did not fit on the disk.
fn is_without_index(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|it| it.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

/// The jobs that the writer has gathered.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: Vec<Numbered>,
    pub(super) usage: Vec<(Timestamp, Vec<UsagePoint>)>,
    pub(super) documents: Vec<Document>,
}

impl Batch {
    /// A rough estimate of its size in the file, rather too high than too low.
    fn bytes(&self) -> i64 {
        let size = |labels: &Labels| labels.iter().map(|(key, value)| key.len() + value.len() + 8).sum::<usize>();
        // Texts are stored once with the event or its thing, and again in the searchable text; the rest is indexes.
        let events = self.events.iter().map(|it| 600 + 2 * size(&it.event.attributes)).sum::<usize>();
        let documents = self.documents.iter().map(|it| it.json.as_ref().map_or(0, String::len) + 100).sum::<usize>();
        let points: usize = self.usage.iter().map(|(_, points)| points.len()).sum();
        let rows = i64::try_from(points).unwrap_or(i64::MAX).saturating_mul(3 * usage::ROW);
        i64::try_from(events + documents).unwrap_or(i64::MAX).saturating_add(rows)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.usage.is_empty() && self.documents.is_empty()
    }
}

pub(super) struct Store {
    connection: Connection,
    names: Names,
    limits: Limits,
    /// Where the last sweep of things without events ended.
    swept: i64,
    /// Held for as long as the store lives.
    _lock: File,
}

pub(super) fn file_in(folder: &Path) -> PathBuf {
    folder.join("history.db")
}

impl Store {
    /// Opens the file in `folder`; creates both if missing. A file that is damaged, or passed as damaged, is moved aside and
    /// replaced by a new one.
    pub(super) fn open(folder: &Path, limits: Limits, is_damaged: bool) -> Result<Self, StoreError> {
        let lock = lock(folder)?;
        let file = file_in(folder);
        let aside = || set_aside(&file).map_err(|error| StoreError::Folder(folder.to_owned(), error));
        if is_damaged {
            aside()?;
        }
        let failed = |error| StoreError::Folder(folder.to_owned(), error);
        // SQLite gives the files beside it the same permissions.
        private_files::create(&file).map_err(failed)?;
        for beside in ["history.db-wal", "history.db-shm"] {
            private_files::restrict(&folder.join(beside));
        }
        let connection = match connect(&file, limits) {
            Err(error) if error.is_corrupt() => {
                aside()?;
                private_files::create(&file).map_err(failed)?;
                connect(&file, limits)?
            }
            other => other?,
        };
        Ok(Self { connection, names: Names::default(), limits, swept: 0, _lock: lock })
    }

    /// The latest events, oldest first, and the number of the last.
    pub(super) fn latest(&self) -> Result<(Vec<Numbered>, u64), StoreError> {
        Ok(events::latest(&self.connection, Recent::KEPT)?)
    }

    /// Writes events and documents in one transaction, and usage in slices. Removes older data first, so that the file stays
    /// below its limit.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.make_room(batch.bytes())?;
        self.write_whole(batch)?;
        for (at, points) in &batch.usage {
            for slice in points.chunks(self.limits.slice()) {
                let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                usage::write(&transaction, *at, slice)?;
                transaction.commit()?;
            }
        }
        Ok(())
    }

    fn write_whole(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if batch.events.is_empty() && batch.documents.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let written = events::write(&transaction, &mut self.names, &batch.events)
            .and_then(|()| batch.documents.iter().try_for_each(|it| documents::write(&transaction, it)))
            .and_then(|()| transaction.commit());
        if written.is_err() {
            // The cache may contain ids that were rolled back.
            self.names = Names::default();
        }
        Ok(written?)
    }

    /// Removes old events and usage in small steps to make room for new data. One batch never evicts all of them, however large
    /// it is.
    fn make_room(&mut self, bytes: i64) -> Result<(), StoreError> {
        let bytes = bytes.min(self.limits.bytes() / 4);
        while used_bytes(&self.connection)? + bytes > self.limits.bytes() && self.shed()? {}
        Ok(())
    }

    /// Removes a little of whatever exceeds its share: if usage takes more than a third of the file it is coarsened, else the
    /// oldest events are removed. Bug: a small file in which ten thousand containers recorded usage held no events after a
    /// while. Returns whether anything was removed.
    fn shed(&mut self) -> Result<bool, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut removed, mut forgotten) = (0, 0);
        if usage::bytes(&transaction)? > self.limits.bytes() / 3 {
            removed = usage::coarsen(&transaction, STEP)?;
        }
        if removed == 0 {
            (removed, forgotten) = events::remove_oldest(&transaction, self.limits.step())?;
        }
        if removed == 0 {
            removed = usage::coarsen(&transaction, STEP)?;
        }
        transaction.commit()?;
        if forgotten > 0 {
            self.names = Names::default();
        }
        Ok(removed > 0)
    }

    /// Makes one small cleanup step. Returns whether there is more to do. Without `now`, while the clock is not trusted,
    /// nothing is removed for its age.
    pub(super) fn tidy(&mut self, now: Option<Timestamp>) -> Result<bool, StoreError> {
        let is_large = used_bytes(&self.connection)? > self.limits.bytes();
        let mut removed = usize::from(is_large && self.shed()?);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(now) = now {
            let days = self.limits.days;
            let days_ago = |days: u32| Timestamp::from_seconds(now.seconds() - i64::from(days) * 86_400);
            removed += events::remove_older(&transaction, days_ago(days), STEP)?;
            removed += events::remove_noise(&transaction, days_ago(NOISE_DAYS.min(days)), STEP)?;
            usage::remove_old(&transaction, now)?;
        }
        let (swept, forgotten) = events::sweep(&transaction, self.swept, STEP)?;
        transaction.commit()?;
        let has_wrapped = swept < self.swept;
        self.swept = swept;
        if forgotten > 0 {
            self.names = Names::default();
        }
        let free: u32 = self.connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free > 0 {
            self.connection.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM})"))?;
        }
        Ok(removed > 0 || forgotten > 0 && !has_wrapped || free > VACUUM)
    }
}

/// Ensures a single writer: two would give the same number to different events.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let failed = |error| StoreError::Folder(folder.to_owned(), error);
    private_files::create_folder(folder, &OURS).map_err(failed)?;
    let path = folder.join("history.lock");
    private_files::create(&path).map_err(failed)?;
    let lock = File::options().write(true).open(path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn connect(file: &Path, limits: Limits) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    // Must be set before the first table is created: later it would take a VACUUM.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A crash of the process loses no committed data; a crash of the machine may lose the last commits, never the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", limits.log_bytes())?;
    connection.pragma_update(None, "wal_autocheckpoint", limits.log_bytes() / PAGE)?;
    // Overwrites replaced data in the file: it may have been a secret.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    // KiB, negative.
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if let Migration::NewerVersion = schema::migrate(&mut connection)? {
        return Err(StoreError::NewerVersion(file.to_owned()));
    }
    prove_writable(&connection)?;
    Ok(connection)
}

/// On a full disk everything but a write works: without this check the status would be "recording" again every few seconds.
fn prove_writable(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("REPLACE INTO documents (kind, id, json) VALUES ('', 'room', hex(zeroblob(32768)))", [])?;
    connection.execute("DELETE FROM documents WHERE kind = ''", [])?;
    Ok(())
}

/// Moves the damaged file aside, for recovery by hand. Only one is kept: each may be as large as the size limit.
fn set_aside(file: &Path) -> io::Result<()> {
    let beside =
        |end: &str| file.with_file_name(format!("{}{end}", file.file_name().unwrap_or_default().to_string_lossy()));
    tracing::warn!("the history file is damaged: renaming it to history.db.damaged and starting a new one");
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

/// Runs a query on a separate connection, beside the writer's.
///
/// In WAL mode even a reader needs two more files beside the database, and a full or read-only disk has no room for them. A
/// database that was closed properly is complete without them: it is read as immutable, while `opening` keeps our writer from
/// opening it. The writer of another program would have its own log there.
pub(super) fn read<T>(
    folder: &Path,
    opening: &RwLock<()>,
    is_writing: bool,
    question: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    let time_limit = if is_writing { BUSY } else { BUSY_AGAIN };
    let file = file_in(folder);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let refused = match reader(&file, flags, time_limit) {
        Ok(mut connection) => return Ok(question(&mut connection)?),
        Err(error) if error.is_for_want_of_room() => error,
        Err(error) => return Err(error),
    };
    let _closed = opening.read().unwrap_or_else(PoisonError::into_inner);
    let Some(address) = immutable(&file).filter(|_| is_closed(&file)) else { return Err(refused) };
    let mut connection = reader(&address, flags | OpenFlags::SQLITE_OPEN_URI, time_limit)?;
    // Never a reason to move the file aside: another program may have written to it after all.
    question(&mut connection).map_err(|error| StoreError::Unsteady(error.to_string()))
}

/// Fails if the file can't be read, or was written by a later version.
fn reader(file: &Path, flags: OpenFlags, time_limit: Duration) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(time_limit)?;
    connection.pragma_update(None, "cache_size", -2_048)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if schema::is_from_the_future(&connection)? {
        return Err(StoreError::NewerVersion(file.to_owned()));
    }
    Ok(connection)
}

/// The URI by which SQLite reads a file without locks, log and index.
fn immutable(file: &Path) -> Option<PathBuf> {
    let mut address = Url::from_file_path(std::path::absolute(file).ok()?).ok()?;
    address.set_query(Some("immutable=1"));
    Some(address.as_str().into())
}

/// Whether the database file is complete: its last writer closed it properly.
fn is_closed(file: &Path) -> bool {
    let log = file.with_file_name("history.db-wal");
    file.exists() && fs::metadata(log).map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |it| it.len() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerId, Event, EventQuery, HostId, UsageLevel};
    use crate::server::history::Cursor;
    use tempfile::TempDir;

    const DAY: i64 = 86_400;
    const NOW: Timestamp = Timestamp::from_seconds(1_795_260_000);

    fn open(folder: &TempDir, limits: Limits) -> Store {
        Store::open(folder.path(), limits, false).unwrap()
    }

    /// A batch of `action` events, each of another container, the given numbers of seconds ago.
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
                message: None,
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
        let found = events::find(&store.connection, &query, Cursor::Before(None), 10_000).unwrap();
        found.into_iter().map(|it| it.name).collect()
    }

    fn count(store: &Store, table: &str) -> i64 {
        store.connection.query_one(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    fn tidy(store: &mut Store) {
        while store.tidy(Some(NOW)).unwrap() {}
        // The second pass of the sweep.
        store.tidy(Some(NOW)).unwrap();
    }

    #[test]
    fn old_events_are_removed_and_noise_expires_first() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, mut recent) = (open(&folder, Limits::default()), Recent::new(1));
        store.write(&batch(&mut recent, "exec_start", [3 * DAY, 1])).unwrap();
        store.write(&batch(&mut recent, "die", (0..1_200).map(|it| 31 * DAY + it).chain([29 * DAY, 3 * DAY]))).unwrap();
        tidy(&mut store);
        assert_eq!(names(&store, &[("noise", "true")]).len(), 3);
        assert_eq!(names(&store, &[]), [format!("web-{}", 3 * DAY), format!("web-{}", 29 * DAY)]);
        // Things without events are removed.
        assert_eq!(count(&store, "things"), 3);
        store.write(&batch(&mut recent, "die", [31 * DAY + 5, 7])).unwrap();
        assert_eq!(names(&store, &[("action", "die")]).len(), 4);
    }

    #[test]
    fn oversized_file_drops_the_oldest_events_and_shrinks() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, mut recent) = (open(&folder, Limits::default()), Recent::new(1));
        for part in 0..20 {
            store.write(&batch(&mut recent, "die", (0..1_000).map(|it| 20_000 - part * 1_000 - it))).unwrap();
        }
        let size = || store.connection.query_one("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap() * 4_096;
        assert!(size() > 16 << 20, "{}", size());
        drop(store);
        // The limit was lowered.
        let mut store = open(&folder, Limits { days: 30, megabytes: 8 });
        tidy(&mut store);
        let size = store.connection.query_one("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap() * 4_096;
        assert!(size < 9 << 20, "{size}");
        let left = names(&store, &[]);
        assert!(left.len() > 1_000 && left[0] == "web-1", "{}", left.len());
    }

    #[test]
    fn file_stays_below_its_limit_and_keeps_the_latest_events() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, mut recent) = (open(&folder, Limits { days: 30, megabytes: 8 }), Recent::new(1));
        let size = |name: &str| fs::metadata(folder.path().join(name)).map_or(0, |it| it.len());
        for part in 0..20 {
            store.write(&batch(&mut recent, "die", (0..1_000).map(|it| 20_000 - part * 1_000 - it))).unwrap();
            let size = size("history.db") + size("history.db-wal");
            assert!(size < 8 << 20, "{size} bytes after {} events", (part + 1) * 1_000);
        }
        let left = names(&store, &[]);
        assert!(left.len() > 1_000 && left[0] == "web-1", "{}", left.len());
        // Removed events leave no things behind.
        assert_eq!(count(&store, "things"), count(&store, "events"));
    }

    #[test]
    fn oversized_usage_batch_evicts_no_events() {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, mut recent) = (open(&folder, Limits { days: 30, megabytes: 8 }), Recent::new(1));
        store.write(&batch(&mut recent, "die", 0..500)).unwrap();
        let point = |number: u32| UsagePoint {
            host: HostId::new("local").unwrap(),
            container: ContainerId::new(&format!("{number:064x}")).unwrap(),
            average: UsageLevel::default(),
            highest: UsageLevel::default(),
            count: 60,
            network_count: 0,
            block_count: 0,
        };
        for minute in 0..2 {
            let usage = vec![(Timestamp::from_seconds(NOW.seconds() + minute * 60), (0..20_000).map(point).collect())];
            store.write(&Batch { usage, ..Batch::default() }).unwrap();
            assert_eq!(names(&store, &[]).len(), 500, "after {minute} minutes");
        }
    }

    #[test]
    fn failed_batch_is_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
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
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder, Limits::default());
        let second = Store::open(folder.path(), Limits::default(), false);
        assert!(matches!(second, Err(StoreError::InUse(_))));
        drop(store);
        open(&folder, Limits::default());
    }

    #[test]
    fn damaged_file_is_renamed_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut recent = Recent::new(1);
        for damage in 0..2 {
            let mut store = open(&folder, Limits::default());
            store.write(&batch(&mut recent, "die", [damage])).unwrap();
            assert_eq!(names(&store, &[]).len(), 1);
            drop(store);
            fs::write(file_in(folder.path()), b"SQLite format 3\0 it was").unwrap();
        }
        assert!(names(&open(&folder, Limits::default()), &[]).is_empty());
        assert!(folder.path().join("history.db.damaged").exists());
    }
}
