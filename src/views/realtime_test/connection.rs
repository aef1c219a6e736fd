//! The connection in figures.

use crate::{
    client::{Connection, Link, Store},
    views::{format, widgets::live},
};
use leptos::prelude::*;

#[component]
pub(super) fn ConnectionSummary() -> impl IntoView {
    let store = expect_context::<Store>();
    let (link, now, position) = (store.link(), store.now(), store.position());
    let fact = |term: &'static str, read: fn(&Link) -> String| {
        let link = link.clone();
        view! { <div><dt>{term}</dt><dd>{live(move || link.with(read))}</dd></div> }
    };
    let last_message = {
        let link = link.clone();
        live(move || link.with(|link| link.last_message).map(|last| format::ago(last, now.get())).unwrap_or_default())
    };
    let here = position.clone();
    view! {
        <section aria-labelledby="connection">
            <h2 id="connection">"Connection"</h2>
            <dl class="facts">
                {fact("State", |link| word(link.connection).to_owned())}
                {fact("Transport", |link| link.transport.word().to_owned())}
                {fact("Server", |link| link.server_version.clone())}
                {fact("Round trip", |link| link.round_trips.last().copied().map(format::millis).unwrap_or_default())}
                {fact("Round trip p50", |link| percentile(&link.round_trips, 0.5))}
                {fact("Round trip p95", |link| percentile(&link.round_trips, 0.95))}
                <div><dt>"Revision"</dt><dd>{live(move || here.get().revision.to_string())}</dd></div>
                <div><dt>"Epoch"</dt><dd>{live(move || position.get().epoch.to_string())}</dd></div>
                {fact("Messages", |link| link.messages.to_string())}
                {fact("Received", |link| {
                    let (number, unit) = format::bytes(link.bytes);
                    format!("{number} {unit}")
                })}
                <div><dt>"Last message"</dt><dd>{last_message}</dd></div>
                {fact("Reconnects", |link| link.reconnects.to_string())}
                {fact("Resumes", |link| link.resumes.to_string())}
                {fact("Resyncs", |link| link.resyncs.to_string())}
                {fact("Gaps", |link| link.gaps.to_string())}
            </dl>
        </section>
    }
}

fn word(connection: Connection) -> &'static str {
    match connection {
        Connection::Connecting => "Connecting",
        Connection::Live => "Live",
        Connection::Reconnecting => "Reconnecting",
        Connection::Polling => "Polling",
        Connection::Offline => "Offline",
    }
}

/// By nearest rank.
fn percentile(values: &[f64], part: f64) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = ((sorted.len() as f64 * part).ceil() as usize).max(1) - 1;
    sorted.get(rank).copied().map(format::millis).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), "10 ms");
        assert_eq!(percentile(&values, 0.95), "19 ms");
        assert_eq!(percentile(&[], 0.5), "");
    }
}
