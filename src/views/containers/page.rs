//! Head, tools, list; what the address asks for; what is selected.

use super::{
    acts::Acts,
    list::List,
    tools::{Head, Tools},
};
use crate::{
    client::{ContainerColumn, ContainerQuery, Derived, OrderedContainers, Store, derived, t},
    model::{Container, ContainerState, Key, Kind},
    views::{
        format,
        later::{apart, managing, selection},
        listing::go_to,
        widgets::{Command, button, empty, live},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use std::sync::Arc;

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub query: Derived<ContainerQuery>,
    /// Ids as the query asks for them.
    pub chosen: Derived<Arc<Vec<Key>>>,
    /// Sorted.
    pub selected: RwSignal<Vec<Key>>,
    pub acts: Acts,
}

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Empty,
    NoMatch,
    List,
}

pub(super) fn key_of(container: &Arc<Container>) -> Key {
    Key::Container(container.host.clone(), container.id.clone())
}

#[component]
pub fn ContainersPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let query = query_of_address();
    let chosen = {
        let store = store.clone();
        let ordered = StoredValue::new(OrderedContainers::default());
        derived(move || {
            store.track_members(Kind::Container);
            query.with(|query| {
                if query.sort.used().is_some() {
                    store.track_ranks();
                }
                query.facets().into_iter().for_each(|facet| store.track_facet(facet));
                let mut ordered = ordered.write_value();
                ordered.select(&store, query)
            })
        })
    };
    let page = Page { query, chosen, selected: RwSignal::new(Vec::new()), acts: Acts::new() };
    provide_context(page);
    provide_context(page.acts);

    let shown = derived(move || match (store.count(Kind::Container), chosen.with(|chosen| chosen.len())) {
        (0, _) => Shown::Empty,
        (_, 0) => Shown::NoMatch,
        _ => Shown::List,
    });
    let acts = page.acts;
    let managed = derived(move || acts.is_open());
    view! {
        <Title text=t("Containers") />
        <Head />
        {live(move || match shown.get() {
            Shown::Empty => no_containers(),
            Shown::List => view! { <ToolRow /> <List /> }.into_any(),
            Shown::NoMatch => view! { <ToolRow /> {no_match()} }.into_any(),
        })}
        {apart(managed, || Box::pin(managing()))}
    }
}

/// Filters, or what can be done with the selection.
#[component]
fn ToolRow() -> impl IntoView {
    let page = expect_context::<Page>();
    let selecting = derived(move || page.selected.with(|selected| !selected.is_empty()));
    let tools = live(move || (!selecting.get()).then(|| view! { <Tools /> }.into_any()));
    view! { {tools} {apart(selecting, || Box::pin(selection()))} }
}

fn no_containers() -> AnyView {
    let hint = live(|| t("Start one in a terminal and it appears here at once.").to_owned());
    let command = view! { <Command text="docker run -d --name hello -p 8080:80 nginx" /> }.into_any();
    empty("containers", "No containers yet", hint, command)
}

fn no_match() -> AnyView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let ask = ask_for();
    let hidden = live(move || {
        crate::t!(
            "{} hidden by the filter.",
            format::count(store.count(Kind::Container), ["{} container", "{} containers"])
        )
    });
    let clear = move |_| ask(ContainerQuery { search: String::new(), state: None, ..page.query.get_untracked() });
    let button = button("button", "close", live(|| t("Clear filters").to_owned()), Box::new(clear));
    empty("search", "Nothing matches", hidden, button)
}

fn query_of_address() -> Derived<ContainerQuery> {
    let address = use_query_map();
    derived(move || address.with(query_of))
}

/// What an address asks for.
pub fn query_of(address: &ParamsMap) -> ContainerQuery {
    ContainerQuery {
        search: address.get_str("q").unwrap_or_default().to_owned(),
        state: address.get_str("state").and_then(ContainerState::parse),
        sort: address.get_str("sort").and_then(ContainerColumn::parse).unwrap_or_default(),
        descending: address.get_str("dir") == Some("desc"),
        grouped: address.get_str("group") == Some("project"),
    }
}

/// Puts what is asked for into the address, which shares the view and from which the list follows.
pub(super) fn ask_for() -> impl Fn(ContainerQuery) + Clone + Send + Sync + 'static {
    let to = go_to("/containers");
    move |query: ContainerQuery| {
        let sort = if query.sort == ContainerColumn::default() { "" } else { query.sort.as_str() };
        to(&[
            ("q", &query.search),
            ("state", query.state.map_or("", ContainerState::as_str)),
            ("sort", sort),
            ("dir", if query.descending { "desc" } else { "" }),
            ("group", if query.grouped { "project" } else { "" }),
        ]);
    }
}
