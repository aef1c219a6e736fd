//! The language of the page that the server draws: of whoever asked for it.

use super::table::Table;
use crate::model::Language;
use leptos::prelude::use_context;
use std::sync::LazyLock;

static KOREAN: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("../../../public/lang/ko.po")));

/// Nothing where the texts stay as they are.
pub fn table() -> Option<&'static Table> {
    match use_context::<Language>()? {
        Language::Korean => Some(&KOREAN),
        Language::Browser | Language::English => None,
    }
}
