//! Database schema and migrations.

use rusqlite::{Connection, TransactionBehavior};

/// Migration `n` leads from version `n` to the next. A released migration is never changed.
const MIGRATIONS: [&str; 8] = [EVENTS, USAGE, DOCUMENTS, RATED, COUNTS, NETWORK_RATED, ARCHIVE_NOISE, MESSAGES];

/// Most events share a few things and actions: those are stored once.
///
/// `seq` is the pagination cursor: it follows the order of arrival, which is nearly that of the events' times.
const EVENTS: &str = "
CREATE TABLE things (
    ref INTEGER PRIMARY KEY,
    -- Of all that follows.
    fingerprint INTEGER NOT NULL UNIQUE,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Empty where there is none.
    project TEXT NOT NULL,
    -- What is searched, in small letters.
    text TEXT NOT NULL,
    -- JSON.
    labels TEXT NOT NULL
) STRICT;
CREATE INDEX things_by_id ON things (id);
CREATE INDEX things_by_name ON things (name);
CREATE INDEX things_by_project ON things (project) WHERE project <> '';
CREATE TABLE actions (
    ref INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    -- Empty for the engine.
    actor TEXT NOT NULL,
    is_noise INTEGER NOT NULL,
    UNIQUE (kind, action, actor)
) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    -- Microseconds since 1970.
    time INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    thing INTEGER NOT NULL,
    action INTEGER NOT NULL,
    error TEXT,
    -- JSON, without the labels of the thing.
    attributes TEXT NOT NULL
) STRICT;
-- An engine repeats itself when its stream is taken up again.
CREATE UNIQUE INDEX events_once ON events (time, fingerprint);
CREATE INDEX events_by_thing ON events (thing, action);
CREATE INDEX events_by_action ON events (action);
";

const USAGE: &str = "
CREATE TABLE containers (
    ref INTEGER PRIMARY KEY,
    host TEXT NOT NULL,
    id TEXT NOT NULL,
    UNIQUE (id, host)
) STRICT;
CREATE TABLE usage (
    -- Seconds of the stretch.
    step INTEGER NOT NULL,
    container INTEGER NOT NULL,
    -- Where it begins, in seconds since 1970.
    at INTEGER NOT NULL,
    -- Samples.
    count INTEGER NOT NULL,
    cpu REAL NOT NULL, memory REAL NOT NULL, rx REAL NOT NULL, tx REAL NOT NULL, read REAL NOT NULL, write REAL NOT NULL,
    most_cpu REAL NOT NULL, most_memory REAL NOT NULL, most_rx REAL NOT NULL, most_tx REAL NOT NULL,
    most_read REAL NOT NULL, most_write REAL NOT NULL,
    PRIMARY KEY (step, container, at)
) STRICT, WITHOUT ROWID;
";

const DOCUMENTS: &str = "
CREATE TABLE documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
";

const RATED: &str = "
-- Of `count`, samples with known rates; NULL in rows that are older than this column: all of them were taken for known.
ALTER TABLE usage ADD COLUMN rated INTEGER;
";

const NETWORK_RATED: &str = "
-- Of `count`, samples with known network rates; `rated` has those of block devices from then on. NULL in rows that are older
-- than this column: as many as `rated`.
ALTER TABLE usage ADD COLUMN network_rated INTEGER;
";

const ARCHIVE_NOISE: &str = "
-- Folders are listed by the archive API: each look into one is such an event.
UPDATE actions SET is_noise = 1 WHERE kind = 'container' AND action = 'archive-path' AND actor = '';
";

const MESSAGES: &str = "
-- JSON, as is `error` from then on: the message's template and values, or a text. Before, `error` was the text itself.
ALTER TABLE events ADD COLUMN message TEXT;
";

/// Counts the usage rows, to know their share of the file. Counting them each time would read all of them.
const COUNTS: &str = "
CREATE TABLE row_counts (
    kind TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO row_counts SELECT 'usage', count(*) FROM usage;
CREATE TRIGGER usage_inserted AFTER INSERT ON usage BEGIN
    UPDATE row_counts SET count = count + 1 WHERE kind = 'usage';
END;
CREATE TRIGGER usage_deleted AFTER DELETE ON usage BEGIN
    UPDATE row_counts SET count = count - 1 WHERE kind = 'usage';
END;
";

/// The version that this program writes.
const LATEST: usize = MIGRATIONS.len();

#[derive(Debug)]
pub(super) enum Migration {
    Done,
    /// The file was written by a later Quaylight, and is left unchanged.
    NewerVersion,
}

/// Whether a later Quaylight wrote the file: its tables may differ.
pub(super) fn is_from_the_future(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(version(connection)? > LATEST)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).map(|version| version as usize)
}

/// Each migration is applied in a transaction.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Migration> {
    migrate_to(connection, LATEST)
}

fn migrate_to(connection: &mut Connection, latest: usize) -> rusqlite::Result<Migration> {
    let version = version(connection)?;
    if version > latest {
        return Ok(Migration::NewerVersion);
    }
    for (at, step) in MIGRATIONS.iter().enumerate().take(latest).skip(version) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", at as u32 + 1)?;
        transaction.commit()?;
        tracing::debug!(version = at + 1, "history schema migrated");
    }
    Ok(Migration::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> Vec<String> {
        let mut query = connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_older_schema_migrates_to_the_latest_and_keeps_its_data() {
        let mut new = Connection::open_in_memory().unwrap();
        migrate(&mut new).unwrap();
        for version in 1..=LATEST {
            let mut old = Connection::open_in_memory().unwrap();
            migrate_to(&mut old, version).unwrap();
            let columns = "seq, time, fingerprint, thing, action, error, attributes";
            old.execute(&format!("INSERT INTO events ({columns}) VALUES (7, 1, 2, 3, 4, NULL, '{{}}')"), []).unwrap();
            migrate(&mut old).unwrap();
            assert_eq!(tables(&old), tables(&new), "from {version}");
            assert_eq!(old.query_one("SELECT seq FROM events", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
        }
    }

    #[test]
    fn file_with_a_newer_schema_is_left_unchanged() {
        let mut later = Connection::open_in_memory().unwrap();
        later.pragma_update(None, "user_version", LATEST as u32 + 1).unwrap();
        assert!(matches!(migrate(&mut later).unwrap(), Migration::NewerVersion));
        assert_eq!(tables(&later), [""; 0]);
    }
}
