//! Connection metrics, and those of each transport.

use crate::{
    client::{Connection, Line, Link, Store, Transport, nearest_rank, order, t},
    views::{format, widgets::boxed},
};
use leptos::prelude::*;

#[component]
pub(super) fn ConnectionSummary() -> impl IntoView {
    let store = expect_context::<Store>();
    let (link, now, position) = (store.link(), store.now(), store.position());
    let fact = |term: &'static str, read: fn(&Link) -> String| {
        let link = link.clone();
        view! { <div><dt>{t(term)}</dt><dd>{boxed(move || link.with(read))}</dd></div> }.into_any()
    };
    let last_message = {
        let link = link.clone();
        boxed(move || link.with(Link::last_message).map(|last| format::ago(last, now.get())).unwrap_or_default())
    };
    let here = position.clone();
    // The revision in the server's last pong may be older than the one here.
    let on_server = {
        let (link, position) = (link.clone(), position.clone());
        boxed(move || link.with(|link| link.server_revision).max(position.get().revision).to_string())
    };
    view! {
        <section aria-labelledby="connection">
            <h2 id="connection">{t("Connection")}</h2>
            <dl class="facts">
                {fact("State", |link| t(word(link.connection)).to_owned())}
                {fact("Transport", |link| t(link.transport.word()).to_owned())}
                {fact("Server", |link| link.server_version.clone())}
                {fact("Round trip", |link| link.round_trips.last().copied().map(format::micros).unwrap_or_default())}
                {fact("Round trip p50", |link| percentile(&link.round_trips, 50))}
                {fact("Round trip p95", |link| percentile(&link.round_trips, 95))}
                {fact("Clock offset", |link| format::micros(link.clock_offset))}
                <div><dt>{t("Last message")}</dt><dd>{last_message}</dd></div>
                <div><dt>{t("Client revision")}</dt><dd>{boxed(move || here.get().revision.to_string())}</dd></div>
                <div><dt>{t("Server revision")}</dt><dd>{on_server}</dd></div>
                <div><dt>{t("Epoch")}</dt><dd>{boxed(move || position.get().epoch.to_string())}</dd></div>
                {fact("Drift", |link| link.server_drift.to_string())}
                {fact("Reconnects", |link| link.reconnects.to_string())}
                {fact("Resumes", |link| link.resumes.to_string())}
                {fact("Resyncs", |link| link.resyncs.to_string())}
                {fact("Gaps", |link| link.gaps.to_string())}
            </dl>
            <table class="table transports" role="table" aria-label=t("Transports")>
                <thead role="rowgroup">
                    <tr role="row">
                        <th class="name" role="columnheader">{t("Transport")}</th>
                        <th class="what" role="columnheader">{t("State")}</th>
                        <th class="opened number" role="columnheader">{t("Opened")}</th>
                        <th class="refused number" role="columnheader">{t("Refused")}</th>
                        <th class="messages number" role="columnheader">{t("Messages")}</th>
                        <th class="bytes number" role="columnheader">{t("Received")}</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {[Transport::WebSocket, Transport::Sse, Transport::Polling].map(transport).into_iter().collect::<Vec<_>>()}
                </tbody>
            </table>
        </section>
    }
}

fn transport(transport: Transport) -> AnyView {
    let link = expect_context::<Store>().link();
    let number = |read: fn(&Line) -> String| {
        let link = link.clone();
        boxed(move || link.with(|link| read(&link.lines[transport as usize])))
    };
    let state = {
        let link = link.clone();
        boxed(move || link.with(|link| t(state_word(link, transport))))
    };
    let path = match transport {
        Transport::None => "",
        Transport::WebSocket => "/ws",
        Transport::Sse => "/api/stream",
        Transport::Polling => "/api/state",
    };
    view! {
        <tr role="row">
            <th class="name" role="rowheader" scope="row"><b>{t(transport.word())}</b> <small>{path}</small></th>
            <td class="what">{state}</td>
            <td class="opened number">{number(|line| line.opened.to_string())}</td>
            <td class="refused number">{number(|line| line.refused.to_string())}</td>
            <td class="messages number">{number(|line| line.messages.to_string())}</td>
            <td class="bytes number">{number(|line| {
                let (number, unit) = format::bytes(line.bytes);
                format!("{number} {unit}")
            })}</td>
        </tr>
    }
    .into_any()
}

fn state_word(link: &Link, transport: Transport) -> &'static str {
    let line = &link.lines[transport as usize];
    match () {
        () if link.transport == transport => "in use",
        () if line.is_blocked => "blocked on this page",
        () if line.opened == 0 && line.refused > 0 => "can't connect",
        () if line.opened == 0 => "not used yet",
        () => "not in use",
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

fn percentile(values: &[i64], percent: usize) -> String {
    if values.is_empty() {
        return String::new();
    }
    let sorted = order(values.len(), &mut |a, b| values[a].cmp(&values[b]));
    format::micros(values[sorted[nearest_rank(sorted.len(), percent)]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_use_the_nearest_rank() {
        let values: Vec<i64> = (1..=20).rev().map(|it| it * 10_000).collect();
        assert_eq!(percentile(&values, 50), "100 ms");
        assert_eq!(percentile(&values, 95), "190 ms");
        assert_eq!(percentile(&[], 50), "");
    }
}
