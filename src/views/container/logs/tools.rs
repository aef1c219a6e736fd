//! Toolbar of the logs: search, display options, and line counts.

use super::{Logs, OnDemand};
use crate::{
    client::{erased_memo, t},
    model::Key,
    views::{
        Site, format,
        widgets::{Search, boxed, button, check, on_click, toggle},
    },
    wire::routes,
};
use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

pub(super) fn tools(it: Logs, key: &Key) -> AnyView {
    let value = Signal::derive(move || it.words.get());
    let is_pattern = RwSignal::new(false);
    let search_all = move || it.asked.set(OnDemand::Search(it.words.get_untracked(), is_pattern.get_untracked()));
    let on_key = move |event: ev::KeyboardEvent| {
        let is_field = event.target().is_some_and(|it| it.has_type::<web_sys::HtmlInputElement>());
        if event.key() == "Enter" && is_field && it.words.with_untracked(|words| !words.is_empty()) {
            search_all();
        }
    };
    let is_filtered = erased_memo(move || it.words.with(|words| !words.is_empty()) && it.is_followed());
    let everything = boxed(move || {
        is_filtered.get().then(|| {
            let pattern = move |is| is_pattern.set(is);
            view! {
                {check(t("Regex").to_owned(), is_pattern.get_untracked(), Box::new(pattern))}
                {button("button", "search", boxed(|| t("Search full log").to_owned()), Box::new(move |_| search_all()))}
            }
            .into_any()
        })
    });
    let back = boxed(move || {
        (!it.is_followed()).then(|| {
            let follow = Box::new(move |_| it.asked.set(OnDemand::Follow));
            button("button", "end", boxed(|| t("Back to live").to_owned()), follow)
        })
    });
    let pressed = |is: RwSignal<bool>| boxed(move || is.get().to_string());
    let switch = |is: RwSignal<bool>| Box::new(move |_| is.update(|is| *is = !*is));
    let download =
        format!("{}{}?download=true", Site::expect().base_path, routes::CONTAINER_LOGS.replace("{id}", key.id()));
    view! {
        <div class="tools" on:keydown=on_click(on_key)>
            <Search what=t("lines") value on_input=Box::new(move |words| it.look_for(words)) />
            {everything}
            {back}
            <p class="quiet" role="status">{boxed(move || words(it))}</p>
            {toggle("button", "wrap", t("Wrap lines"), pressed(it.wraps), switch(it.wraps))}
            {toggle("button", "events", t("Timestamps"), pressed(it.times), switch(it.times))}
            <a class="button" href=download download="">{t("Download")}</a>
        </div>
    }
    .into_any()
}

/// The count of lines, and of lines that are missing.
fn words(it: Logs) -> String {
    it.changed.track();
    let (count, dropped) = it.buffer.with_value(|buffer| (buffer.len(), buffer.dropped()));
    let count = format::count(count, ["{} line", "{} lines"]);
    match it.asked.get() {
        OnDemand::Search(..) => {
            let searched = it.searched.get().unwrap_or_default();
            let lines = format::count(searched.lines as usize, ["{} line", "{} lines"]);
            let found = if searched.hits == 1 { "{} match in {}" } else { "{} matches in {}" };
            let found = crate::t!(found, searched.hits, lines);
            let found = if searched.is_cut { crate::t!("{} (showing the first ones)", found) } else { found };
            if it.has_ended.get() { found } else { crate::t!("Searching: {}", found) }
        }
        OnDemand::Around(line) => crate::t!("{} around {}", count, format::exact(line.at)),
        OnDemand::Follow => {
            let missing = dropped + it.skipped.get();
            if missing > 0 { crate::t!("{} ({} more not loaded)", count, missing) } else { count }
        }
    }
}
