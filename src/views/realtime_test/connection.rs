//! The connection in figures.

use crate::{
    client::{Connection, Link, Store, order},
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
                {fact("Round trip", |link| link.round_trips.last().copied().map(format::micros).unwrap_or_default())}
                {fact("Round trip p50", |link| percentile(&link.round_trips, 50))}
                {fact("Round trip p95", |link| percentile(&link.round_trips, 95))}
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
fn percentile(values: &[i64], percent: usize) -> String {
    let sorted = order(values.len(), &mut |a, b| values[a].cmp(&values[b]));
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).map(|at| values[*at]).map(format::micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let values: Vec<i64> = (1..=20).rev().map(|it| it * 10_000).collect();
        assert_eq!(percentile(&values, 50), "100 ms");
        assert_eq!(percentile(&values, 95), "190 ms");
        assert_eq!(percentile(&[], 50), "");
    }
}
