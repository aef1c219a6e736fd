//! Title, view switch, search and filters; and what can be done with a selection.

use super::page::{Page, ask_for, key_of};
use crate::{
    client::{ContainerQuery, Density, Facet, Layout, Prefs, Store},
    model::{Container, ContainerAction, ContainerState, Kind},
    views::{
        format,
        widgets::{Icon, Search, live, on_click},
    },
};
use leptos::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

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
    let is = move |layout| (prefs.layout.get() == layout).to_string();
    view! {
        <div class="head">
            <h1>"Containers" <small>{count}</small></h1>
            <button class="button" aria-pressed=live(move || page.query.with(|query| query.grouped).to_string()) on:click=on_click(group)>
                <Icon name="group" />
                <span>"Group by project"</span>
            </button>
            <button
                class="button"
                aria-pressed=live(move || (prefs.density.get() == Density::Compact).to_string())
                on:click=on_click(toggle_density)
            >
                <Icon name="compact" />
                <span>"Compact"</span>
            </button>
            <div class="segmented" role="group" aria-label="View">
                <button aria-pressed=live(move || is(Layout::Table)) on:click=move |_| set_layout(Layout::Table)>
                    <Icon name="table" />
                    "Table"
                </button>
                <button aria-pressed=live(move || is(Layout::Cards)) on:click=move |_| set_layout(Layout::Cards)>
                    <Icon name="cards" />
                    "Cards"
                </button>
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
    let search = move |search| ask(ContainerQuery { search, ..page.query.get_untracked() });
    let chips = FILTERS.map(|(word, state)| view! { <Filter word state /> }).collect_view();
    view! {
        <div class="tools">
            <Search what="containers" value=Signal::derive(move || page.query.with(|query| query.search.clone())) on_input=search />
            <div class="chips" role="group" aria-label="State">{chips}</div>
        </div>
    }
}

#[component]
fn Filter(word: &'static str, state: Option<ContainerState>) -> impl IntoView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    let ask = ask_for();
    let count = Memo::new(move |_| {
        store.track_members(Kind::Container);
        store.track_facet(Facet::State);
        let query = ContainerQuery { state, ..ContainerQuery::default() };
        store.look(|all| all.containers().filter(|it| query.wants_state(it.state)).count())
    });
    let pressed = live(move || page.query.with(|query| query.state == state).to_string());
    view! {
        <button
            class="chip"
            aria-pressed=pressed
            on:click=move |_| ask(ContainerQuery { state, ..page.query.get_untracked() })
        >
            {word}
            " "
            <b>{live(move || count.get().to_string())}</b>
        </button>
    }
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
    view! {
        <div class="tools" role="toolbar" aria-label="Selection">
            <p>{live(move || format!("{} selected", selected.with(Vec::len)))}</p>
            <Bulk selected verb="Start" icon="start" takes=|it| !it.state.is_up() action=ContainerAction::Start />
            <Bulk
                selected
                verb="Stop"
                icon="stop"
                takes=|it| it.state.is_up()
                action=ContainerAction::Stop { timeout: None }
            />
            <Bulk
                selected
                verb="Restart"
                icon="restart"
                takes=|it| it.state.is_up()
                action=ContainerAction::Restart { timeout: None }
            />
            <button
                class="button danger"
                on:click=move |_| {
                    page.acts.removing.set(selected.with(|it| it.iter().map(key_of).collect()));
                }
            >
                <Icon name="remove" />
                {live(move || format!("Remove {}", format::count(selected.with(Vec::len), "container")))}
            </button>
            <button class="button bare end" on:click=move |_| page.selected.set(BTreeSet::new())>
                <Icon name="close" />
                "Clear selection"
            </button>
        </div>
    }
}

/// One action on those of the selection that it makes sense for; away when it is none.
#[component]
fn Bulk(
    selected: Memo<Vec<Arc<Container>>>,
    verb: &'static str,
    icon: &'static str,
    takes: fn(&Container) -> bool,
    action: ContainerAction,
) -> impl IntoView {
    let page = expect_context::<Page>();
    let fitting = Memo::new(move |_| selected.with(|it| it.iter().filter(|it| takes(it)).cloned().collect::<Vec<_>>()));
    let act = Callback::new(move |()| {
        for container in fitting.get_untracked() {
            page.acts.act(&key_of(&container), action.clone());
        }
    });
    live(move || {
        let count = fitting.with(Vec::len);
        (count > 0).then(|| {
            view! {
                <button class="button" on:click=move |_| act.run(())>
                    <Icon name=icon />
                    {format!("{verb} {}", format::count(count, "container"))}
                </button>
            }
            .into_any()
        })
    })
}
