//! All details of one event.

use super::{feed::Feed, phrase::phrase, row::encoded};
use crate::{
    client::{t, translate},
    model::Event,
    views::{
        Site,
        widgets::{Dialog, boxed, on_click},
    },
};
use leptos::prelude::*;

pub(super) fn details() -> AnyView {
    let feed = expect_context::<Feed>();
    boxed(move || {
        let event = feed.open.get()?;
        let close = move || feed.open.set(None);
        let facts = facts(&event).into_iter().map(|(term, value)| {
            view! {
                <div>
                    <dt>{term}</dt>
                    <dd>{value}</dd>
                </div>
            }
            .into_any()
        });
        let facts: Vec<_> = facts.collect();
        let around = Site::expect().page(&format!("/events?around={}", encoded(&event.time.to_string())));
        Some(
            view! {
                <Dialog title=phrase(&event) on_close=close>
                    <dl class="facts">{facts}</dl>
                    <footer>
                        <a class="button" href=around on:click=on_click(move |_| close())>{t("Show nearby events")}</a>
                        <button class="button main" autofocus on:click=on_click(move |_| close())>{t("Close")}</button>
                    </footer>
                </Dialog>
            }
            .into_any(),
        )
    })
    .into_any()
}

fn facts(event: &Event) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |term: &str, value: &str| {
        if !value.is_empty() {
            facts.push((term.to_owned(), value.to_owned()));
        }
    };
    fact(t("Time"), &event.time.to_string());
    fact(t("Host"), event.host.as_str());
    fact(t("Event"), &format!("{} {}", event.kind, event.action));
    fact(t("Name"), &event.name);
    fact(t("ID"), &event.id);
    fact(t("Project"), event.project.as_deref().unwrap_or_default());
    fact(t("User"), event.actor.as_deref().unwrap_or_default());
    fact(t("Failed"), &event.error.as_ref().map(translate).unwrap_or_default());
    for (key, value) in event.attributes.iter().filter(|(key, _)| key != "name") {
        fact(key, value);
    }
    facts
}
