//! What can be done with the containers that are selected. Comes apart: most visits select nothing.

use super::{
    acts::Asking,
    page::{Page, key_of},
};
use crate::{
    client::{Derived, Facet, Store, derived, t},
    model::{Container, ContainerAction, Kind},
    views::{
        Site, format,
        widgets::{button, live},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

pub(in crate::views) fn selection_tools() -> AnyView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    // What has gone meanwhile is no longer selected.
    let selected = derived(move || {
        store.track_members(Kind::Container);
        store.track_facet(Facet::State);
        let selected = page.selected.get();
        store
            .look(|state| selected.iter().filter_map(|key| state.get(key)?.as_container().cloned()).collect::<Vec<_>>())
    });
    let remove = move |_| page.acts.asking.set(Asking::Remove(selected.with(|it| it.iter().map(key_of).collect())));
    let site = Site::expect();
    let how_many =
        move || crate::t!("Remove {}", format::count(selected.with(Vec::len), ["{} container", "{} containers"]));
    view! {
        <div class="tools" role="toolbar" aria-label=t("Selection")>
            <p>{live(move || crate::t!("{} selected", selected.with(Vec::len)))}</p>
            {bulk(selected, "start", |it| !it.state.is_up(), ContainerAction::Start)}
            {bulk(selected, "stop", |it| it.state.is_up(), ContainerAction::Stop { timeout: None })}
            {bulk(selected, "restart", |it| it.state.is_up(), ContainerAction::Restart { timeout: None })}
            <a class="button" href=live(move || selected.with(|it| logs_of(&site, it)))>{t("Logs")}</a>
            {button("button danger", "remove", live(how_many), Box::new(remove))}
            {button(
                "button bare end",
                "close",
                live(|| t("Clear selection").to_owned()),
                Box::new(move |_| page.selected.set(Vec::new())),
            )}
        </div>
    }
    .into_any()
}

/// Where the logs of all of them are read together.
fn logs_of(site: &Site, containers: &[Arc<Container>]) -> String {
    let Some((first, others)) = containers.split_first() else { return String::new() };
    let others: Vec<&str> = others.iter().map(|it| it.id.as_str()).collect();
    let with = if others.is_empty() { String::new() } else { format!("&with={}", others.join(",")) };
    site.page(&format!("/containers/{}?tab=logs{with}", first.id))
}

/// One action on those of the selection that it makes sense for; away when it is none.
fn bulk(
    selected: Derived<Vec<Arc<Container>>>,
    icon: &'static str,
    takes: fn(&Container) -> bool,
    action: ContainerAction,
) -> impl IntoView {
    let page = expect_context::<Page>();
    let count = move || selected.with(|it| it.iter().filter(|it| takes(it)).count());
    let any = derived(move || count() > 0);
    live(move || {
        let action = action.clone();
        let verb = action.verb();
        any.get().then(|| {
            let words =
                live(move || crate::t!("{} {}", t(verb), format::count(count(), ["{} container", "{} containers"])));
            let act = move |_| {
                let fitting =
                    selected.with_untracked(|it| it.iter().filter(|it| takes(it)).map(key_of).collect::<Vec<_>>());
                page.acts.act_all(fitting.into_iter().map(|key| (key, action.clone())).collect());
            };
            button("button", icon, words, Box::new(act))
        })
    })
}
