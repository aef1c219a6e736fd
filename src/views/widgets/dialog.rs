//! Modal dialog: the native `<dialog>` element, opened with `showModal()`. The rest of the page is inert meanwhile, Escape closes
//! it, and the focus returns to the element that had it.

use crate::client::{ClientOnly, effect};
use leptos::{ev, html, prelude::*};
use web_sys::HtmlDialogElement;

/// Render it only while it is open, and one at a time. `on_close` has to remove it.
#[component]
pub fn Dialog(title: String, on_close: impl Fn() + Clone + 'static, children: Children) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let shown = ClientOnly::<HtmlDialogElement>::default();
    effect(move || {
        let Some(dialog) = dialog.get() else { return };
        let _ = dialog.show_modal();
        shown.set(Some(dialog));
    });
    // The browser returns the focus when a dialog is closed, but not when it is removed.
    on_cleanup(move || {
        if let Some(dialog) = shown.take() {
            dialog.close();
        }
    });
    let closed = move |event: ev::Event| {
        // The event of a removed dialog arrives when another one may be open, perhaps in the same, reused element.
        let dialog: HtmlDialogElement = event_target(&event);
        if dialog.is_connected() && !dialog.open() {
            on_close();
        }
    };
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="dialog-title" on:close=closed>
            <h2 id="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
}
