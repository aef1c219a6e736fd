//! Title, view switch, search and filters; and what can be done with a selection.

use super::page::{Page, ask_for, key_of};
use crate::{
    client::{ContainerQuery, Density, Facet, Layout, Prefs, Store},
    model::{Container, ContainerAction, ContainerState, Kind},
    views::{
        format,
        widgets::{Search, button, chip, live, toggle},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

#[component]
pub(super) fn Head() -> impl IntoView {
    let store = expect_context::<Store>();
    let prefs = expect_context::<Prefs>();
    let page = expect_context::<Page>();
    let ask = ask_for();
    let count = live(move || store.count(Kind::Container).to_string());
    let set_layout = move |layout| {
        prefs.layout.set(layout);
        crate::views::remember(prefs);
    };
    let toggle_density = move |_| {
        let compact = prefs.density.get_untracked() == Density::Compact;
        prefs.density.set(if compact { Density::Normal } else { Density::Compact });
        crate::views::remember(prefs);
    };
    let group = move |_| {
        let query = page.query.get_untracked();
        ask(ContainerQuery { grouped: !query.grouped, ..query });
    };
    let segment = |icon: &'static str, word: &'static str, layout| {
        let pressed = live(move || (prefs.layout.get() == layout).to_string());
        toggle("", icon, word, pressed, Box::new(move |_| set_layout(layout)))
    };
    view! {
        <div class="head">
            <h1>"Containers" " " <small>{count}</small></h1>
            {toggle(
                "button",
                "group",
                "Group by project",
                live(move || page.query.with(|query| query.grouped).to_string()),
                Box::new(group),
            )}
            {toggle(
                "button",
                "compact",
                "Compact",
                live(move || (prefs.density.get() == Density::Compact).to_string()),
                Box::new(toggle_density),
            )}
            <div class="segmented" role="group" aria-label="View">
                {segment("table", "Table", Layout::Table)}
                {segment("cards", "Cards", Layout::Cards)}
            </div>
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
            <div class="chips" role="group" aria-label="State">{chips}</div>
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
    let pressed = live(move || page.query.with(|query| query.state == state).to_string());
    let choose = move |_| ask(ContainerQuery { state, ..page.query.get_untracked() });
    chip(word, pressed, live(count), Box::new(choose))
}

#[component]
pub(super) fn SelectionTools() -> impl IntoView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    // What has gone meanwhile is no longer selected.
    let selected = Memo::new(move |_| {
        store.track_members(Kind::Container);
        store.track_facet(Facet::State);
        let selected = page.selected.get();
        store
            .look(|state| selected.iter().filter_map(|key| state.get(key)?.as_container().cloned()).collect::<Vec<_>>())
    });
    let remove = move |_| page.acts.removing.set(selected.with(|it| it.iter().map(key_of).collect()));
    let how_many = move || format!("Remove {}", format::count(selected.with(Vec::len), "container"));
    view! {
        <div class="tools" role="toolbar" aria-label="Selection">
            <p>{live(move || format!("{} selected", selected.with(Vec::len)))}</p>
            {bulk(selected, "start", |it| !it.state.is_up(), ContainerAction::Start)}
            {bulk(selected, "stop", |it| it.state.is_up(), ContainerAction::Stop { timeout: None })}
            {bulk(selected, "restart", |it| it.state.is_up(), ContainerAction::Restart { timeout: None })}
            {button("button danger", "remove", live(how_many), Box::new(remove))}
            {button(
                "button bare end",
                "close",
                live(|| "Clear selection".to_owned()),
                Box::new(move |_| page.selected.set(Vec::new())),
            )}
        </div>
    }
}

/// One action on those of the selection that it makes sense for; away when it is none.
fn bulk(
    selected: Memo<Vec<Arc<Container>>>,
    icon: &'static str,
    takes: fn(&Container) -> bool,
    action: ContainerAction,
) -> impl IntoView {
    let page = expect_context::<Page>();
    let count = move || selected.with(|it| it.iter().filter(|it| takes(it)).count());
    let any = Memo::new(move |_| count() > 0);
    live(move || {
        let action = action.clone();
        let verb = action.verb();
        any.get().then(|| {
            let words = live(move || format!("{verb} {}", format::count(count(), "container")));
            let act = move |_| {
                let fitting =
                    selected.with_untracked(|it| it.iter().filter(|it| takes(it)).map(key_of).collect::<Vec<_>>());
                fitting.iter().for_each(|key| page.acts.act(key, action.clone()));
            };
            button("button", icon, words, Box::new(act))
        })
    })
}
