//! The freshness badge: a dot that beats once for each applied change, the transport, the round trip.

use crate::{
    client::{Connection, Store, Transport, derived, t},
    model::HostStatus,
    views::{
        Site, format,
        widgets::{glow, live},
    },
};
use leptos::prelude::*;

#[component]
pub fn Badge() -> impl IntoView {
    let store = expect_context::<Store>();
    let (link, position, now) = (store.link(), store.position(), store.now());
    let unreachable_since = {
        let store = store.clone();
        derived(move || store.main_host().filter(|host| host.status == HostStatus::Unreachable).map(|host| host.since))
    };
    let status = derived({
        let link = link.clone();
        move || link.with(|link| (link.connection, link.transport))
    });
    let word = live(move || {
        t(match (status.get().0, unreachable_since.get()) {
            (Connection::Live, Some(_)) => "Stale",
            (Connection::Live, None) => "Live",
            (Connection::Connecting, _) => "Connecting",
            (Connection::Reconnecting, _) => "Reconnecting",
            (Connection::Polling, _) => "Polling",
            (Connection::Offline, _) => "Offline",
        })
    });
    // Age, transport, or countdown: what matters in this state.
    let first = {
        let (link, now) = (link.clone(), now.clone());
        live(move || match (status.get(), unreachable_since.get()) {
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
    let second = live(move || {
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
            data-connection=live(move || status.get().0.as_str())
            data-transport=live(move || status.get().1.as_str())
            data-revision=live(move || position.get().revision.to_string())
            data-beat=beat
            data-stale=live(move || unreachable_since.get().map(|_| "true"))
        >
            <i></i>
            <b>{word}</b>
            <small>{first}</small>
            <small>{second}</small>
        </a>
    }
}
