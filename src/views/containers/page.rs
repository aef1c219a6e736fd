//! Head, tools, list; what the address asks for; what is selected.

use super::{
    acts::Acts,
    dialogs::{RemoveDialog, RowMenu},
    list::List,
    tools::{Head, SelectionTools, Tools},
};
use crate::{
    client::{ContainerColumn, ContainerQuery, Store, select_containers},
    model::{Container, ContainerState, Key, Kind},
    views::widgets::{Command, Icon, live},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
};
use std::collections::BTreeSet;

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub(super) struct Page {
    pub query: Memo<ContainerQuery>,
    /// Ids as the query asks for them.
    pub chosen: Memo<Vec<Key>>,
    pub selected: RwSignal<BTreeSet<Key>>,
    pub acts: Acts,
}

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Empty,
    NoMatch,
    List,
}

pub(super) fn key_of(container: &std::sync::Arc<Container>) -> Key {
    Key::Container(container.host.clone(), container.id.clone())
}

#[component]
pub fn ContainersPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let query = query_of_address();
    let chosen = {
        let store = store.clone();
        Memo::new(move |_| {
            store.track_members(Kind::Container);
            query.with(|query| {
                query.facets().into_iter().for_each(|facet| store.track_facet(facet));
                store.look(|state| select_containers(state.containers(), query).into_iter().map(key_of).collect())
            })
        })
    };
    let page = Page { query, chosen, selected: RwSignal::new(BTreeSet::new()), acts: Acts::new() };
    provide_context(page);

    let shown = Memo::new(move |_| match (store.count(Kind::Container), chosen.with(Vec::len)) {
        (0, _) => Shown::Empty,
        (_, 0) => Shown::NoMatch,
        _ => Shown::List,
    });
    view! {
        <Title text="Containers" />
        <Head />
        {live(move || match shown.get() {
            Shown::Empty => view! { <NoContainers /> }.into_any(),
            Shown::List => view! { <ToolRow /> <List /> }.into_any(),
            Shown::NoMatch => view! { <ToolRow /> <NoMatch /> }.into_any(),
        })}
        <RowMenu />
        <RemoveDialog />
    }
}

/// Filters, or what can be done with the selection.
#[component]
fn ToolRow() -> impl IntoView {
    let page = expect_context::<Page>();
    let selecting = Memo::new(move |_| page.selected.with(|selected| !selected.is_empty()));
    live(move || if selecting.get() { view! { <SelectionTools /> }.into_any() } else { view! { <Tools /> }.into_any() })
}

#[component]
fn NoContainers() -> impl IntoView {
    view! {
        <section class="empty">
            <Icon name="containers" />
            <h2>"No containers yet"</h2>
            <p>"Start one in a terminal and it appears here at once."</p>
            <Command text="docker run -d --name hello -p 8080:80 nginx" />
        </section>
    }
}

#[component]
fn NoMatch() -> impl IntoView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let ask = ask_for();
    let hidden = move || format!("{} hidden by the filter.", store.count(Kind::Container));
    view! {
        <section class="empty">
            <Icon name="search" />
            <h2>"Nothing matches"</h2>
            <p>{live(hidden)}</p>
            <button class="button" on:click=move |_| {
                let query = page.query.get_untracked();
                ask(ContainerQuery { search: String::new(), state: None, ..query });
            }>"Clear filters"</button>
        </section>
    }
}

fn query_of_address() -> Memo<ContainerQuery> {
    let address = use_query_map();
    Memo::new(move |_| {
        address.with(|address| ContainerQuery {
            search: address.get_str("q").unwrap_or_default().to_owned(),
            state: address.get_str("state").and_then(ContainerState::parse),
            sort: address.get_str("sort").and_then(ContainerColumn::parse).unwrap_or_default(),
            descending: address.get_str("dir") == Some("desc"),
            grouped: address.get_str("group") == Some("project"),
        })
    })
}

/// Puts what is asked for into the address, which shares the view and from which the list follows.
pub(super) fn ask_for() -> impl Fn(ContainerQuery) + Clone + Send + Sync + 'static {
    let navigate = use_navigate();
    let base = crate::views::Site::expect();
    move |query: ContainerQuery| {
        let mut address = leptos_router::params::ParamsMap::new();
        let mut say = |key: &'static str, value: &str, is_default: bool| {
            if !is_default {
                address.insert(key, value.to_owned());
            }
        };
        say("q", &query.search, query.search.is_empty());
        say("state", query.state.map_or("", ContainerState::as_str), query.state.is_none());
        say("sort", query.sort.as_str(), query.sort == ContainerColumn::default());
        say("dir", "desc", !query.descending);
        say("group", "project", !query.grouped);
        let to = format!("{}{}", base.page("/containers"), address.to_query_string());
        navigate(&to, NavigateOptions { replace: true, scroll: false, resolve: false, ..Default::default() });
    }
}
