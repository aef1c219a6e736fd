//! Recent alert transitions: fired and resolved.

use super::{Page, subject};
use crate::{
    client::{erased_memo, t, translate},
    model::{Alert, AlertState},
    views::{
        Site, sees_all,
        widgets::{Ago, boxed},
    },
};
use leptos::prelude::*;

pub(super) fn transitions(page: Page) -> AnyView {
    let transitions = erased_memo(move || page.look(|book| book.transitions.clone()));
    let lines = boxed(move || transitions.get().into_iter().map(line).collect::<Vec<_>>());
    let is_empty = erased_memo(move || transitions.with(Vec::is_empty));
    let all = sees_all().then(|| {
        let all = Site::expect().page("/events?kind=alert");
        view! { <a href=all>{t("View all")}</a> }.into_any()
    });
    view! {
        <section aria-labelledby="transitions">
            <header><h2 id="transitions">{t("Recent alerts")}</h2> {all}</header>
            {boxed(move || is_empty.get().then(|| view! { <p class="quiet">{t("No alerts yet.")}</p> }.into_any()))}
            <ul class="alerts transitions">{lines}</ul>
        </section>
    }
    .into_any()
}

fn line(alert: Alert) -> AnyView {
    let word = if alert.state == AlertState::Resolved { t("Resolved") } else { t("Fired") };
    let what = match alert.state {
        AlertState::Resolved => alert.rule_name.clone(),
        _ => format!("{} · {}", translate(&alert.text), alert.rule_name),
    };
    let severity = if alert.state == AlertState::Resolved { "resolved" } else { alert.severity.as_str() };
    view! {
        <li data-turn=alert.state.as_str() data-severity=severity>
            <span class="state">{word}</span>
            {subject(&alert)}
            <small title=what.clone()>{what.clone()}</small>
            <Ago time=alert.since />
        </li>
    }
    .into_any()
}
