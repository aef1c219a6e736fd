//! Top bar: the engine's name, the theme switch and the freshness badge.

use super::{badge::Badge, bell::Bell, tasks::TasksButton};
use crate::{
    client::{Prefs, Store, effect, erased_memo, t},
    model::Theme,
    views::{
        Access,
        widgets::{Icon, boxed, on_click},
    },
};
use leptos::prelude::*;

#[component]
pub fn TopBar() -> impl IntoView {
    let host = expect_context::<Store>();
    let engine = host.clone();
    view! {
        <header class="top">
            <p class="here">
                <b>{boxed(move || host.main_host().map(|host| host.name.clone()))}</b>
                {expect_context::<Access>().is_read_only.then(|| view! { <i>{t("Read only")}</i> }.into_any())}
                <small>{boxed(move || engine.main_host().and_then(|host| host.engine.as_ref().map(|it| format!("{} {}", it.product, it.version))))}</small>
            </p>
            <TasksButton />
            <Bell />
            <ThemeButton />
            <Badge />
        </header>
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let prefs = expect_context::<Prefs>();
    let theme = erased_memo(move || prefs.read(|it| it.theme));
    let word = boxed(move || {
        t(match theme.get() {
            Theme::System => "Theme: system",
            Theme::Light => "Theme: light",
            Theme::Dark => "Theme: dark",
        })
    });
    let icon = move || match theme.get() {
        Theme::System => "theme-system",
        Theme::Light => "theme-light",
        Theme::Dark => "theme-dark",
    };
    let switch = move |_| {
        prefs.change(|it| it.theme = it.theme.next());
    };
    // The theme can also be changed elsewhere, on the settings page.
    effect(move || {
        if let Some(root) = document().document_element() {
            let _ = match theme.get().attribute() {
                Some(theme) => root.set_attribute("data-theme", theme),
                None => root.remove_attribute("data-theme"),
            };
        }
    });
    view! {
        <button class="button bare square" aria-label=t("Theme") data-tip=word on:click=on_click(switch)>
            {boxed(move || view! { <Icon name=icon() /> }.into_any())}
        </button>
    }
}
