//! List of alert rules.

use super::{Dialog, Page, words};
use crate::{
    client::{erased_memo, t},
    model::{AlertChange, Rule},
    views::widgets::{boxed, button, empty, on_click},
};
use leptos::prelude::*;
use web_sys::Event;

pub(super) fn rules(page: Page) -> AnyView {
    let rules = erased_memo(move || {
        page.look(|book| {
            let named = |rule: &Rule| {
                let known = |id: &String| book.channels.iter().find(|it| it.id == *id).map(|it| it.name.clone());
                rule.channels.iter().filter_map(known).collect::<Vec<_>>()
            };
            let rules = book.rules.iter().map(|rule| (rule.clone(), named(rule)));
            (rules.collect::<Vec<_>>(), book.may_configure)
        })
    });
    let lines = boxed(move || {
        let (rules, may) = rules.get();
        rules.into_iter().map(|(rule, channels)| line(page, rule, &channels, may)).collect::<Vec<_>>()
    });
    let is_empty = erased_memo(move || rules.with(|(rules, _)| rules.is_empty()));
    view! {
        <section aria-labelledby="rules">
            <h2 id="rules">{t("Rules")}</h2>
            {boxed(move || is_empty.get().then(|| nothing_yet(page)))}
            <ul class="alerts rules">{lines}</ul>
        </section>
    }
    .into_any()
}

fn nothing_yet(page: Page) -> AnyView {
    let may = page.look(|book| book.may_configure);
    let add = may.then(|| {
        let add = move |_| page.ask(Dialog::Rule(words::new_rule()));
        button("button", "add", boxed(|| t("Create rule").to_owned()), Box::new(add))
    });
    let hint =
        boxed(|| t("Rules watch your containers and notify your channels when something goes wrong.").to_owned());
    empty("alerts", "No alert rules yet", hint, add.into_any())
}

fn line(page: Page, rule: Rule, channels: &[String], may: bool) -> AnyView {
    let notified = match channels {
        [] => t("in-app only").to_owned(),
        some => crate::t!("notifies {}", some.join(", ")),
    };
    let what = format!("{}; {notified}", words::rule(&rule));
    let turn = {
        let rule = rule.clone();
        on_click(move |event: Event| {
            let is_on = event_target_checked(&event);
            let done = crate::t!(if is_on { "{} is on" } else { "{} is off" }, rule.name);
            page.change(AlertChange::PutRule(Rule { is_on, ..rule.clone() }), done, "Couldn't update the rule");
        })
    };
    let acts = may.then(|| {
        let (edited, id, name) = (rule.clone(), rule.id.clone(), rule.name.clone());
        let edit = move |_| page.ask(Dialog::Rule(edited.clone()));
        let delete = move |_| page.ask(Dialog::DeleteRule(id.clone(), name.clone()));
        view! {
            <span class="acts">
                {icon_button("edit", crate::t!("Edit {}", rule.name), Box::new(edit))}
                {icon_button("remove", crate::t!("Delete {}", rule.name), Box::new(delete))}
            </span>
        }
        .into_any()
    });
    view! {
        <li data-rule=rule.name.clone() data-on=rule.is_on.to_string() data-severity=rule.severity.as_str()>
            <input
                type="checkbox"
                aria-label=crate::t!("{} is on", rule.name)
                prop:checked=rule.is_on
                checked=rule.is_on
                disabled=!may
                on:change=turn
            />
            <b title=rule.name.clone()>{rule.name.clone()}</b>
            <small title=what.clone()>{what.clone()}</small>
            <span class="state">{words::severity(rule.severity)}</span>
            {acts}
        </li>
    }
    .into_any()
}

/// An icon-only button. `words` is its label for screen readers.
pub(super) fn icon_button(icon: &'static str, words: String, click: crate::views::widgets::Click) -> AnyView {
    view! {
        <button class="button bare square" aria-label=words on:click=click>
            <crate::views::widgets::Icon name=icon />
        </button>
    }
    .into_any()
}
