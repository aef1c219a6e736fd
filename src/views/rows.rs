//! The one keyed list of all pages: a list's code is large, and each type of key or row would bring it again.

use crate::model::Key;
use leptos::prelude::*;

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Line {
    Entity(Key),
    /// The header of a group: its name, or none for what belongs to no group.
    Group(Option<String>),
}

/// Rows of a table body, by key: a row that stays is not touched when others come and go.
pub fn rows(lines: Signal<Vec<Line>>, row: impl Fn(Line) -> AnyView + Clone + Send + Sync + 'static) -> AnyView {
    let row: std::sync::Arc<dyn Fn(Line) -> AnyView + Send + Sync> = std::sync::Arc::new(row);
    view! {
        <For each=move || lines.get() key=Line::clone let:line>
            {row(line)}
        </For>
    }
    .into_any()
}
