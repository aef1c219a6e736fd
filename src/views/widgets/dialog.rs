//! A modal question. The browser's own dialog: it traps the focus, closes on Escape and gives the focus back.

use crate::client::effect;
use leptos::{html, prelude::*};

/// Mounted while there is something to ask.
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
