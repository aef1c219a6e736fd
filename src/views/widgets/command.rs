//! A command to copy into a terminal.

use super::{Icon, on_click};
use crate::client::{Toasts, copy_to_clipboard, t};
use leptos::prelude::*;

#[component]
pub fn Command(text: &'static str) -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let copy = move |_| copy_to_clipboard(toasts, text, t("Command copied").to_owned());
    view! {
        <div class="command">
            <code>{text}</code>
            <button class="button bare square" aria-label=t("Copy the command") on:click=on_click(copy)>
                <Icon name="copy" />
            </button>
        </div>
    }
}
