//! Form fields shared by the lists.

use crate::{
    client::{Store, t},
    model::{HostId, Labels},
    views::widgets::{area, field},
};
use leptos::prelude::*;

/// The host that new resources are created on.
pub(super) fn host() -> Result<HostId, String> {
    let host = expect_context::<Store>().look(|state| state.hosts().next().map(|host| host.id.clone()));
    host.ok_or_else(|| t("No engine configured").to_owned())
}

pub(super) type Text = StoredValue<String>;

pub(super) fn text(label: &'static str, hint: &'static str, into: Text) -> AnyView {
    field(label, "text", String::new(), hint, Box::new(move |text| into.set_value(text.trim().to_owned())))
}

pub(super) fn lines(label: &'static str, hint: &'static str, into: Text) -> AnyView {
    area(label, String::new(), hint, Box::new(move |text| into.set_value(text)))
}

/// `None` for an empty field.
pub(super) fn said(it: Text) -> Option<String> {
    Some(it.get_value()).filter(|it| !it.is_empty())
}

/// Parses `key=value` pairs, one per line.
pub(super) fn pairs(it: Text) -> Result<Labels, String> {
    let mut pairs = Labels::default();
    for line in it.get_value().lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, value) = line.split_once('=').ok_or_else(|| crate::t!("\"{}\" isn't in key=value form", line))?;
        pairs.insert(key.trim().to_owned(), value.to_owned());
    }
    Ok(pairs)
}

/// A line with a button at its end.
pub(super) fn entry(
    text: String,
    label: String,
    word: &'static str,
    press: Box<dyn FnMut(leptos::ev::MouseEvent)>,
) -> AnyView {
    view! {
        <li>
            <span title=text.clone()>{text.clone()}</span>
            <button type="button" class="button" aria-label=label on:click=press>{word}</button>
        </li>
    }
    .into_any()
}
