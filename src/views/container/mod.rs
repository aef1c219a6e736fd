//! `/containers/:id`: one container, its facts and its resource usage.

mod facts;
mod inside;
mod logs;
mod recipe;
mod recording;
mod terminal;

use super::{
    Site,
    containers::{ContainerActions, MANAGING, button_of, first},
    files::{FILES, FilesLocation},
    format,
    lazy::{lazy, lazy_code},
    may,
    page_entry::{Code, PageEntry, on_server},
    usage_charts::{span_of_address, span_tools, usage_charts},
    widgets::{Icon, boxed, empty, on_click},
};
use crate::{
    client::{ErasedMemo, Row, Store, Subscriptions, effect, erased_memo, t},
    model::{Container, ContainerAction, EngineState, FilesOf, Key, Permission},
};
use facts::facts;
use leptos::{
    ev::{KeyboardEvent, MouseEvent, PointerEvent},
    prelude::*,
};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use recording::Recording;
use std::sync::Arc;

/// Finds a container by its full ID, by an ID prefix of at least 12 characters, or by its name.
fn find(state: &EngineState, id: &str) -> Option<Key> {
    let named = |it: &&Arc<Container>| it.id.as_str() == id || it.name == id;
    let begins = |it: &&Arc<Container>| id.len() >= 12 && it.id.as_str().starts_with(id);
    let found = state.containers().find(named).or_else(|| state.containers().find(begins));
    found.map(|it| Key::Container(it.host.clone(), it.id.clone()))
}

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Container",
    link: None,
    code: Code::Lazy(CODE),
    initial_state: on_server(|visit| find(visit.state, visit.id).into_iter().collect()),
};

lazy_code!(CODE in usage: ContainerPage());
lazy_code!(pub(super) LOGS in log: logs::logs());
lazy_code!(TERMINAL in log: terminal::terminal_part());
lazy_code!(PROCESSES in log: inside::processes_part());
lazy_code!(CHANGES in log: inside::changes_part());
lazy_code!(INSPECT in log: inside::inspect_part());
lazy_code!(RECIPE in log: recipe::recipe_part());

#[component]
pub fn ContainerPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    let found = {
        let (store, id) = (store.clone(), id.clone());
        erased_memo(move || {
            store.track_members(crate::model::Kind::Container);
            store.is_whole();
            store.look(|state| find(state, &id))
        })
    };
    boxed(move || match found.get() {
        Some(key) => page(&key),
        None => gone(&id),
    })
}

fn gone(id: &str) -> AnyView {
    let words = crate::t!("{} doesn't exist. It may have been removed.", id);
    let back = view! { <a class="button" href=Site::expect().page("/containers")>{t("All containers")}</a> }.into_any();
    view! {
        <Title text=t("Container not found") />
        {empty("containers", t("Container not found"), boxed(move || words.clone()), back)}
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
        boxed(move || row.container(|it| it.failed_with().map(|_| "")))
    };
    let actions = ContainerActions::new();
    provide_context(actions);
    provide_context(Shown(key.clone()));
    if let Key::Container(host, id) = key {
        let page = Site::expect().page(&format!("/containers/{id}?tab=files&"));
        provide_context(FilesLocation { host: host.clone(), of: FilesOf::Container(id.clone()), page });
    }
    let part = part_of_address();
    let is = move |it: Part| erased_memo(move || part.get() == it);
    let shown = key.clone();
    let overview = boxed(move || (part.get() == Part::Overview).then(|| overview(&shown, row.clone())));
    view! {
        <Title text=move || title.container(|it| it.name.clone()) />
        <div class="head">
            <a class="up" href=Site::expect().page("/containers")>{t("Containers")}</a>
            <h1>{boxed(move || name.container(|it| it.name.clone()))}</h1>
            {state_mark(state, failed)}
            {buttons(actions, key.clone())}
            {more(actions, key)}
        </div>
        {parts(key, part)}
        {overview}
        {lazy(is(Part::Logs), LOGS)}
        {lazy(is(Part::Terminal), TERMINAL)}
        {lazy(is(Part::Processes), PROCESSES)}
        {lazy(is(Part::Files), FILES)}
        {lazy(is(Part::Changes), CHANGES)}
        {lazy(is(Part::Inspect), INSPECT)}
        {lazy(is(Part::Recipe), RECIPE)}
    }
    .into_any()
}

/// The container shown by the page.
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
    fn permission(self) -> Permission {
        match self {
            Self::Overview => Permission::See,
            Self::Terminal => Permission::Execute,
            Self::Files => Permission::Reveal,
            Self::Logs | Self::Processes | Self::Changes | Self::Inspect | Self::Recipe => Permission::Read,
        }
    }

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

    /// The parts that the user may see.
    fn offered() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|part| may(part.permission()))
    }

    /// The value in the address, and the label of the link.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("", "Overview"),
            Self::Logs => ("logs", "Logs"),
            Self::Terminal => ("terminal", "Terminal"),
            Self::Processes => ("processes", "Processes"),
            Self::Files => ("files", "Files"),
            Self::Changes => ("changes", "Changes"),
            Self::Inspect => ("inspect", "Inspect"),
            Self::Recipe => ("recipe", "Run / Compose"),
        }
    }
}

fn part_of_address() -> ErasedMemo<Part> {
    let address = use_query_map();
    let offered: Vec<_> = Part::offered().collect();
    erased_memo(move || {
        let said = address.with(|address| address.get("tab")).unwrap_or_default();
        offered.iter().copied().find(|part| part.words().0 == said).unwrap_or_default()
    })
}

fn parts(key: &Key, shown: ErasedMemo<Part>) -> AnyView {
    let path = Site::expect().page(&format!("/containers/{}", key.id()));
    let link = |part: Part| {
        let (word, name) = part.words();
        let href = if word.is_empty() { path.clone() } else { format!("{path}?tab={word}") };
        let current = boxed(move || (shown.get() == part).then_some("page"));
        view! { <a href=href aria-current=current>{t(name)}</a> }.into_any()
    };
    view! { <nav class="parts" aria-label=t("Sections")>{Part::offered().map(link).collect::<Vec<_>>()}</nav> }
        .into_any()
}

fn overview(key: &Key, row: Row) -> AnyView {
    let store = expect_context::<Store>();
    let path = format!("/containers/{}", key.id());
    let (span, paused) = (span_of_address(), RwSignal::new(false));
    let recording = Recording::of(&store, key);
    let look = store.subscriber();
    let looked_at = key.clone();
    effect(move || {
        let Key::Container(_, id) = &looked_at else { return };
        look(Subscriptions { ids: vec![id.clone()], ..Subscriptions::default() });
    });
    let Key::Container(host, id) = key.clone() else { return ().into_any() };
    let charts = usage_charts(
        host,
        Some(id),
        recording.points(),
        (span, paused),
        t("Stats appear while the container is running."),
    );
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

fn state_mark(row: Row, failed: crate::views::widgets::Boxed<Option<&'static str>>) -> AnyView {
    let word = row.clone();
    view! {
        <span class="state" data-state=boxed(move || row.container(|it| it.state.to_string())) data-code=failed>
            {boxed(move || word.container(|it| t(format::state_word(it)).to_owned()))}
        </span>
    }
    .into_any()
}

/// The menu also offered in the list's rows, with its dialogs.
fn more(actions: ContainerActions, key: &Key) -> AnyView {
    // Its menu would have no items.
    if !may(Permission::Operate) && !may(Permission::Reveal) {
        return ().into_any();
    }
    let row = expect_context::<Store>().entity(key);
    let label = boxed(move || {
        crate::t!("More actions for {}", row.as_ref().map(|row| row.get().name().to_owned()).unwrap_or_default())
    });
    let key = key.clone();
    let open = move |event: MouseEvent| {
        use wasm_bindgen::JsCast;
        actions.menu_from.set(event.current_target().and_then(|it| it.dyn_into().ok()));
        actions.menu.set(Some(key.clone()));
    };
    view! {
        <button
            class="button square"
            aria-label=label
            aria-haspopup="menu"
            on:click=on_click(open)
        >
            <Icon name="more" />
        </button>
        {lazy(erased_memo(move || actions.is_open()), MANAGING)}
    }
    .into_any()
}

/// Buttons for the most likely actions in the container's state.
fn buttons(actions: ContainerActions, key: Key) -> AnyView {
    let store = expect_context::<Store>();
    let state = {
        let row = store.entity(&key);
        erased_memo(move || {
            row.as_ref().map(|row| row.container(|it| Some((it.state, it.name.clone(), actions.is_pending(it)))))
        })
    };
    boxed(move || {
        let (state, name, is_pending) = state.get().flatten().filter(|_| may(Permission::Operate))?;
        let one = |class, icon, action: ContainerAction| {
            let verb = t(action.verb());
            let offered = vec![(key.clone(), action, state)];
            let (by_pointer, by_key) = (offered.clone(), offered.clone());
            view! {
                <button
                    class=class
                    aria-label=crate::t!("{} {}", verb, name)
                    on:pointerdown=on_click(move |event: PointerEvent| actions.press(button_of(&event), by_pointer.clone()))
                    on:keydown=on_click(move |event: KeyboardEvent| actions.press(button_of(&event), by_key.clone()))
                    on:click=on_click(move |event: MouseEvent| actions.click(button_of(&event), offered.clone()))
                >
                    <Icon name=icon />
                    {verb}
                </button>
            }
            .into_any()
        };
        let (action, icon) = first(state);
        let first = one(if is_pending { "button waiting" } else { "button" }, icon, action);
        let restart = state.is_up().then(|| one("button", "restart", ContainerAction::Restart { timeout: None }));
        // The optional button stands before the permanent one, which so keeps its place under the pointer.
        Some(view! { {restart} {first} }.into_any())
    })
    .into_any()
}
