//! Fault injection: buttons that break the connection, and a log of how it recovered.

use crate::{
    client::{Command, Store, Transport, t},
    views::{
        format,
        widgets::{boxed, button, toggle},
    },
};
use leptos::prelude::*;

#[component]
pub(super) fn Faults() -> impl IntoView {
    let store = expect_context::<Store>();
    let journal = store.journal();
    let press = |icon: &'static str, words: &'static str, command: Command| {
        let store = store.clone();
        button("button", icon, boxed(move || t(words).to_owned()), Box::new(move |_| store.command(command)))
    };
    let block = |words: &'static str, transport: Transport| {
        let (store, link) = (store.clone(), store.link());
        let is_blocked = move || link.with(|link| link.lines[transport as usize].is_blocked);
        let pressed = {
            let is_blocked = is_blocked.clone();
            boxed(move || is_blocked().to_string())
        };
        let click = move |_| store.command(Command::Block(transport, !untrack(&is_blocked)));
        toggle("button", "close", words, pressed, Box::new(click))
    };
    let entries = boxed(move || {
        let entry = |entry: &crate::client::Entry| {
            view! {
                <li data-what=entry.what.as_str()>
                    <time>{format::time_of_day(entry.at)}</time>
                    <span>{entry.words.clone()}</span>
                </li>
            }
            .into_any()
        };
        journal.with(|journal| journal.entries().iter().map(entry).collect::<Vec<_>>())
    });
    view! {
        <section class="faults" aria-labelledby="faults">
            <h2 id="faults">{t("Fault injection")}</h2>
            <p class="quiet">
                {t("Each button breaks this page's connection. The connection log shows how it recovered.")}
            </p>
            <div class="buttons">
                {press("unreachable", "Drop connection", Command::Drop)}
                {block("Block WebSocket", Transport::WebSocket)}
                {block("Block SSE", Transport::Sse)}
                {press("pause", "Pause reading for 10 s", Command::Pause)}
                {press("restart", "Resync now", Command::Resync)}
            </div>
            <ol class="journal" data-journal="" aria-label=t("Connection log") tabindex="0">{entries}</ol>
        </section>
    }
}
