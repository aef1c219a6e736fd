//! Sidebar: a link to each page, with counts.

use crate::{
    client::{Store, t},
    views::{
        Site,
        page_entry::{Count, PageEntry, Place, SidebarLink},
        widgets::{Boxed, Icon, boxed},
    },
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

#[component]
pub fn Sidebar(pages: &'static [(&'static str, &'static PageEntry)]) -> impl IntoView {
    let site = Site::expect();
    let links = |place: Place| -> Vec<AnyView> {
        let of_place = pages.iter().filter_map(|(path, page)| Some((*path, page.title, page.link?)));
        of_place.filter(|(.., it)| it.place == place).map(|(path, title, it)| link(&site, path, title, it)).collect()
    };
    view! {
        <nav class="sidebar" aria-label=t("Main")>
            <a class="brand" href=site.page("/") aria-label="Quaylight">
                <Icon name="mark" />
                <span>"Quaylight"</span>
            </a>
            {links(Place::Top)}
            {links(Place::Foot)}
        </nav>
    }
}

fn link(site: &Site, path: &'static str, title: &'static str, link: SidebarLink) -> AnyView {
    let store = expect_context::<Store>();
    let SidebarLink { icon, place, count } = link;
    let count = match count {
        Count::None => None,
        Count::Entities(kind) => Some(boxed(move || Some(store.count_words(kind)))),
        Count::FiringAlerts => {
            let firing = store.firing();
            Some(boxed(move || Some(firing.get()).filter(|count| *count > 0).map(|count| count.to_string())))
        }
    };
    view! {
        <a class=(place == Place::Foot).then_some("foot") href=site.page(path) aria-current=current(site, path)>
            <Icon name=icon />
            <span>{t(title)}</span>
            {count.map(|count| view! { <b data-count=icon>{count}</b> }.into_any())}
        </a>
    }
    .into_any()
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
