//! Freshness badge: a dot that pulses once per applied change, the transport, and the round-trip time.

use crate::{
    client::{Connection, Store, Transport, erased_memo, t},
    model::HostStatus,
    views::{
        Site, format,
        widgets::{boxed, glow},
    },
};
use leptos::prelude::*;

#[component]
pub fn Badge() -> impl IntoView {
    let store = expect_context::<Store>();
    let (link, position, now) = (store.link(), store.position(), store.now());
    let unreachable_since = {
        let store = store.clone();
        erased_memo(move || {
            store.main_host().filter(|host| host.status == HostStatus::Unreachable).map(|host| host.since)
        })
    };
    let status = erased_memo({
        let link = link.clone();
        move || link.with(|link| (link.connection, link.transport))
    });
    let is_full = erased_memo({
        let link = link.clone();
        move || link.with(|link| link.is_server_full)
    });
    let word = boxed(move || {
        t(match (status.get().0, unreachable_since.get()) {
            (Connection::Live, Some(_)) => "Stale",
            (Connection::Live, None) => "Live",
            (Connection::Connecting, _) => "Connecting",
            (Connection::Reconnecting, _) if is_full.get() => "Server full",
            (Connection::Reconnecting, _) => "Reconnecting",
            (Connection::Polling, _) => "Polling",
            (Connection::Offline, _) => "Offline",
        })
    });
    // The most important value in this state: age, transport or countdown.
    let first = {
        let (link, now) = (link.clone(), now.clone());
        boxed(move || match (status.get(), unreachable_since.get()) {
            ((Connection::Live, _), Some(since)) => format::duration(now.get().seconds() - since.seconds()),
            ((Connection::Reconnecting, _), _) => {
                let left = link.with(|link| link.retry_at).map(|at| (at.millis() - now.get().millis() + 999) / 1_000);
                left.map(|left| crate::t!("in {} s", left.max(0))).unwrap_or_default()
            }
            ((Connection::Offline, _), _) => link
                .with(|link| link.lost_since)
                .map(|since| crate::t!("since {}", format::time_of_day(since)))
                .unwrap_or_default(),
            ((_, transport), _) if transport != Transport::None => t(transport.word()).to_owned(),
            _ => String::new(),
        })
    };
    let second = boxed(move || {
        let is_live = status.get().0 == Connection::Live && unreachable_since.get().is_none();
        let latest = is_live.then(|| link.with(|link| link.round_trips.last().copied())).flatten();
        latest.map(format::micros).unwrap_or_default()
    });
    let beat = {
        let position = position.clone();
        glow(move || position.get().revision)
    };
    view! {
        <a
            class="badge"
            href=Site::expect().page("/realtime-test")
            data-connection=boxed(move || status.get().0.as_str())
            data-transport=boxed(move || status.get().1.as_str())
            data-revision=boxed(move || position.get().revision.to_string())
            data-beat=beat
            data-stale=boxed(move || unreachable_since.get().map(|_| "true"))
        >
            <i></i>
            <b>{word}</b>
            <small>{first}</small>
            <small>{second}</small>
        </a>
    }
}
