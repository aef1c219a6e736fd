//! A command to copy into a terminal.

use super::{Icon, on_click};
use crate::client::{Level, Toasts, t};
use leptos::prelude::*;

#[component]
pub fn Command(text: &'static str) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let copy = move |_| {
        let _ = window().navigator().clipboard().write_text(text);
        toasts.show(Level::Ok, t("Command copied"), None);
    };
    view! {
        <div class="command">
            <code>{text}</code>
            <button class="button bare square" aria-label=t("Copy the command") on:click=on_click(copy)>
                <Icon name="copy" />
            </button>
        </div>
    }
}
