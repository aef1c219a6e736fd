//! Inspect data from the engine, as a searchable list of facts or as raw JSON.

use super::{format, widgets::boxed};
use crate::model::Inspected;
use leptos::prelude::*;

/// Maximum number of rows drawn. To find more, the user searches.
pub const DRAWN: usize = 500;

/// `3 of 12 paths`: the text for one, and the text for any other number.
pub fn found_of(all: usize, found: usize, words: [&'static str; 2]) -> String {
    let count = format::count(all, words);
    if all == found { count } else { crate::t!("{} of {}", found, count) }
}

pub fn inspected(it: Inspected, words: RwSignal<String>, is_raw: RwSignal<bool>) -> AnyView {
    boxed(move || {
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
            <p class="quiet" role="status">{found_of(it.facts.len(), found.len(), ["{} property", "{} properties"])}</p>
            <table class="plain facts-of"><tbody>{rows}</tbody></table>
        }
        .into_any()
    })
    .into_any()
}
