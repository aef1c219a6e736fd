//! Form fields. Plain functions over boxed parts, as in `controls.rs`.

use super::on_click;
use crate::client::t;
use leptos::prelude::*;
use web_sys::Event;

/// A handler that receives the typed or chosen value.
pub type Typed = Box<dyn FnMut(String)>;

/// `kind` is the input's type.
pub fn field(label: &'static str, kind: &'static str, value: String, hint: &'static str, mut typed: Typed) -> AnyView {
    let input = on_click(move |event: Event| typed(event_target_value(&event)));
    view! {
        <label class="field">
            <span>{t(label)}</span>
            <input type=kind value=value placeholder=t(hint) autocomplete="off" spellcheck="false" on:input=input />
        </label>
    }
    .into_any()
}

/// A text area.
pub fn area(label: &'static str, value: String, hint: &'static str, typed: Typed) -> AnyView {
    tall_area(label, 3, value, hint, typed)
}

/// A text area with this many rows.
pub fn tall_area(label: &'static str, rows: u32, value: String, hint: &'static str, mut typed: Typed) -> AnyView {
    let input = on_click(move |event: Event| typed(event_target_value(&event)));
    view! {
        <label class="field">
            <span>{t(label)}</span>
            <textarea rows=rows.to_string() placeholder=t(hint) autocomplete="off" spellcheck="false" on:input=input>{value}</textarea>
        </label>
    }
    .into_any()
}

/// A select box. `options` are values with their labels.
pub fn choice(
    label: &'static str,
    options: Vec<(impl Into<String>, impl Into<String>)>,
    chosen: &str,
    mut typed: Typed,
) -> AnyView {
    let option = |(value, word): (String, String)| {
        let is_chosen = value == chosen;
        view! { <option value=value selected=is_chosen>{word}</option> }.into_any()
    };
    let options: Vec<_> = options.into_iter().map(|(value, word)| option((value.into(), word.into()))).collect();
    let input = on_click(move |event: Event| typed(event_target_value(&event)));
    view! {
        <label class="field">
            <span>{t(label)}</span>
            <select on:change=input>{options}</select>
        </label>
    }
    .into_any()
}

pub fn check(label: String, checked: bool, mut set: Box<dyn FnMut(bool)>) -> AnyView {
    let change = on_click(move |event: Event| set(event_target_checked(&event)));
    view! {
        <label class="check">
            <input type="checkbox" checked=checked on:change=change />
            {label}
        </label>
    }
    .into_any()
}
