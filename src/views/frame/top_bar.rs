//! Which engine this is, the theme, and how fresh everything is.

use super::badge::Badge;
use crate::{
    client::{Prefs, Store, Theme},
    views::widgets::{Icon, live, on_click},
};
use leptos::prelude::*;

#[component]
pub fn TopBar() -> impl IntoView {
    let host = expect_context::<Store>();
    let engine = host.clone();
    view! {
        <header class="top">
            <p class="here">
                <b>{live(move || host.main_host().map(|host| host.name.clone()))}</b>
                <small>{live(move || engine.main_host().and_then(|host| Some(format!("Docker {}", host.engine.as_ref()?.version))))}</small>
            </p>
            <ThemeButton />
            <Badge />
        </header>
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let prefs = expect_context::<Prefs>();
    let word = live(move || match prefs.theme.get() {
        Theme::System => "Theme: system",
        Theme::Light => "Theme: light",
        Theme::Dark => "Theme: dark",
    });
    let icon = move || match prefs.theme.get() {
        Theme::System => "theme-system",
        Theme::Light => "theme-light",
        Theme::Dark => "theme-dark",
    };
    let switch = move |_| {
        prefs.theme.update(|theme| *theme = theme.next());
        crate::views::remember(prefs);
        if let Some(root) = document().document_element() {
            let _ = match prefs.theme.get_untracked().attribute() {
                Some(theme) => root.set_attribute("data-theme", theme),
                None => root.remove_attribute("data-theme"),
            };
        }
    };
    view! {
        <button class="button bare square" aria-label="Theme" data-tip=word on:click=on_click(switch)>
            {live(move || view! { <Icon name=icon() /> }.into_any())}
        </button>
    }
}
