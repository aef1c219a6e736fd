//! Title, view switch, search and filters.

use super::{
    actions::Dialog,
    page::{Page, ask_for},
    usage,
};
use crate::{
    client::{ContainerQuery, Prefs, Store, erased_memo, t},
    model::{ContainerState, Density, Kind, Layout, Permission, Scope},
    views::{
        may,
        widgets::{Icon, Search, boxed, chip, on_click, toggle},
    },
};
use leptos::prelude::*;

#[component]
pub(super) fn Head() -> impl IntoView {
    let store = expect_context::<Store>();
    let prefs = expect_context::<Prefs>();
    let page = expect_context::<Page>();
    let ask = ask_for();
    let counted = store.clone();
    let count = boxed(move || counted.count(Kind::Container).to_string());
    let loads = store.loads();
    let load = erased_memo(move || {
        loads
            .with(|it| it.of(&Scope::Host).map(|load| usage::host_words(load, it.machines.first())))
            .unwrap_or_default()
    });
    let set_layout = move |layout| prefs.change(|it| it.layout = layout);
    let toggle_density = move |_| {
        prefs.change(|it| {
            it.density = if it.density == Density::Compact { Density::Normal } else { Density::Compact };
        });
    };
    let group = move |_| {
        let query = page.query.get_untracked();
        ask(ContainerQuery { grouped: !query.grouped, ..query });
    };
    let segment = |icon: &'static str, word: &'static str, layout| {
        let pressed = boxed(move || prefs.read(|it| it.layout == layout).to_string());
        toggle("", icon, word, pressed, Box::new(move |_| set_layout(layout)))
    };
    let actions = page.actions;
    let offer = move |class, icon, word: &'static str, open_dialog: Dialog| {
        let ask = move |_: leptos::ev::MouseEvent| actions.open_dialog.set(open_dialog.clone());
        may(Permission::Create).then(|| {
            view! {
                <button class=class aria-label=t(word) on:click=on_click(ask)>
                    <Icon name=icon />
                    <span>{t(word)}</span>
                </button>
            }
            .into_any()
        })
    };
    view! {
        <div class="head">
            <h1>{t("Containers")} " " <small>{count}</small></h1>
            <p class="load">{boxed(move || load.get())}</p>
            {toggle(
                "button",
                "group",
                "Group by project",
                boxed(move || page.query.with(|query| query.grouped).to_string()),
                Box::new(group),
            )}
            {toggle(
                "button",
                "compact",
                "Compact",
                boxed(move || prefs.read(|it| it.density == Density::Compact).to_string()),
                Box::new(toggle_density),
            )}
            <div class="segmented" role="group" aria-label=t("View")>
                {segment("table", "Table", Layout::Table)}
                {segment("cards", "Cards", Layout::Cards)}
            </div>
            {offer("button bare", "prune", "Prune", Dialog::Prune)}
            {offer("button main", "add", "Create", Dialog::New)}
        </div>
    }
}

const FILTERS: [(&str, Option<ContainerState>); 6] = [
    ("All", None),
    ("Running", Some(ContainerState::Running)),
    ("Paused", Some(ContainerState::Paused)),
    ("Restarting", Some(ContainerState::Restarting)),
    ("Created", Some(ContainerState::Created)),
    ("Exited", Some(ContainerState::Exited)),
];

#[component]
pub(super) fn Tools() -> impl IntoView {
    let page = expect_context::<Page>();
    let ask = ask_for();
    let chips = FILTERS.map(|(word, state)| filter(word, state)).into_iter().collect::<Vec<_>>();
    let value = Signal::derive(move || page.query.with(|query| query.search.clone()));
    let search = move |search| ask(ContainerQuery { search, ..page.query.get_untracked() });
    view! {
        <div class="tools">
            <Search what="containers" value on_input=Box::new(search) />
            <div class="chips" role="group" aria-label=t("State")>{chips}</div>
        </div>
    }
}

fn filter(word: &'static str, state: Option<ContainerState>) -> AnyView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let ask = ask_for();
    let count = move || {
        let query = ContainerQuery { state, ..ContainerQuery::default() };
        let wanted = ContainerState::ALL.into_iter().filter(|state| query.wants_state(*state));
        wanted.map(|state| store.in_state(state)).sum::<usize>().to_string()
    };
    let pressed = boxed(move || page.query.with(|query| query.state == state).to_string());
    let choose = move |_| ask(ContainerQuery { state, ..page.query.get_untracked() });
    chip(word, pressed, boxed(count), Box::new(choose))
}
