//! Dialog with a new secret: the only time that it is shown.

use crate::{
    client::{Toasts, copy_to_clipboard, t},
    views::widgets::{Dialog, Icon, boxed, on_click},
};
use leptos::prelude::*;

/// Open while there is a secret.
pub(super) fn shown_once(title: &'static str, secret: RwSignal<Option<String>>) -> AnyView {
    boxed(move || secret.get().map(|value| dialog(title, secret, value))).into_any()
}

fn dialog(title: &'static str, secret: RwSignal<Option<String>>, value: String) -> AnyView {
    let close = move || secret.set(None);
    view! {
        <Dialog title=t(title).to_owned() on_close=close>
            <p>{t("Copy it now: it is not shown again.")}</p>
            {secret_line(value.clone())}
            <footer><button class="button main" on:click=on_click(move |_| close())>{t("Done")}</button></footer>
        </Dialog>
    }
    .into_any()
}

/// A secret with a button that copies it.
pub(super) fn secret_line(secret: String) -> AnyView {
    let toasts: Toasts = expect_context();
    let copied = secret.clone();
    let copy = move |_| copy_to_clipboard(toasts, &copied, t("Copied").to_owned());
    view! {
        <div class="command">
            <code>{secret}</code>
            <button type="button" class="button bare square" aria-label=t("Copy") on:click=on_click(copy)>
                <Icon name="copy" />
            </button>
        </div>
    }
    .into_any()
}
