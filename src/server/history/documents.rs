//! Documents of other parts of the server, such as rules and preferences: JSON by kind and id, opaque to the history.

use rusqlite::{Connection, OptionalExtension, params};

/// A document to write, or to delete if `json` is `None`.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) json: Option<String>,
}

pub(super) fn write(connection: &Connection, document: &Document) -> rusqlite::Result<()> {
    let Document { kind, id, json } = document;
    match json {
        Some(json) => {
            let mut put = connection.prepare_cached("REPLACE INTO documents (kind, id, json) VALUES (?1, ?2, ?3)")?;
            put.execute(params![kind, id, json])?;
        }
        None => {
            connection.execute("DELETE FROM documents WHERE kind = ?1 AND id = ?2", params![kind, id])?;
        }
    }
    Ok(())
}

pub(super) fn get(connection: &Connection, kind: &str, id: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT json FROM documents WHERE kind = ?1 AND id = ?2";
    connection.query_row(sql, params![kind, id], |row| row.get(0)).optional()
}

/// Ids and documents, sorted by id.
pub(super) fn list(connection: &Connection, kind: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut all = connection.prepare("SELECT id, json FROM documents WHERE kind = ?1 ORDER BY id")?;
    all.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
