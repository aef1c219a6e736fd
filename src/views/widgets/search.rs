//! Search field of a list. `/` focuses it.

use super::{Icon, boxed};
use crate::client::{effect, t};
use leptos::{html, prelude::*};

#[component]
pub fn Search(
    /// Plural name of what is searched.
    what: &'static str,
    #[prop(into)] value: Signal<String>,
    on_input: Box<dyn Fn(String)>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    effect(move || {
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            let Some(field) = field.get_untracked() else {
                return;
            };
            if event.key() == "/" && !event.ctrl_key() && !event.meta_key() && !is_typing() {
                event.prevent_default();
                let _ = field.focus();
            }
        });
        on_cleanup(move || listener.remove());
    });
    let label = crate::t!("Search {}", t(what));
    view! {
        <search class="search">
            <Icon name="search" />
            <input
                type="search"
                node_ref=field
                aria-label=label.clone()
                placeholder=label
                spellcheck="false"
                prop:value=boxed(move || value.get())
                value=value.get_untracked()
                on:input:target=move |event| on_input(event.target().value())
            />
            <kbd aria-hidden="true">"/"</kbd>
        </search>
    }
}

/// Whether a text field has keyboard focus.
fn is_typing() -> bool {
    let focused = document().active_element();
    focused.is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}
