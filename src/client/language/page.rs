//! The language of this page, fixed for its lifetime.

use super::table::Table;
use std::sync::OnceLock;

static TABLE: OnceLock<Table> = OnceLock::new();

/// Sets the texts, before anything is rendered, from the file that the page loaded.
pub fn learn(texts: String) {
    let _ = TABLE.set(Table::read(texts.leak()));
}

/// Returns `None` if the texts stay in English.
pub fn table() -> Option<&'static Table> {
    TABLE.get()
}
