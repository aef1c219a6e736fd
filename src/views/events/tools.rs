//! Search, filters and export of events. All of it is in the address, so that copying it shares the view.

use super::feed::Address;
use crate::client::{ErasedMemo, t};
use crate::views::{
    Access, Site,
    resource_list::go_to,
    widgets::{Icon, Search, boxed, button, chip},
};
use leptos::prelude::*;
use std::sync::Arc;

/// Query parameters of the page. The server accepts the same ones, and more.
const KEYS: [&str; 10] = ["kind", "action", "entity", "project", "q", "since", "until", "noise", "by", "around"];

const TIMES: [(&str, &str); 4] = [("Any time", ""), ("Last hour", "1h"), ("24 hours", "24h"), ("7 days", "7d")];

const KINDS: [(&str, &str); 7] = [
    ("All", ""),
    ("Containers", "container"),
    ("Images", "image"),
    ("Volumes", "volume"),
    ("Networks", "network"),
    ("Engine", "daemon"),
    ("Alerts", "alert"),
];

pub(super) fn said(address: &Address, key: &str) -> String {
    address.iter().find(|(its, _)| its == key).map(|(_, value)| value.clone()).unwrap_or_default()
}

pub(super) fn tools(asked: ErasedMemo<Address>) -> AnyView {
    let to = go_to("/events");
    let ask: Arc<dyn Fn(&'static str, String) + Send + Sync> = Arc::new(move |key: &'static str, value: String| {
        let now = asked.get_untracked();
        let pairs: Vec<_> =
            KEYS.iter().map(|its| (*its, if *its == key { value.clone() } else { said(&now, its) })).collect();
        to(&pairs.iter().map(|(key, value)| (*key, value.as_str())).collect::<Vec<_>>());
    });
    let one_of = |key: &'static str, word: &'static str, value: &'static str| {
        let (ask, again) = (ask.clone(), value);
        let pressed = boxed(move || asked.with(|asked| said(asked, key) == again).to_string());
        chip(word, pressed, boxed(String::new), Box::new(move |_| ask(key, value.to_owned())))
    };
    let on_or_off = |key: &'static str, word: &'static str, on: &'static str| {
        let ask = ask.clone();
        let is_on = move || asked.with(|asked| said(asked, key) == on);
        let toggle =
            move |_| ask(key, if asked.with_untracked(|asked| said(asked, key) == on) { "" } else { on }.to_owned());
        chip(word, boxed(move || is_on().to_string()), boxed(String::new), Box::new(toggle))
    };
    let of_users = expect_context::<Access>().user.is_some().then_some(("Users", "user"));
    let kinds: Vec<_> = KINDS.into_iter().chain(of_users).map(|(word, kind)| one_of("kind", word, kind)).collect();
    let times: Vec<_> = TIMES.iter().map(|(word, since)| one_of("since", word, since)).collect();
    let others = vec![on_or_off("by", "User actions", "users"), on_or_off("noise", "Verbose", "true")];
    // Filters that no chip represents, each with a button to remove it.
    let rest = {
        let ask = ask.clone();
        boxed(move || {
            let asked = asked.get();
            let known = |key: &str, value: &str| key == "since" && TIMES.iter().any(|(_, since)| *since == value);
            let chosen = ["entity", "project", "action", "around", "since", "until"].into_iter().filter_map(|key| {
                let value = said(&asked, key);
                let ask = ask.clone();
                let words = format!("{}: {}", t(key), short(&value));
                (!value.is_empty() && !known(key, &value)).then(|| {
                    button(
                        "chip chosen",
                        "close",
                        boxed(move || words.clone()),
                        Box::new(move |_| ask(key, String::new())),
                    )
                })
            });
            chosen.collect::<Vec<_>>()
        })
    };
    let value = Signal::derive(move || asked.with(|asked| said(asked, "q")));
    let search = move |text| ask("q", text);
    view! {
        <div class="tools filters">
            <Search what="events" value on_input=Box::new(search) />
            <div class="chips" role="group" aria-label=t("Type")>{kinds}</div>
            <div class="chips" role="group" aria-label=t("Time and other filters")>{times}{others}{rest}</div>
        </div>
    }
    .into_any()
}

/// Shortens a full ID, which identifies no better than its prefix.
fn short(value: &str) -> String {
    super::row::short(value).unwrap_or_else(|| value.to_owned())
}

/// Links that export the events matching the current filters.
pub(super) fn exports(asked: ErasedMemo<Address>) -> AnyView {
    let file = |format: &'static str, word: &'static str| {
        let base = Site::expect().page("/api/events");
        let href = boxed(move || {
            let pairs = asked.with(|asked| {
                asked.iter().map(|(key, value)| format!("{key}={}&", super::row::encoded(value))).collect::<String>()
            });
            format!("{base}?{pairs}format={format}")
        });
        view! {
            // `external` keeps the router from handling the link.
            <a class="button" href=href download="" rel="external" aria-label=crate::t!("Export as {}", word)>
                <Icon name="download" />
                <span>{word}</span>
            </a>
        }
        .into_any()
    };
    view! { {file("ndjson", "NDJSON")} {file("csv", "CSV")} }.into_any()
}

/// The parts of the address that the page uses.
pub(super) fn address(map: &leptos_router::params::ParamsMap) -> Address {
    let pairs = KEYS.iter().filter_map(|key| Some(((*key).to_owned(), map.get_str(key)?.to_owned())));
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}
