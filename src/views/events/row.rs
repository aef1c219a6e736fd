//! Row of one event. Events never change, so nothing in it is reactive.

use super::{
    feed::Feed,
    kind_icon,
    phrase::{self, phrase, tone},
};
use crate::{
    client::term,
    model::{Event, Timestamp},
    views::{
        Site, format,
        rows::RowKey,
        widgets::{Icon, on_click},
    },
};
use leptos::prelude::*;

pub(super) fn row(line: RowKey) -> AnyView {
    let (feed, site) = (expect_context::<Feed>(), Site::expect());
    let RowKey::Number(seq) = line else { return ().into_any() };
    let Some(event) = feed.find(seq) else { return ().into_any() };
    let Event { kind, action, name, .. } = &*event;
    let words = phrase(&event);
    let whole = words.clone();
    let of = if name.is_empty() { term(kind) } else { phrase::name(&event) };
    let entity = if event.id.is_empty() {
        view! { <b>{of}</b> }.into_any()
    } else {
        let href = site.page(&format!("/events?entity={}", encoded(&event.id)));
        view! { <a href=href title=event.id.clone()>{of}</a> }.into_any()
    };
    let short = short(&event.id).filter(|id| id != name).map(|id| view! { <small>{id}</small> }.into_any());
    let project = event.project.as_ref().map(|project| {
        let href = site.page(&format!("/events?project={}", encoded(project)));
        view! { <a href=href>{project.clone()}</a> }.into_any()
    });
    let open = {
        let event = event.clone();
        move |_| feed.open.set(Some(event.clone()))
    };
    view! {
        <tr
            role="row"
            data-event=event.seq.to_string()
            data-kind=kind.clone()
            data-action=action.clone()
            data-name=name.clone()
            data-actor=event.actor.clone()
        >
            <td class="when">{moment(event.time)}</td>
            <td class="what" data-tone=tone(&event)>
                <Icon name=kind_icon(kind) />
                <button title=whole on:click=on_click(open)>{words}</button>
                <small>{term(kind)}</small>
            </td>
            <th class="name" role="rowheader" scope="row">{entity} {short}</th>
            <td class="project">{project}</td>
            <td class="code number">{event.exit_code().map(|code| code.to_string())}</td>
            <td class="who">{event.actor.clone()}</td>
        </tr>
    }
    .into_any()
}

/// The time of day to the second, preceded by the day.
fn moment(time: Timestamp) -> AnyView {
    view! {
        <time datetime=time.to_string() title=format::exact(time)>
            <small>{format::day(time)}</small>
            " "
            {format::time_of_day(time)}
        </time>
    }
    .into_any()
}

/// The first twelve digits, as Docker shows IDs. `None` if `id` isn't a full ID.
pub(super) fn short(id: &str) -> Option<String> {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    let is_id = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| digits[..12].to_owned())
}

/// Percent-encodes a query value.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
    }
    encoded
}
