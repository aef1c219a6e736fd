//! Copying to the clipboard.

use super::{Level, Toasts, t};
use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlDocument, HtmlTextAreaElement};

/// Copies the text, then shows the toast `done`, or one with the failure. Call it in the handler of a click: browsers allow it
/// only then.
pub fn copy_to_clipboard(toasts: Toasts, text: &str, done: String) {
    // Other pages, such as those over plain HTTP from another machine, have no `navigator.clipboard`.
    if !window().is_secure_context() {
        return show(toasts, copy_selection(text), done);
    }
    let written = JsFuture::from(window().navigator().clipboard().write_text(text));
    spawn_local(async move { show(toasts, written.await.is_ok(), done) });
}

fn show(toasts: Toasts, is_copied: bool, done: String) {
    if is_copied {
        toasts.show(Level::Ok, done, None);
    } else {
        let words = t("The browser allows no access to the clipboard. Select the text, and copy it manually.");
        toasts.show(Level::Error, t("Couldn't copy"), Some(words.to_owned()));
    }
}

fn copy_selection(text: &str) -> bool {
    let document = document();
    // Everything outside of an open dialog is inert.
    let dialog = document.query_selector("dialog[open]").ok().flatten();
    let Some(parent) = dialog.or_else(|| document.body().map(Into::into)) else { return false };
    let Some(area) = document.create_element("textarea").ok() else { return false };
    let area: HtmlTextAreaElement = area.unchecked_into();
    area.set_class_name("heard");
    area.set_value(text);
    let focused = document.active_element();
    let is_copied = parent.append_child(&area).is_ok() && {
        area.select();
        document.unchecked_into::<HtmlDocument>().exec_command("copy").unwrap_or_default()
    };
    area.remove();
    if let Some(focused) = focused.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = focused.focus();
    }
    is_copied
}
