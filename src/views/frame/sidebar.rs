//! Sidebar: a link to each page, with counts.

use crate::{
    client::{Store, t},
    model::Kind,
    views::{
        Site,
        widgets::{Boxed, Icon, boxed},
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

#[component]
pub fn Sidebar() -> impl IntoView {
    let site = Site::expect();
    let foot = |path: &'static str, icon: &'static str, word: &'static str| {
        view! {
            <a class="foot" href=site.page(path) aria-current=current(&site, path)>
                <Icon name=icon />
                <span>{t(word)}</span>
            </a>
        }
    };
    view! {
        <nav class="sidebar" aria-label=t("Main")>
            <a class="brand" href=site.page("/") aria-label="Quaylight">
                <Icon name="mark" />
                <span>"Quaylight"</span>
            </a>
            <Entry path="/" icon="dashboard" word="Dashboard" />
            <Entry path="/containers" icon="containers" word="Containers" count=Kind::Container />
            <Entry path="/images" icon="images" word="Images" count=Kind::Image />
            <Entry path="/volumes" icon="volumes" word="Volumes" count=Kind::Volume />
            <Entry path="/networks" icon="networks" word="Networks" count=Kind::Network />
            <Entry path="/events" icon="events" word="Events" />
            <Entry path="/alerts" icon="alerts" word="Alerts" firing=true />
            {foot("/engine", "engine", "Engine")}
            {foot("/realtime-test", "realtime", "Realtime test")}
            {foot("/settings", "settings", "Settings")}
        </nav>
    }
}

#[component]
fn Entry(
    path: &'static str,
    icon: &'static str,
    word: &'static str,
    #[prop(optional)] count: Option<Kind>,
    /// Shows the number of firing alerts, or nothing if there are none.
    #[prop(optional)]
    firing: bool,
) -> impl IntoView {
    let store = expect_context::<Store>();
    let site = Site::expect();
    let current = current(&site, path);
    let firing = firing.then(|| {
        let firing = store.firing();
        let count = boxed(move || Some(firing.get()).filter(|count| *count > 0).map(|count| count.to_string()));
        view! { <b data-count=icon>{count}</b> }.into_any()
    });
    let count = count.map(|count| view! { <b data-count=icon>{boxed(move || store.count_words(count))}</b> });
    view! {
        <a href=site.page(path) aria-current=current>
            <Icon name=icon />
            <span>{t(word)}</span>
            {count}
            {firing}
        </a>
    }
}

/// Marks the link of the current page.
fn current(site: &Site, path: &'static str) -> Boxed<Option<&'static str>> {
    let here = use_location().pathname;
    let base = site.base_path.clone();
    let is_here = move |here: &String| {
        let rest = here.strip_prefix(&*base).unwrap_or(here).strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || path != "/" && rest.starts_with('/'))
    };
    boxed(move || here.with(&is_here).then_some("page"))
}
