//! Container list page: head, tools, list, query and selection.

use super::{
    actions::ContainerActions,
    list::List,
    tools::{Head, Tools},
};
use crate::{
    client::{
        ContainerColumn, ContainerQuery, ErasedMemo, OrderedContainers, Store, erased_memo, select_containers, t,
    },
    model::{Container, ContainerState, Key, Kind},
    views::{
        format,
        lazy::lazy,
        page_entry::{Code, Count, FIRST, PageEntry, SidebarLink, Visit, on_server},
        resource_list::go_to,
        widgets::{Command, boxed, button, empty},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use std::sync::Arc;

/// State shared by the parts of the page.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub query: ErasedMemo<ContainerQuery>,
    /// Keys that match the query, in its order.
    pub chosen: ErasedMemo<Arc<Vec<Key>>>,
    /// Selected keys, sorted.
    pub selected: RwSignal<Vec<Key>>,
    pub actions: ContainerActions,
}

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Empty,
    /// The engine was not reached yet.
    Unknown,
    NoMatch,
    List,
}

pub(super) fn key_of(container: &Arc<Container>) -> Key {
    Key::Container(container.host.clone(), container.id.clone())
}

pub(in crate::views) const PAGE: PageEntry = PageEntry {
    title: "Containers",
    link: SidebarLink::top("containers", Count::Entities(Kind::Container)),
    // Most visits begin here.
    code: Code::First(|| ContainersPage().into_any()),
    initial_state: on_server(first_containers),
};

/// The containers at the top of the list.
pub(in crate::views) fn first_containers(visit: &Visit) -> Vec<Key> {
    let chosen = select_containers(visit.state.containers(), &query_of(visit.query)).into_iter().take(FIRST);
    chosen.map(key_of).collect()
}

#[component]
fn ContainersPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let query = query_of_address();
    let chosen = {
        let store = store.clone();
        let ordered = StoredValue::new(OrderedContainers::default());
        erased_memo(move || {
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
    let page = Page { query, chosen, selected: RwSignal::new(Vec::new()), actions: ContainerActions::new() };
    provide_context(page);
    provide_context(page.actions);

    let shown = erased_memo(move || match (store.count(Kind::Container), chosen.with(|chosen| chosen.len())) {
        (0, _) if store.is_unknown() => Shown::Unknown,
        (0, _) => Shown::Empty,
        (_, 0) => Shown::NoMatch,
        _ => Shown::List,
    });
    let actions = page.actions;
    let managed = erased_memo(move || actions.is_open());
    view! {
        <Title text=t("Containers") />
        <Head />
        {boxed(move || match shown.get() {
            Shown::Unknown => empty("engine", "Connecting to the engine…", boxed(String::new), ().into_any()),
            Shown::Empty => no_containers(),
            Shown::List => view! { <ToolRow /> <List /> }.into_any(),
            Shown::NoMatch => view! { <ToolRow /> {no_match()} }.into_any(),
        })}
        {lazy(managed, super::MANAGING)}
    }
}

/// Filters, or bulk actions while containers are selected.
#[component]
fn ToolRow() -> impl IntoView {
    let page = expect_context::<Page>();
    let selecting = erased_memo(move || page.selected.with(|selected| !selected.is_empty()));
    let tools = boxed(move || (!selecting.get()).then(|| view! { <Tools /> }.into_any()));
    view! { {tools} {lazy(selecting, super::SELECTION)} }
}

fn no_containers() -> AnyView {
    let hint = boxed(|| t("Start one with the CLI. It appears here instantly.").to_owned());
    let command = view! { <Command text="docker run -d --name hello -p 8080:80 nginx" /> }.into_any();
    empty("containers", "No containers yet", hint, command)
}

fn no_match() -> AnyView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let ask = ask_for();
    let hidden = boxed(move || {
        crate::t!(
            "{} hidden by filters.",
            format::count(store.count(Kind::Container), ["{} container", "{} containers"])
        )
    });
    let clear = move |_| ask(ContainerQuery { search: String::new(), state: None, ..page.query.get_untracked() });
    let button = button("button", "close", boxed(|| t("Clear filters").to_owned()), Box::new(clear));
    empty("search", "No results", hidden, button)
}

fn query_of_address() -> ErasedMemo<ContainerQuery> {
    let address = use_query_map();
    erased_memo(move || address.with(query_of))
}

/// Parses the query from the address.
fn query_of(address: &ParamsMap) -> ContainerQuery {
    ContainerQuery {
        search: address.get_str("q").unwrap_or_default().to_owned(),
        state: address.get_str("state").and_then(ContainerState::parse),
        sort: address.get_str("sort").and_then(ContainerColumn::parse).unwrap_or_default(),
        descending: address.get_str("dir") == Some("desc"),
        grouped: address.get_str("group") == Some("project"),
    }
}

/// Writes the query into the address. The list follows the address, so copying it shares the view.
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
