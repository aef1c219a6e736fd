//! `/containers/:id`: one container, what it is and what it uses.

mod facts;
mod inside;
mod logs;
mod recipe;
mod recording;
mod terminal;

use super::{
    Site,
    containers::{Acts, first},
    files::Shelf,
    format,
    later::{Inside, apart, inside, log, managing},
    usage_charts::{span_of_address, span_tools, usage_charts},
    widgets::{Icon, empty, live, on_click},
};
use crate::{
    client::{Derived, Looks, Row, Store, derived, effect, t},
    model::{Container, ContainerAction, EngineState, FilesOf, Key},
};
use facts::facts;
pub(super) use inside::{changes_part, inspect_part, processes_part};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
pub(super) use logs::logs;
pub(super) use recipe::recipe_part;
use recording::Recording;
use std::sync::Arc;
pub(super) use terminal::terminal_part;

/// By its whole id, or by the beginning of it, or by its name.
pub fn find(state: &EngineState, id: &str) -> Option<Key> {
    let named = |it: &&Arc<Container>| it.id.as_str() == id || it.name == id;
    let begins = |it: &&Arc<Container>| id.len() >= 12 && it.id.as_str().starts_with(id);
    let found = state.containers().find(named).or_else(|| state.containers().find(begins));
    found.map(|it| Key::Container(it.host.clone(), it.id.clone()))
}

#[component]
pub fn ContainerPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let found = {
        let (store, id) = (store.clone(), id.clone());
        derived(move || {
            store.track_members(crate::model::Kind::Container);
            store.is_whole();
            store.look(|state| find(state, &id))
        })
    };
    live(move || match found.get() {
        Some(key) => page(&key),
        None => gone(&id),
    })
}

fn gone(id: &str) -> AnyView {
    let words = crate::t!("Nothing here is called {}. It may have been removed.", id);
    let back = view! { <a class="button" href=Site::expect().page("/containers")>{t("All containers")}</a> }.into_any();
    view! {
        <Title text=t("No such container") />
        {empty("containers", t("No such container"), live(move || words.clone()), back)}
    }
    .into_any()
}

fn page(key: &Key) -> AnyView {
    let store = expect_context::<Store>();
    let Some(row) = store.entity(key) else {
        return ().into_any();
    };
    let (title, name, state) = (row.clone(), row.clone(), row.clone());
    let failed = {
        let row = row.clone();
        live(move || row.container(|it| it.failed_with().map(|_| "")))
    };
    let acts = Acts::new();
    provide_context(acts);
    provide_context(Shown(key.clone()));
    if let Key::Container(host, id) = key {
        let page = Site::expect().page(&format!("/containers/{id}?tab=files&"));
        provide_context(Shelf { host: host.clone(), of: FilesOf::Container(id.clone()), page });
    }
    let part = part_of_address();
    let is = move |it: Part| derived(move || part.get() == it);
    let shown = key.clone();
    let overview = live(move || (part.get() == Part::Overview).then(|| overview(&shown, row.clone())));
    view! {
        <Title text=move || title.container(|it| it.name.clone()) />
        <div class="head">
            <a class="up" href=Site::expect().page("/containers")>{t("Containers")}</a>
            <h1>{live(move || name.container(|it| it.name.clone()))}</h1>
            {state_mark(state, failed)}
            {buttons(acts, key.clone())}
            {more(acts, key)}
        </div>
        {parts(key, part)}
        {overview}
        {apart(is(Part::Logs), || Box::pin(log()))}
        {apart(is(Part::Terminal), || Box::pin(inside(Inside::Terminal)))}
        {apart(is(Part::Processes), || Box::pin(inside(Inside::Processes)))}
        {apart(is(Part::Files), || Box::pin(inside(Inside::Files)))}
        {apart(is(Part::Changes), || Box::pin(inside(Inside::Changes)))}
        {apart(is(Part::Inspect), || Box::pin(inside(Inside::Inspect)))}
        {apart(is(Part::Recipe), || Box::pin(inside(Inside::Recipe)))}
    }
    .into_any()
}

/// The container that the page shows.
#[derive(Clone)]
struct Shown(Key);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Overview,
    Logs,
    Terminal,
    Processes,
    Files,
    Changes,
    Inspect,
    Recipe,
}

impl Part {
    const ALL: [Self; 8] = [
        Self::Overview,
        Self::Logs,
        Self::Terminal,
        Self::Processes,
        Self::Files,
        Self::Changes,
        Self::Inspect,
        Self::Recipe,
    ];

    /// As the address says it, and the word on its link.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("", "Overview"),
            Self::Logs => ("logs", "Logs"),
            Self::Terminal => ("terminal", "Terminal"),
            Self::Processes => ("processes", "Processes"),
            Self::Files => ("files", "Files"),
            Self::Changes => ("changes", "Changes"),
            Self::Inspect => ("inspect", "Inspect"),
            Self::Recipe => ("recipe", "Recipe"),
        }
    }
}

fn part_of_address() -> Derived<Part> {
    let address = use_query_map();
    derived(move || {
        let said = address.with(|address| address.get("tab")).unwrap_or_default();
        Part::ALL.into_iter().find(|part| part.words().0 == said).unwrap_or_default()
    })
}

fn parts(key: &Key, shown: Derived<Part>) -> AnyView {
    let path = Site::expect().page(&format!("/containers/{}", key.id()));
    let link = |part: Part| {
        let (word, name) = part.words();
        let href = if word.is_empty() { path.clone() } else { format!("{path}?tab={word}") };
        let current = live(move || (shown.get() == part).then_some("page"));
        view! { <a href=href aria-current=current>{t(name)}</a> }.into_any()
    };
    view! { <nav class="parts" aria-label=t("Parts of the page")>{Part::ALL.map(link).into_iter().collect::<Vec<_>>()}</nav> }
        .into_any()
}

fn overview(key: &Key, row: Row) -> AnyView {
    let store = expect_context::<Store>();
    let path = format!("/containers/{}", key.id());
    let (span, paused) = (span_of_address(), RwSignal::new(false));
    let recording = Recording::of(&store, key);
    let look = store.looker();
    let looked_at = key.clone();
    effect(move || {
        let Key::Container(_, id) = &looked_at else { return };
        look(Looks { ids: vec![id.clone()], ..Looks::default() });
    });
    let Key::Container(host, id) = key.clone() else { return ().into_any() };
    let charts = usage_charts(host, Some(id), recording.points(), (span, paused), t("Figures come while it runs."));
    view! {
        <div class="container-page">
            <section class="usage" aria-labelledby="usage">
                <header>
                    <h2 id="usage">{t("Usage")}</h2>
                    {span_tools(&path, span, paused)}
                </header>
                {charts}
            </section>
            <section class="what" aria-labelledby="what">
                <h2 id="what">{t("Container")}</h2>
                {facts(row)}
            </section>
        </div>
    }
    .into_any()
}

fn state_mark(row: Row, failed: crate::views::widgets::Live<Option<&'static str>>) -> AnyView {
    let word = row.clone();
    view! {
        <span class="state" data-state=live(move || row.container(|it| it.state.to_string())) data-code=failed>
            {live(move || word.container(|it| t(format::state_word(it)).to_owned()))}
        </span>
    }
    .into_any()
}

/// The menu that a row of the list has too, and what it asks.
fn more(acts: Acts, key: &Key) -> AnyView {
    let name =
        expect_context::<Store>().look(|state| state.get(key).map(|it| it.name().to_owned())).unwrap_or_default();
    let key = key.clone();
    let open = move |event: leptos::ev::MouseEvent| {
        use wasm_bindgen::JsCast;
        acts.menu_from.set(event.current_target().and_then(|it| it.dyn_into().ok()));
        acts.menu.set(Some(key.clone()));
    };
    view! {
        <button
            class="button square"
            aria-label=crate::t!("More actions for {}", name)
            aria-haspopup="menu"
            on:click=on_click(open)
        >
            <Icon name="more" />
        </button>
        {apart(derived(move || acts.is_open()), || Box::pin(managing()))}
    }
    .into_any()
}

/// What is likeliest in its state.
fn buttons(acts: Acts, key: Key) -> AnyView {
    let store = expect_context::<Store>();
    let state = {
        let row = store.entity(&key);
        derived(move || {
            row.as_ref().map(|row| row.container(|it| Some((it.state, it.name.clone(), acts.is_pending(it)))))
        })
    };
    live(move || {
        let (state, name, is_pending) = state.get().flatten()?;
        let one = |class, icon, action: ContainerAction| {
            let (verb, key) = (t(action.verb()), key.clone());
            let act = move |_| acts.act(&key, action.clone());
            view! {
                <button class=class aria-label=crate::t!("{} {}", verb, name) on:click=on_click(act)>
                    <Icon name=icon />
                    {verb}
                </button>
            }
            .into_any()
        };
        let (action, icon) = first(state);
        let first = one(if is_pending { "button waiting" } else { "button" }, icon, action);
        let restart = state.is_up().then(|| one("button", "restart", ContainerAction::Restart { timeout: None }));
        Some(view! { {first} {restart} }.into_any())
    })
    .into_any()
}
