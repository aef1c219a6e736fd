//! A container's inspect data, processes and file changes, loaded on demand.

use crate::{
    client::{Toasts, copy_to_clipboard, effect, erased_memo, t},
    model::{ContainerId, FileChange, FileChangeKind, HostId, Inspected, Key, Permission, Processes},
    queries::details::{file_changes, inspect, top, variable},
    views::{
        format,
        inspected::{DRAWN, found_of, inspected},
        may,
        on_demand::OnDemand,
        widgets::{Search, boxed, button, on_click},
    },
};
use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};
use std::time::Duration;

/// Poll interval: the engine emits no events for processes.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) fn ids(key: &Key) -> Option<(HostId, ContainerId)> {
    if let Key::Container(host, id) = key { Some((host.clone(), id.clone())) } else { None }
}

fn shown() -> Option<(HostId, ContainerId)> {
    ids(&expect_context::<super::Shown>().0)
}

/// The processes, polled while the page shows them.
pub(super) fn processes_part() -> AnyView {
    let Some((host, id)) = shown() else { return ().into_any() };
    let asked = OnDemand::<Processes>::new();
    effect(move || {
        let (host, id) = (host.clone(), id.clone());
        let ask = move || {
            if !document().hidden() {
                asked.ask(top(host.clone(), id.clone()));
            }
        };
        ask();
        if let Ok(timer) = set_interval_with_handle(ask, LOOK_EVERY) {
            on_cleanup(move || timer.clear());
        }
    });
    let draw = |it: &Processes| {
        let heads: Vec<_> =
            it.titles.iter().map(|title| view! { <th scope="col">{title.clone()}</th> }.into_any()).collect();
        let row = |cells: &Vec<String>| {
            let cells: Vec<_> = cells.iter().map(|cell| view! { <td>{cell.clone()}</td> }.into_any()).collect();
            view! { <tr>{cells}</tr> }.into_any()
        };
        let rows: Vec<_> = it.rows.iter().map(row).collect();
        view! {
            <p class="quiet" role="status">{format::count(it.rows.len(), ["{} process", "{} processes"])}</p>
            <table class="plain processes"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
        }
        .into_any()
    };
    view! { <section class="inside" aria-label=t("Processes")>{asked.draw("No processes", draw)}</section> }.into_any()
}

/// Files changed in the container relative to its image.
pub(super) fn changes_part() -> AnyView {
    let Some((host, id)) = shown() else { return ().into_any() };
    let asked = OnDemand::<Vec<FileChange>>::new();
    let words = RwSignal::new(String::new());
    let ask = move || asked.ask(file_changes(host.clone(), id.clone()));
    effect({
        let ask = ask.clone();
        move || ask()
    });
    let again = move |_: MouseEvent| ask();
    let draw = move |all: &Vec<FileChange>| {
        let wanted = words.with(|words| words.to_lowercase());
        let found: Vec<&FileChange> = all.iter().filter(|it| it.path.to_lowercase().contains(&wanted)).collect();
        let row = |it: &&FileChange| {
            let (kind, word) = match it.kind {
                FileChangeKind::Added => ("added", "Added"),
                FileChangeKind::Changed => ("changed", "Changed"),
                FileChangeKind::Deleted => ("deleted", "Deleted"),
            };
            view! { <tr data-change=kind><td>{t(word)}</td><td class="path">{it.path.clone()}</td></tr> }.into_any()
        };
        let rows: Vec<_> = found.iter().take(DRAWN).map(row).collect();
        let more = found.len().saturating_sub(DRAWN);
        view! {
            <p class="quiet" role="status">{found_of(all.len(), found.len(), ["{} path", "{} paths"])}</p>
            <table class="plain">
                <thead><tr><th scope="col">{t("Change")}</th><th scope="col">{t("Path")}</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
            {(more > 0).then(|| view! { <p class="quiet">{crate::t!("and {} more. Search to find them", more)}</p> }.into_any())}
        }
        .into_any()
    };
    view! {
        <section class="inside" aria-label=t("Changes")>
            <div class="tools">
                <Search what=t("paths") value=words on_input=Box::new(move |it| words.set(it)) />
                {button("button", "restart", boxed(|| t("Refresh").to_owned()), Box::new(again))}
            </div>
            {asked.draw("Couldn't load changes", draw)}
        </section>
    }
    .into_any()
}

/// The container's inspect data.
pub(super) fn inspect_part() -> AnyView {
    let Some((host, id)) = shown() else { return ().into_any() };
    let asked = OnDemand::<Inspected>::new();
    let words = RwSignal::new(String::new());
    let is_raw = RwSignal::new(false);
    {
        let (host, id) = (host.clone(), id.clone());
        effect(move || asked.ask(inspect(host.clone(), id.clone())));
    }
    let toasts = expect_context::<Toasts>();
    let copy = move |_: MouseEvent| {
        let json = asked.look(|it| it.json.clone()).unwrap_or_default();
        copy_to_clipboard(toasts, &json, t("JSON copied").to_owned());
    };
    let draw = move |it: &Inspected| {
        let variables: Vec<_> = it.environment.iter().map(|name| a_variable(&host, &id, name.clone())).collect();
        let is_empty = variables.is_empty();
        view! {
            <h2>{t("Environment")}</h2>
            {is_empty.then(|| view! { <p class="quiet">{t("No environment variables.")}</p> }.into_any())}
            <table class="plain variables"><tbody>{variables}</tbody></table>
            <h2>{t("All properties")}</h2>
            {inspected(it.clone(), words, is_raw)}
        }
        .into_any()
    };
    let raw = boxed(move || is_raw.get().to_string());
    view! {
        <section class="inside" aria-label=t("Inspect")>
            <div class="tools">
                <Search what=t("properties") value=words on_input=Box::new(move |it| words.set(it)) />
                <button class="button" aria-pressed=raw on:click=on_click(move |_: MouseEvent| is_raw.update(|it| *it = !*it))>"JSON"</button>
                {button("button", "copy", boxed(|| t("Copy JSON").to_owned()), Box::new(copy))}
            </div>
            {asked.draw("Couldn't load details", draw)}
        </section>
    }
    .into_any()
}

/// An environment variable. Its value is loaded only on request, and the server records that.
fn a_variable(host: &HostId, id: &ContainerId, name: String) -> AnyView {
    let value = RwSignal::new(None::<String>);
    let toasts = expect_context::<Toasts>();
    let (host, id, asked) = (host.clone(), id.clone(), name.clone());
    let reveal = move |_: MouseEvent| {
        if value.get_untracked().is_some() {
            value.set(None);
            return;
        }
        let answer = variable(host.clone(), id.clone(), asked.clone());
        spawn_local(async move {
            match answer.await {
                Ok(found) => drop(value.try_set(Some(found))),
                Err(error) => toasts.failed(t("Couldn't load it"), &error),
            }
        });
    };
    let is_shown = erased_memo(move || value.with(Option::is_some));
    let label = {
        let name = name.clone();
        boxed(move || crate::t!("{} {}", t(if is_shown.get() { "Hide" } else { "Reveal" }), name))
    };
    let button = may(Permission::Reveal).then(|| {
        view! {
            <button class="button" aria-label=label on:click=on_click(reveal)>
                {boxed(move || t(if is_shown.get() { "Hide" } else { "Reveal" }))}
            </button>
        }
        .into_any()
    });
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td>{boxed(move || value.get().unwrap_or_else(|| "•••••".to_owned()))}</td>
            <td>{button}</td>
        </tr>
    }
    .into_any()
}
