//! All that an engine tells of how something was made: as facts to search through, or as it came.

use super::{format, widgets::live};
use crate::model::Inspected;
use leptos::prelude::*;

/// Rows that are drawn; whoever has more searches.
pub const DRAWN: usize = 500;

/// `3 of 12 paths`: the text of one, and that of any other number.
pub fn found_of(all: usize, found: usize, words: [&'static str; 2]) -> String {
    let count = format::count(all, words);
    if all == found { count } else { crate::t!("{} of {}", found, count) }
}

pub fn inspected(it: Inspected, words: RwSignal<String>, is_raw: RwSignal<bool>) -> AnyView {
    live(move || {
        if is_raw.get() {
            return view! { <pre tabindex="0" aria-label="JSON">{it.json.clone()}</pre> }.into_any();
        }
        let wanted = words.with(|words| words.to_lowercase());
        let has = |(at, value): &&(String, String)| {
            at.to_lowercase().contains(&wanted) || value.to_lowercase().contains(&wanted)
        };
        let found: Vec<_> = it.facts.iter().filter(has).collect();
        let row = |(at, value): &&(String, String)| {
            view! { <tr><th scope="row">{at.clone()}</th><td>{value.clone()}</td></tr> }.into_any()
        };
        let rows: Vec<_> = found.iter().take(DRAWN).map(row).collect();
        view! {
            <p class="quiet" role="status">{found_of(it.facts.len(), found.len(), ["{} fact", "{} facts"])}</p>
            <table class="plain facts-of"><tbody>{rows}</tbody></table>
        }
        .into_any()
    })
    .into_any()
}
