//! `/events`: the history of events, newest first, with live updates.

mod details;
mod feed;
pub(super) mod phrase;
mod row;
mod tools;

use super::{
    Site, format,
    lazy::lazy_code,
    page_entry::{Code, Count, PageEntry, SidebarLink},
    rows::{RowKey, RowKeys, on_screen, rows},
    widgets::{Command, boxed, button, empty, on_click},
};
use crate::{
    client::{Store, Subscriptions, effect, erased_memo, t, translate},
    model::HistoryStatus,
    wire::PageSeed,
};
use feed::{Feed, Loading, MOST};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use std::time::Duration;

/// Poll interval on transports that don't deliver events.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// Older events are loaded when the screen is this many lines from the end.
const AHEAD: usize = 30;

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Waiting,
    Failed,
    Empty,
    NoMatch,
    Rows,
}

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Events",
    link: SidebarLink::top("events", Count::None),
    code: Code::Lazy(CODE),
    initial_state: None,
};

lazy_code!(CODE in pages: EventsPage());

#[component]
pub fn EventsPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let map = use_query_map();
    let asked = erased_memo(move || map.with(tools::address));
    let first = use_context::<PageSeed>().and_then(|first| first.take());
    let mut is_here = first.is_some();
    let feed = Feed::new(first);
    provide_context(feed);
    let look = store.subscriber();
    store.listen(move |heard| feed.on_message(heard));
    let (asks, polls) = (store.clone(), store.clone());
    effect(move || {
        feed.ask(asked.get(), &asks, std::mem::take(&mut is_here));
    });
    effect(move || {
        look(Subscriptions { events: true, ..Subscriptions::default() });
        let polls = polls.clone();
        if let Ok(timer) = set_interval_with_handle(move || feed.poll(&polls), POLL_EVERY) {
            on_cleanup(move || timer.clear());
        }
    });
    let seen = on_screen();
    effect(move || {
        let (end, count) = (seen.with(|seen| seen.end), feed.shown.with(Vec::len));
        if end > 0 && end + AHEAD >= count && count < MOST {
            feed.older();
        }
    });
    let shown = erased_memo(move || match (feed.loading.get(), feed.shown.with(Vec::is_empty)) {
        (Loading::Failed(_), true) => Shown::Failed,
        (Loading::First, true) => Shown::Waiting,
        (_, false) => Shown::Rows,
        (_, true) if asked.with(Vec::is_empty) => Shown::Empty,
        (_, true) => Shown::NoMatch,
    });
    view! {
        <Title text=t("Events") />
        <div class="head">
            <h1>{t("Events")}</h1>
            {tools::exports(asked)}
        </div>
        {boxed(move || off(&feed.history.get()))}
        {tools::tools(asked)}
        {boxed(move || match shown.get() {
            Shown::Waiting => view! { <p class="quiet events-end" aria-busy="true">{t("Loading events…")}</p> }.into_any(),
            Shown::Failed => {
                let words = move || if let Loading::Failed(why) = feed.loading.get() { translate(&why) } else { String::new() };
                let again = button("button", "restart", boxed(|| t("Try again").to_owned()), Box::new(move |_| feed.again()));
                empty("error", "Couldn't load events", boxed(words), again)
            }
            Shown::Empty => {
                let command = view! { <Command text="docker run --rm hello-world" /> }.into_any();
                let words = || t("Engine events and user actions appear here instantly.").to_owned();
                empty("events", "No events yet", boxed(words), command)
            }
            Shown::NoMatch => {
                let all = view! { <a class="button" href=Site::expect().page("/events")>{t("Show all events")}</a> }.into_any();
                let words = || t("No events match these filters.").to_owned();
                empty("search", "No results", boxed(words), all)
            }
            Shown::Rows => table(feed),
        })}
        {details::details()}
    }
}

/// The reason why events aren't being kept, if so.
fn off(history: &HistoryStatus) -> Option<AnyView> {
    let HistoryStatus::Off { reason } = history else { return None };
    let words = crate::t!("Events aren't being saved: {}.", translate(reason));
    Some(
        view! {
            <p class="banner" role="status">
                <super::widgets::Icon name="warn" />
                {words}
                <span>{t("Only recent events are shown, and they're lost when Quaylight restarts. Retrying automatically.")}</span>
            </p>
        }
        .into_any(),
    )
}

fn table(feed: Feed) -> AnyView {
    let lines = erased_memo(move || {
        RowKeys::mixed(feed.shown.with(|shown| shown.iter().map(|event| RowKey::Number(event.seq)).collect()))
    });
    let new = boxed(move || {
        let count = feed.held.with(Vec::len);
        (count > 0).then(|| {
            let words = crate::t!("{} new", count);
            let show = move |_| {
                feed.release();
                if let Some(main) = document().query_selector("main").ok().flatten() {
                    main.set_scroll_top(0);
                }
            };
            view! { <button class="button main new" on:click=on_click(show)>{words}</button> }.into_any()
        })
    });
    let now = expect_context::<Store>().now().get_untracked();
    let heads = [
        ("when", crate::t!("Time ({})", format::zone(now))),
        ("what", t("Event").to_owned()),
        ("name", t("Resource").to_owned()),
        ("project", t("Project").to_owned()),
        ("code number", t("Exit code").to_owned()),
        ("who", t("User").to_owned()),
    ];
    let heads: Vec<_> =
        heads.map(|(class, word)| view! { <th class=class role="columnheader">{word}</th> }.into_any()).into();
    let left = move |_| {
        if !feed::is_being_read() {
            feed.release();
        }
    };
    let end = boxed(move || {
        let count = feed.shown.with(Vec::len);
        match (feed.loading.get(), feed.more.get()) {
            (Loading::Failed(why), _) => crate::t!("Couldn't load older events: {}", translate(&why)),
            (_, false) => t("End of events.").to_owned(),
            (_, true) if count >= MOST => {
                crate::t!("Showing {} events. Narrow the search or export to see older ones.", MOST)
            }
            _ => t("Loading older events…").to_owned(),
        }
    });
    view! {
        <div class="news" role="status">{new}</div>
        <table
            class="table events"
            role="table"
            aria-label=t("Events")
            aria-rowcount="-1"
            on:mouseleave=on_click(left)
        >
            <thead role="rowgroup">
                <tr role="row">{heads}</tr>
            </thead>
            {rows(lines, row::row)}
        </table>
        <p class="quiet events-end">{end}</p>
    }
    .into_any()
}

/// The icon for a kind of resource.
pub(super) fn kind_icon(kind: &str) -> &'static str {
    match kind {
        "container" => "containers",
        "image" => "images",
        "volume" => "volumes",
        "network" => "networks",
        "daemon" => "dashboard",
        "alert" | "rule" | "channel" | "quiet_hours" => "alerts",
        _ => "events",
    }
}
