//! Modal dialog, using the browser's own element: it traps focus, closes on Escape and restores focus.

use crate::client::effect;
use leptos::{html, prelude::*};

/// Mounted only while it is open.
#[component]
pub fn Dialog(title: String, on_close: impl Fn() + Clone + 'static, children: Children) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    effect(move || {
        if let Some(dialog) = dialog.get() {
            let _ = dialog.show_modal();
        }
    });
    view! {
        <dialog class="dialog" node_ref=dialog aria-labelledby="dialog-title" on:close=move |_| on_close()>
            <h2 id="dialog-title">{title}</h2>
            {children()}
        </dialog>
    }
}
