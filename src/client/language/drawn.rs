//! The language of a page rendered on the server: that of the user who requested it.

use super::table::Table;
use crate::model::Language;
use leptos::prelude::use_context;
use std::sync::LazyLock;

static KOREAN: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../../../public/lang/ko.po")));

/// Returns `None` if the texts stay in English.
pub fn table() -> Option<&'static Table> {
    match use_context::<Language>()? {
        Language::Korean => Some(&KOREAN),
        Language::Browser | Language::English => None,
    }
}
