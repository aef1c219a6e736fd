//! Popover anchored to a button of the top bar. A press outside or Escape closes it.

use crate::{
    client::{ErasedMemo, effect},
    views::widgets::{boxed, on_click},
};
use leptos::{ev, html, prelude::*};

/// `label` names the button and states its count. The panel is mounted while `open` is true.
pub fn popover(label: ErasedMemo<String>, open: RwSignal<bool>, face: AnyView, panel: AnyView) -> AnyView {
    let (whole, button) = (NodeRef::<html::Div>::new(), NodeRef::<html::Button>::new());
    let toggle = move |_| open.update(|open| *open = !*open);
    effect(move || {
        let outside = window_event_listener(ev::pointerdown, move |event| {
            use wasm_bindgen::JsCast;
            let target = event.target().and_then(|it| it.dyn_into::<web_sys::Node>().ok());
            let is_inside = whole.get_untracked().is_some_and(|whole| whole.contains(target.as_ref()));
            if !is_inside && open.get_untracked() {
                open.set(false);
            }
        });
        on_cleanup(move || outside.remove());
    });
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            open.set(false);
            if let Some(button) = button.get_untracked() {
                let _ = button.focus();
            }
        }
    };
    view! {
        <div class="popover" node_ref=whole on:keydown=on_click(escape)>
            <button
                node_ref=button
                class="button bare square"
                aria-label=boxed(move || label.get())
                aria-haspopup="dialog"
                aria-expanded=boxed(move || open.get().to_string())
                on:click=on_click(toggle)
            >
                {face}
            </button>
            {panel}
        </div>
    }
    .into_any()
}
