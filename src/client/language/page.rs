//! The language of this page, for its life.

use super::table::Table;
use std::sync::OnceLock;

static TABLE: OnceLock<Table> = OnceLock::new();

/// Before anything is drawn, from the file that the page loaded.
pub fn learn(texts: String) {
    let _ = TABLE.set(Table::read(texts.leak()));
}

/// Nothing where the texts stay as they are.
pub fn table() -> Option<&'static Table> {
    TABLE.get()
}
