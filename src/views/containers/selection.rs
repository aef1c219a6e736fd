//! Bulk actions on selected containers. Lazy-loaded, because most visits select nothing.

use super::{
    actions::{Dialog, Offered, button_of},
    page::{Page, key_of},
};
use crate::{
    client::{ErasedMemo, Facet, Store, erased_memo, t},
    model::{Container, ContainerAction, Kind, Permission},
    views::{
        Site, format, may,
        widgets::{Icon, boxed, button, on_click},
    },
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent, PointerEvent},
    prelude::*,
};
use std::sync::Arc;

pub(super) fn selection_tools() -> AnyView {
    let page = expect_context::<Page>();
    let store = expect_context::<Store>();
    // Containers removed in the meantime are no longer selected.
    let selected = erased_memo(move || {
        store.track_members(Kind::Container);
        store.track_facet(Facet::State);
        let selected = page.selected.get();
        store
            .look(|state| selected.iter().filter_map(|key| state.get(key)?.as_container().cloned()).collect::<Vec<_>>())
    });
    let remove =
        move |_| page.actions.open_dialog.set(Dialog::Remove(selected.with(|it| it.iter().map(key_of).collect())));
    let site = Site::expect();
    let how_many =
        move || crate::t!("Remove {}", format::count(selected.with(Vec::len), ["{} container", "{} containers"]));
    let acts = may(Permission::Operate).then(|| {
        view! {
            {bulk(selected, "start", |it| !it.state.is_up(), ContainerAction::Start)}
            {bulk(selected, "stop", |it| it.state.is_up(), ContainerAction::Stop { timeout: None })}
            {bulk(selected, "restart", |it| it.state.is_up(), ContainerAction::Restart { timeout: None })}
        }
        .into_any()
    });
    let removal = may(Permission::Remove).then(|| button("button danger", "remove", boxed(how_many), Box::new(remove)));
    let logs = may(Permission::Read).then(|| {
        view! { <a class="button" href=boxed(move || selected.with(|it| logs_of(&site, it)))>{t("Logs")}</a> }
            .into_any()
    });
    view! {
        <div class="tools" role="toolbar" aria-label=t("Selection")>
            <p>{boxed(move || crate::t!("{} selected", selected.with(Vec::len)))}</p>
            {acts}
            {logs}
            {removal}
            {button(
                "button bare end",
                "close",
                boxed(|| t("Clear selection").to_owned()),
                Box::new(move |_| page.selected.set(Vec::new())),
            )}
        </div>
    }
    .into_any()
}

/// The address of the merged logs of all these containers.
fn logs_of(site: &Site, containers: &[Arc<Container>]) -> String {
    let Some((first, others)) = containers.split_first() else { return String::new() };
    let others: Vec<&str> = others.iter().map(|it| it.id.as_str()).collect();
    let with = if others.is_empty() { String::new() } else { format!("&with={}", others.join(",")) };
    site.page(&format!("/containers/{}?tab=logs{with}", first.id))
}

/// One action on the selected containers that it applies to. Hidden if there are none.
fn bulk(
    selected: ErasedMemo<Vec<Arc<Container>>>,
    icon: &'static str,
    takes: fn(&Container) -> bool,
    action: ContainerAction,
) -> impl IntoView {
    let page = expect_context::<Page>();
    let count = move || selected.with(|it| it.iter().filter(|it| takes(it)).count());
    let any = erased_memo(move || count() > 0);
    boxed(move || {
        let action = action.clone();
        let verb = action.verb();
        any.get().then(|| {
            let words =
                boxed(move || crate::t!("{} {}", t(verb), format::count(count(), ["{} container", "{} containers"])));
            let offered = move || -> Offered {
                selected.with_untracked(|it| {
                    it.iter().filter(|it| takes(it)).map(|it| (key_of(it), action.clone(), it.state)).collect()
                })
            };
            let (by_pointer, by_key) = (offered.clone(), offered.clone());
            let actions = page.actions;
            view! {
                <button
                    class="button"
                    on:pointerdown=on_click(move |event: PointerEvent| actions.press(button_of(&event), by_pointer()))
                    on:keydown=on_click(move |event: KeyboardEvent| actions.press(button_of(&event), by_key()))
                    on:click=on_click(move |event: MouseEvent| actions.click(button_of(&event), offered()))
                >
                    <Icon name=icon />
                    {words}
                </button>
            }
            .into_any()
        })
    })
}
