//! Buttons, toggles, chips and sortable column headers. Plain functions over boxed parts, so that all uses share their code.

use super::{Boxed, Icon};
use crate::client::t;
use leptos::{ev::MouseEvent, prelude::*};

/// A click handler: see `boxed.rs` for why it is boxed.
pub type Click = Box<dyn FnMut(MouseEvent)>;

/// A button with an icon and a label.
pub fn button(class: &'static str, icon: &'static str, words: Boxed<String>, click: Click) -> AnyView {
    view! {
        <button class=class on:click=click>
            <Icon name=icon />
            {words}
        </button>
    }
    .into_any()
}

/// A toggle button. Narrow pages show only the icon.
pub fn toggle(
    class: &'static str,
    icon: &'static str,
    word: &'static str,
    pressed: Boxed<String>,
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

/// A filter chip, with the number of entries that pass the filter.
pub fn chip(word: &'static str, pressed: Boxed<String>, count: Boxed<String>, click: Click) -> AnyView {
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
pub fn column(class: &'static str, word: &'static str, sorted: Boxed<Option<&'static str>>, click: Click) -> AnyView {
    view! {
        <th class=class role="columnheader" aria-sort=sorted>
            <button on:click=click>{t(word)}</button>
        </th>
    }
    .into_any()
}

/// The value of `aria-sort`. `None` for a column that isn't the sort column.
pub fn sort_word(is_sorted_by: bool, descending: bool) -> Option<&'static str> {
    match (is_sorted_by, descending) {
        (false, _) => None,
        (true, false) => Some("ascending"),
        (true, true) => Some("descending"),
    }
}

/// An empty state: what is missing, and how to add it.
pub fn empty(icon: &'static str, title: &'static str, words: Boxed<String>, way_out: AnyView) -> AnyView {
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
