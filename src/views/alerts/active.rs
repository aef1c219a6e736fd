//! Active alerts: firing ones first, worst first, then pending ones.

use super::{Page, subject, words};
use crate::{
    client::{Store, erased_memo, t, translate},
    model::{Alert, AlertChange, AlertState, Timestamp},
    views::{
        format,
        widgets::{Ago, boxed, button},
    },
};
use leptos::prelude::*;

const HOUR: u32 = 3_600;

pub(super) fn active(page: Page) -> AnyView {
    let active = erased_memo(move || page.look(|book| book.active.clone()));
    let lines = boxed(move || active.get().into_iter().map(|alert| line(page, alert)).collect::<Vec<_>>());
    let is_quiet = erased_memo(move || active.with(Vec::is_empty));
    let store = expect_context::<Store>();
    let is_judged = erased_memo(move || store.main_host().is_some_and(|host| host.is_reachable()));
    let quiet = move || match is_judged.get() {
        true => view! { <p class="quiet"><b>{t("All clear.")}</b> {t(" No alerts are firing.")}</p> }.into_any(),
        false => view! { <p class="quiet">{t("The engine isn't responding, so alert rules can't be evaluated.")}</p> }
            .into_any(),
    };
    view! {
        <section aria-labelledby="active">
            <h2 id="active">{t("Active")}</h2>
            {boxed(move || is_quiet.get().then(quiet))}
            <ul class="alerts">{lines}</ul>
        </section>
    }
    .into_any()
}

fn line(page: Page, alert: Alert) -> AnyView {
    let word = words::severity(alert.severity);
    let word = if alert.state == AlertState::Pending { crate::t!("{}, pending", word) } else { word.to_owned() };
    let what = format!("{} · {}", translate(&alert.text), alert.rule_name);
    view! {
        <li data-alert=alert.state.as_str() data-severity=alert.severity.as_str() data-rule=alert.rule_name.clone()>
            <span class="state">{word}</span>
            {subject(&alert)}
            <small title=what.clone()>{what.clone()}</small>
            <Ago time=alert.since />
            {silence(page, &alert)}
        </li>
    }
    .into_any()
}

fn silence(page: Page, alert: &Alert) -> AnyView {
    let (may, until) = page.look(|book| {
        let rule = book.rules.iter().find(|rule| rule.id == alert.rule);
        (book.may_silence, rule.and_then(|rule| rule.silenced_until))
    });
    let now = expect_context::<Store>().now();
    let until = until.filter(|until| *until > now.get_untracked());
    let (rule, name) = (alert.rule.clone(), alert.rule_name.clone());
    match until {
        Some(until) => silenced(page, rule, name, until, may),
        None if !may => ().into_any(),
        None => {
            let (eight, of_eight) = (rule.clone(), name.clone());
            view! {
                <span class="acts" role="group" aria-label=crate::t!("Silence {}", name)>
                    {press(page, "Silence 1 h", rule, HOUR, crate::t!("{} silenced for 1 hour", name))}
                    {press(page, "8 h", eight, 8 * HOUR, crate::t!("{} silenced for 8 hours", of_eight))}
                </span>
            }
            .into_any()
        }
    }
}

fn press(page: Page, word: &'static str, rule: String, seconds: u32, done: String) -> AnyView {
    let act =
        move |_| page.change(AlertChange::Silence(rule.clone(), seconds), done.clone(), "Couldn't change the silence");
    button("button", "silence", boxed(move || t(word).to_owned()), Box::new(act))
}

fn silenced(page: Page, rule: String, name: String, until: Timestamp, may: bool) -> AnyView {
    let now = expect_context::<Store>().now();
    let left =
        boxed(move || crate::t!("silenced for {}", format::duration((until.seconds() - now.get().seconds()).max(0))));
    let end = may.then(|| press(page, "End silence", rule, 0, crate::t!("{} unsilenced", name)));
    view! { <span class="acts"><span class="tag">{left}</span> {end}</span> }.into_any()
}
