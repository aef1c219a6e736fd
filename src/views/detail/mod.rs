//! `/images/:id`, `/volumes/:name` and `/networks/:id`: one resource, its facts and the containers that use it.

mod image;
mod network;
mod volume;

use super::{
    Site,
    page_entry::{FIRST, Visit},
    resource_list::{
        ListPage, RowMenu, dialogs,
        row_menu::{allowed, menu_panel, more_button},
        usage_words,
    },
    widgets::{Ago, boxed, empty},
};
use crate::{
    client::{ErasedMemo, Row, Store, erased_memo, t},
    model::{Container, EngineState, Entity, Key, Kind, Labels, Timestamp},
};
pub(super) use image::IMAGE;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
pub(super) use network::NETWORK;
use std::sync::Arc;
pub(super) use volume::VOLUME;

/// Finds a resource by ID, name or tag, or by an ID prefix of at least 12 characters.
fn find(state: &EngineState, kind: Kind, said: &str) -> Option<Key> {
    let is_called = |it: &&Entity| {
        let tags = it.as_image().map(|it| &*it.tags).unwrap_or_default();
        it.key().id() == said || it.name() == said || tags.iter().any(|tag| tag == said)
    };
    let begins = |it: &&Entity| {
        let key = it.key();
        said.len() >= 12 && key.id().strip_prefix("sha256:").unwrap_or(key.id()).starts_with(said)
    };
    let found = state.entities(kind).find(is_called).or_else(|| state.entities(kind).find(begins));
    found.map(Entity::key)
}

/// A resource and the containers that use it.
fn with_users(kind: Kind, visit: &Visit) -> Vec<Key> {
    let entity = find(visit.state, kind, visit.id).and_then(|key| visit.state.get(&key));
    let Some(entity) = entity else { return Vec::new() };
    let users = visit.state.containers().filter(|it| is_used_by(entity, it)).take(FIRST);
    let users = users.map(|it| Key::Container(it.host.clone(), it.id.clone()));
    std::iter::once(entity.key()).chain(users).collect()
}

fn is_used_by(entity: &Entity, container: &Container) -> bool {
    entity.as_used().is_some_and(|used| container.uses().contains(&used))
}

/// `body` is the page's content below its head.
fn resource_page(list: &'static ListPage, gone: &'static str, body: fn(RowMenu, &Key, Row) -> AnyView) -> AnyView {
    let store = expect_context::<Store>();
    let said = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let menu = RowMenu::new();
    let found = {
        let (store, said) = (store.clone(), said.clone());
        erased_memo(move || {
            store.track_members(list.kind);
            store.is_whole();
            store.look(|state| find(state, list.kind, &said))
        })
    };
    let page = boxed(move || match found.get().and_then(|key| Some((store.entity(&key)?, key))) {
        Some((row, key)) => page(list, menu, &key, row, body),
        None => {
            let words = crate::t!("{} doesn't exist. It may have been removed.", said);
            let all = crate::t!("All {}", t(list.what));
            let back = view! { <a class="button" href=Site::expect().page(list.path)>{all}</a> };
            view! { <Title text=t(gone) /> {empty(list.what, t(gone), boxed(move || words.clone()), back.into_any())} }
                .into_any()
        }
    });
    view! { {page} {menu_panel(menu, list.menu_items)} {dialogs(menu)} }.into_any()
}

fn page(
    list: &'static ListPage,
    menu: RowMenu,
    key: &Key,
    row: Row,
    body: fn(RowMenu, &Key, Row) -> AnyView,
) -> AnyView {
    let (title, name, named, used) = (row.clone(), row.clone(), row.clone(), row.clone());
    let usage = move || {
        let entity = used.get();
        usage_words(entity.usage().unwrap_or_default(), entity.as_image().is_some_and(|it| it.is_dangling()))
    };
    let word = usage.clone();
    let items = expect_context::<Store>().look(|state| state.get(key).map(|it| allowed((list.menu_items)(it)).count()));
    let menu_button = (items > Some(0)).then(|| more_button(menu, key.clone(), move || named.get().name().to_owned()));
    view! {
        <Title text=move || title.get().name().to_owned() />
        <div class="head">
            <a class="up" href=Site::expect().page(list.path)>{t(list.title)}</a>
            <h1>{boxed(move || name.get().name().to_owned())}</h1>
            <span class="state use" data-use=boxed(move || Some(usage().0))>{boxed(move || word().1)}</span>
            {menu_button}
        </div>
        {body(menu, key, row)}
    }
    .into_any()
}

/// `main` with the resource's facts beside it.
fn beside(title: &'static str, main: AnyView, facts: AnyView) -> AnyView {
    view! {
        <div class="container-page thing">
            <div class="main">{main}</div>
            <section class="what" aria-labelledby="what">
                <h2 id="what">{t(title)}</h2>
                {facts}
            </section>
        </div>
    }
    .into_any()
}

/// Containers that use it, running ones first.
fn users_of(key: &Key) -> ErasedMemo<Vec<Arc<Container>>> {
    let (store, key) = (expect_context::<Store>(), key.clone());
    erased_memo(move || {
        store.track(Kind::Container);
        store.look(|state| {
            let Some(entity) = state.get(&key) else { return Vec::new() };
            let mut users: Vec<_> = state.containers().filter(|it| is_used_by(entity, it)).cloned().collect();
            users.sort_by(|a, b| (!a.state.is_up(), &a.name).cmp(&(!b.state.is_up(), &b.name)));
            users
        })
    })
}

fn name_of(site: &Site, it: &Container) -> AnyView {
    let href = site.page(&format!("/containers/{}", it.id));
    view! { <a class="state" data-state=it.state.to_string() href=href>{it.name.clone()}</a> }.into_any()
}

/// The containers that use it. `how` describes the use by each.
fn users(key: &Key, how: impl Fn(&Container) -> String + Send + Sync + 'static) -> AnyView {
    let site = Site::expect();
    let users = users_of(key);
    let list = boxed(move || {
        let users = users.get();
        if users.is_empty() {
            return view! { <p class="quiet">{t("Not used by any container.")}</p> }.into_any();
        }
        let one = |it: &Arc<Container>| {
            view! { <li>{name_of(&site, it)} <span class="quiet">{how(it)}</span></li> }.into_any()
        };
        let rows: Vec<_> = users.iter().map(one).collect();
        view! { <ul class="users">{rows}</ul> }.into_any()
    });
    view! { <h2>{t("Used by")}</h2> {list} }.into_any()
}

fn fact(term: &'static str, value: AnyView) -> AnyView {
    view! { <div><dt>{t(term)}</dt><dd>{value}</dd></div> }.into_any()
}

fn text(term: &'static str, value: impl Into<String>) -> AnyView {
    fact(term, value.into().into_any())
}

fn created(time: Option<Timestamp>) -> Option<AnyView> {
    time.map(|time| fact("Created", view! { <Ago time /> }.into_any()))
}

/// One paragraph per value. `None` if there are no values.
fn several(term: &'static str, values: impl IntoIterator<Item = String>) -> Option<AnyView> {
    let values: Vec<_> = values.into_iter().map(|value| view! { <p>{value}</p> }.into_any()).collect();
    (!values.is_empty()).then(|| fact(term, values.into_any()))
}

fn labels(labels: &Labels) -> Option<AnyView> {
    several("Labels", labels.iter().map(|(key, value)| format!("{key}={value}")))
}

fn grid(facts: impl IntoIterator<Item = Option<AnyView>>) -> AnyView {
    let facts: Vec<_> = facts.into_iter().flatten().collect();
    view! { <dl class="facts">{facts}</dl> }.into_any()
}
