//! Things to press. Plain functions over boxed parts: each place that presses something shares their code.

use super::{Icon, Live};
use crate::client::t;
use leptos::{ev::MouseEvent, prelude::*};

/// What a press does: see `live.rs` for the box.
pub type Click = Box<dyn FnMut(MouseEvent)>;

/// A button with an icon and words.
pub fn button(class: &'static str, icon: &'static str, words: Live<String>, click: Click) -> AnyView {
    view! {
        <button class=class on:click=click>
            <Icon name=icon />
            {words}
        </button>
    }
    .into_any()
}

/// A button that stays pressed. Narrow pages show the icon alone.
pub fn toggle(
    class: &'static str,
    icon: &'static str,
    word: &'static str,
    pressed: Live<String>,
    click: Click,
) -> AnyView {
    view! {
        <button class=class aria-pressed=pressed on:click=click>
            <Icon name=icon />
            <span>{t(word)}</span>
        </button>
    }
    .into_any()
}

/// A filter, with how many pass it.
pub fn chip(word: &'static str, pressed: Live<String>, count: Live<String>, click: Click) -> AnyView {
    view! {
        <button class="chip" aria-pressed=pressed on:click=click>
            {t(word)}
            " "
            <b>{count}</b>
        </button>
    }
    .into_any()
}

/// A table's column header that sorts.
pub fn column(class: &'static str, word: &'static str, sorted: Live<Option<&'static str>>, click: Click) -> AnyView {
    view! {
        <th class=class role="columnheader" aria-sort=sorted>
            <button on:click=click>{t(word)}</button>
        </th>
    }
    .into_any()
}

/// The value of `aria-sort`; none for a column that isn't sorted by.
pub fn sort_word(is_sorted_by: bool, descending: bool) -> Option<&'static str> {
    match (is_sorted_by, descending) {
        (false, _) => None,
        (true, false) => Some("ascending"),
        (true, true) => Some("descending"),
    }
}

/// A page without rows: what is missing and what would bring it.
pub fn empty(icon: &'static str, title: &'static str, words: Live<String>, way_out: AnyView) -> AnyView {
    view! {
        <section class="empty">
            <Icon name=icon />
            <h2>{t(title)}</h2>
            <p>{words}</p>
            {way_out}
        </section>
    }
    .into_any()
}
