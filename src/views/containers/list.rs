//! Container table: header, groups and rows.

use super::{
    columns::{COLUMNS, Hideable},
    page::{Page, ask_for},
    row::{action_of, row},
    usage,
};
use crate::{
    client::{
        ContainerColumn, ContainerQuery, Facet, Prefs, Store, Subscriptions, effect, erased_memo, scoped_memo, t,
    },
    model::{ContainerAction, ContainerId, ContainerState, Density, Key, Kind, Layout, Scope},
    views::{
        rows::{RowKey, RowKeys, on_screen, rows},
        widgets::{boxed, column, on_click, sort_word},
    },
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent, PointerEvent},
    prelude::*,
};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

/// The number of columns, with the checkbox and the actions.
const COLSPAN: usize = COLUMNS.len() + 2;

#[component]
pub(super) fn List() -> impl IntoView {
    let page = expect_context::<Page>();
    let prefs = expect_context::<Prefs>();
    let store = expect_context::<Store>();
    let collapsed = RwSignal::new(Vec::<Option<String>>::new());
    let lines = erased_memo(move || {
        let chosen = page.chosen.get();
        if !page.query.with(|query| query.grouped) {
            return RowKeys::Entities(chosen);
        }
        RowKeys::mixed(grouped(&store, &chosen, &collapsed.read()))
    });
    let class = boxed(move || {
        let (layout, density) = prefs.read(|it| (it.layout, it.density));
        let cards = if layout == Layout::Cards { " cards" } else { "" };
        let compact = if density == Density::Compact { " compact" } else { "" };
        let grouped = if page.query.with(|query| query.grouped) { " grouped" } else { "" };
        let selecting = if page.selected.with(Vec::is_empty) { "" } else { " selecting" };
        format!("table containers{cards}{compact}{grouped}{selecting}")
    });
    let hidden = boxed(move || {
        let is_hidden = |it: &Hideable| prefs.read(|preferences| preferences.hidden.contains(&it.column));
        let hidden = COLUMNS.iter().filter(|it| it.hideable.as_ref().is_some_and(is_hidden));
        let classes: Vec<_> = hidden.map(|it| it.class).collect();
        (!classes.is_empty()).then(|| classes.join(" "))
    });
    let seen = on_screen();
    let look = expect_context::<Store>().subscriber();
    effect(move || {
        let ids = lines.with(|lines| lines.entities_between(seen.get()).filter_map(container_id).collect());
        let (all, projects) = page.query.with(|query| (query.sort.used().is_some(), query.grouped));
        look(Subscriptions { ids, all, loads: true, projects, ..Subscriptions::default() });
    });
    let heads: Vec<_> = COLUMNS.iter().map(|it| sortable(it.head_class, it.head, it.sort)).collect();
    view! {
        <table
            class=class
            role="table"
            aria-label=t("Containers")
            data-hidden=hidden
            on:pointerdown=on_click(move |event: PointerEvent| pressed(page, &event))
            on:keydown=on_click(move |event: KeyboardEvent| pressed(page, &event))
            on:click=on_click(move |event: MouseEvent| clicked(page, &event))
            on:change=on_click(move |event: Event| picked(page, &event))
            aria-rowcount=boxed(move || (lines.with(RowKeys::len) + 1).to_string())
        >
            <thead role="rowgroup">
                <tr role="row">
                    <th class="pick" role="columnheader"><SelectAll /></th>
                    {heads}
                    <th class="act" role="columnheader"><span class="heard">{t("Actions")}</span></th>
                </tr>
            </thead>
            {rows(lines, move |line| match line {
                RowKey::Group(project) => view! { <Group project collapsed /> }.into_any(),
                RowKey::Entity(key) => row(key),
                RowKey::Number(_) => ().into_any(),
            })}
        </table>
    }
}

fn container_id(key: &Key) -> Option<ContainerId> {
    if let Key::Container(_, id) = key { Some(id.clone()) } else { None }
}

/// The container of the event's row, and the closest element that matches `selector`.
fn row_of(page: Page, event: &Event, selector: &str) -> Option<(Key, Element)> {
    let target: Element = event.target()?.dyn_into().ok()?;
    let id = target.closest("[data-entity]").ok()??.get_attribute("data-id")?;
    let key = page.chosen.with_untracked(|chosen| chosen.iter().find(|key| key.id() == id).cloned())?;
    Some((key, target.closest(selector).ok()??))
}

/// The action that the button shows, and the state that its row shows.
fn offered(key: &Key, button: &Element) -> Option<(Key, ContainerAction, ContainerState)> {
    let state = button.closest("[data-state]").ok()??.get_attribute("data-state")?;
    Some((key.clone(), action_of(&button.class_name())?, ContainerState::parse(&state)?))
}

/// Handles a press on a row's button.
fn pressed(page: Page, event: &Event) {
    let Some((key, button)) = row_of(page, event, ".act > button") else { return };
    let offered = offered(&key, &button).into_iter().collect();
    page.actions.press(Some(button), offered);
}

/// Handles a click on a row's button.
fn clicked(page: Page, event: &Event) {
    let Some((key, button)) = row_of(page, event, ".act > button") else { return };
    if button.class_name() == "more" {
        page.actions.menu_from.set(button.dyn_into().ok());
        page.actions.menu.set(Some(key));
        return;
    }
    let offered = offered(&key, &button).into_iter().collect();
    page.actions.click(Some(button), offered);
}

/// Handles a row's checkbox.
fn picked(page: Page, event: &Event) {
    let Some((key, _)) = row_of(page, event, ".pick > input") else { return };
    page.selected.update(|selected| match selected.binary_search(&key) {
        Ok(at) => drop(selected.remove(at)),
        Err(at) => selected.insert(at, key),
    });
}

/// Groups the containers by project, each with a header. `chosen` must be sorted by project. A collapsed group has only its
/// header.
fn grouped(store: &Store, chosen: &[Key], collapsed: &[Option<String>]) -> Vec<RowKey> {
    let mut lines = Vec::with_capacity(chosen.len());
    let mut current: Option<Option<String>> = None;
    for key in chosen {
        let project = store.look(|state| state.get(key)?.as_container()?.project().map(str::to_owned));
        if current.as_ref() != Some(&project) {
            lines.push(RowKey::Group(project.clone()));
            current = Some(project.clone());
        }
        if !collapsed.contains(&project) {
            lines.push(RowKey::Entity(key.clone()));
        }
    }
    lines
}

fn sortable(class: &'static str, word: &'static str, by: ContainerColumn) -> AnyView {
    let page = expect_context::<Page>();
    let ask = ask_for();
    let sorted = boxed(move || page.query.with(|query| sort_word(query.sort == by, query.descending)));
    let toggle = move |_| {
        let query = page.query.get_untracked();
        // Resource usage sorts in descending order first.
        let descending = if query.sort == by { !query.descending } else { by.used().is_some() };
        ask(ContainerQuery { sort: by, descending, ..query });
    };
    column(class, word, sorted, Box::new(toggle))
}

#[component]
fn SelectAll() -> impl IntoView {
    let page = expect_context::<Page>();
    let all = erased_memo(move || {
        let selected = page.selected.read();
        !selected.is_empty() && page.chosen.with(|chosen| chosen.iter().all(|key| selected.binary_search(key).is_ok()))
    });
    let some = erased_memo(move || page.selected.with(|selected| !selected.is_empty()));
    let toggle = move |_| {
        let mut chosen = if all.get_untracked() { Vec::new() } else { page.chosen.get_untracked().to_vec() };
        chosen.sort();
        page.selected.set(chosen);
    };
    view! {
        <input
            type="checkbox"
            aria-label=t("Select all")
            prop:checked=boxed(move || all.get())
            prop:indeterminate=boxed(move || some.get() && !all.get())
            on:change=on_click(toggle)
        />
    }
}

/// The header of a Compose project: its name and a summary of its states.
#[component]
fn Group(project: Option<String>, collapsed: RwSignal<Vec<Option<String>>>) -> impl IntoView {
    let store = expect_context::<Store>();
    let name = project.clone().unwrap_or_else(|| t("No project").to_owned());
    let loads = store.loads();
    let states = {
        let project = project.clone();
        erased_memo(move || {
            store.track_members(Kind::Container);
            store.track_facet(Facet::State);
            store.look(|state| {
                let members = state.containers().filter(|it| it.project() == project.as_deref());
                let kinds: Vec<_> = members.map(|it| (it.state, it.failed_with().is_some())).collect();
                let of_state = ContainerState::ALL.into_iter().flat_map(|state| [(state, false), (state, true)]);
                let counted = of_state.map(|wanted| (wanted, kinds.iter().filter(|kind| **kind == wanted).count()));
                counted.filter(|(_, count)| *count > 0).collect::<Vec<_>>()
            })
        })
    };
    let load = {
        let scope = Scope::Project(project.clone());
        scoped_memo(move || loads.with(|loads| loads.of(&scope).map(usage::load_words)).unwrap_or_default())
    };
    let is_open = {
        let project = project.clone();
        move || !collapsed.with(|collapsed| collapsed.contains(&project))
    };
    let toggle = move |_| {
        collapsed.update(|collapsed| match collapsed.iter().position(|it| *it == project) {
            Some(at) => drop(collapsed.remove(at)),
            None => collapsed.push(project.clone()),
        });
    };
    view! {
        <tr role="row" class="group">
            <th role="rowheader" scope="rowgroup" aria-colspan=COLSPAN>
                <button aria-expanded=boxed(move || is_open().to_string()) on:click=on_click(toggle)>{name}</button>
                {boxed(move || states.get().into_iter().map(|((state, failed), count)| view! {
                    <span class="state" data-state=state.as_str() data-code=failed.then_some("")>
                        {count.to_string()}
                        <span>" " {t(if failed { "failed" } else { state.as_str() })}</span>
                    </span>
                }.into_any()).collect::<Vec<_>>().into_any())}
                <span class="load">{boxed(move || load.get())}</span>
            </th>
        </tr>
    }
}
