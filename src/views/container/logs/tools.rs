//! Above the lines: what is looked for, how they look, and what of the log is here.

use super::{Asked, Logs};
use crate::{
    client::derived,
    model::Key,
    views::{
        Site, format,
        widgets::{Search, button, check, live, on_click, toggle},
    },
    wire::routes,
};
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

pub(super) fn tools(it: Logs, key: &Key) -> AnyView {
    let value = Signal::derive(move || it.words.get());
    let is_pattern = RwSignal::new(false);
    let search_all = move || it.asked.set(Asked::Search(it.words.get_untracked(), is_pattern.get_untracked()));
    let on_key = move |event: ev::KeyboardEvent| {
        let is_field = event.target().is_some_and(|it| it.has_type::<web_sys::HtmlInputElement>());
        if event.key() == "Enter" && is_field && it.words.with_untracked(|words| !words.is_empty()) {
            search_all();
        }
    };
    let is_filtered = derived(move || it.words.with(|words| !words.is_empty()) && it.is_followed());
    let everything = live(move || {
        is_filtered.get().then(|| {
            let pattern = move |is| is_pattern.set(is);
            view! {
                {check("Pattern".to_owned(), is_pattern.get_untracked(), Box::new(pattern))}
                {button("button", "search", live(|| "Search everything".to_owned()), Box::new(move |_| search_all()))}
            }
            .into_any()
        })
    });
    let back = live(move || {
        (!it.is_followed()).then(|| {
            let follow = Box::new(move |_| it.asked.set(Asked::Follow));
            button("button", "end", live(|| "Back to the end".to_owned()), follow)
        })
    });
    let pressed = |is: RwSignal<bool>| live(move || is.get().to_string());
    let switch = |is: RwSignal<bool>| Box::new(move |_| is.update(|is| *is = !*is));
    let download =
        format!("{}{}?download=true", Site::expect().base_path, routes::CONTAINER_LOGS.replace("{id}", key.id()));
    view! {
        <div class="tools" on:keydown=on_click(on_key)>
            <Search what="lines" value on_input=Box::new(move |words| it.look_for(words)) />
            {everything}
            {back}
            <p class="quiet" role="status">{live(move || words(it))}</p>
            {toggle("button", "wrap", "Wrap", pressed(it.wraps), switch(it.wraps))}
            {toggle("button", "events", "Times", pressed(it.times), switch(it.times))}
            <a class="button" href=download download="">"Download"</a>
        </div>
    }
    .into_any()
}

/// What is here, and what is not.
fn words(it: Logs) -> String {
    it.changed.track();
    let (count, dropped) = it.buffer.with_value(|buffer| (buffer.len(), buffer.dropped()));
    let count = format::count(count, ["{} line", "{} lines"]);
    match it.asked.get() {
        Asked::Search(..) => {
            let searched = it.searched.get().unwrap_or_default();
            let more = if searched.is_cut { ", the first of which are here" } else { "" };
            let state = if it.end.with(Option::is_some) { "" } else { "Searching: " };
            let (hits, lines) = (searched.hits as usize, searched.lines as usize);
            format!(
                "{state}{} in {}{more}",
                format::count(hits, ["{} hit", "{} hits"]),
                format::count(lines, ["{} line", "{} lines"])
            )
        }
        Asked::Around(line) => format!("{count} around {}", format::exact(line.at)),
        Asked::Follow => {
            let missing = dropped + it.skipped.get();
            let missing =
                if missing > 0 { format!(", {missing} before or between not held here") } else { String::new() };
            format!("{count}{missing}")
        }
    }
}
