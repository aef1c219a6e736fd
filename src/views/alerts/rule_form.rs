//! Form of an alert rule. Its fields depend on the kind of condition.

use super::{Page, form::form, words};
use crate::{
    client::{t, translate},
    model::{AlertChange, Condition, Rule, Severity},
    views::widgets::{boxed, check, choice, field},
};
use leptos::prelude::*;

type Draft = StoredValue<Rule>;

pub(super) fn rule_form(page: Page, rule: Rule) -> AnyView {
    let title = if rule.id.is_empty() { t("New rule").to_owned() } else { crate::t!("Edit {}", rule.name) };
    let kind = RwSignal::new(words::kind(&rule.condition));
    let channels = page.book.with_untracked(|book| book.as_ref().map(|it| it.channels.clone()).unwrap_or_default());
    let first = rule.clone();
    let draft = StoredValue::new(rule);
    let choose = move |word: String| {
        draft.update_value(|rule| rule.condition = words::of_kind(&word));
        kind.set(words::kind(&words::of_kind(&word)));
    };
    let channels = channels.into_iter().map(|it| {
        let is_notified = first.channels.contains(&it.id);
        let set = move |is_notified: bool| {
            draft.update_value(|rule| {
                rule.channels.retain(|id| *id != it.id);
                rule.channels.extend(is_notified.then(|| it.id.clone()));
            });
        };
        check(it.name.clone(), is_notified, Box::new(set))
    });
    let channels: Vec<_> = channels.collect();
    let notified = (!channels.is_empty())
        .then(|| view! { <fieldset><legend>{t("Notify")}</legend> {channels}</fieldset> }.into_any());
    let severities = Severity::ALL.iter().map(|it| (it.as_str(), words::severity(*it))).collect();
    let severity = move |word: String| {
        let chosen = Severity::ALL.into_iter().find(|it| it.as_str() == word);
        draft.update_value(|rule| rule.severity = chosen.unwrap_or(rule.severity));
    };
    let kinds = words::KINDS.map(|(kind, word)| (kind, t(word))).to_vec();
    let fields = view! {
        {text("Name", first.name.clone(), "Notification title", draft, |rule, text| rule.name = text)}
        {choice("Alert when a container", kinds, words::kind(&first.condition), Box::new(choose))}
        {boxed(move || of_kind(kind.get(), draft))}
        {choice("Severity", severities, first.severity.as_str(), Box::new(severity))}
        <div class="pair">
            {number("For at least (seconds)", first.duration, draft, |rule, seconds| rule.duration = seconds)}
            {number("Cooldown (seconds)", first.cooldown, draft, |rule, seconds| rule.cooldown = seconds)}
        </div>
        {notified}
    }
    .into_any();
    let change = move || {
        let rule = draft.get_value();
        rule.check().map_err(|fault| translate(&fault))?;
        Ok(AlertChange::PutRule(rule))
    };
    form(page, title, fields, Box::new(change), "Rule saved")
}

/// The fields for this kind of condition, and its scope.
fn of_kind(kind: &'static str, draft: Draft) -> AnyView {
    let rule = draft.get_value();
    let asked = match rule.condition {
        Condition::Cpu { above } => number("Threshold (% of one core)", above, draft, |rule, it| {
            rule.condition = Condition::Cpu { above: it };
        }),
        Condition::Memory { above } => number("Threshold (% of memory limit)", above, draft, |rule, it| {
            rule.condition = Condition::Memory { above: it };
        }),
        Condition::Disk { above } => number("Threshold (%)", above, draft, |rule, it| {
            rule.condition = Condition::Disk { above: it };
        }),
        Condition::Log { text: looked_for } => text("Text", looked_for, "panic", draft, |rule, it| {
            rule.condition = Condition::Log { text: it };
        }),
        Condition::Restarts { times, within } => view! {
            <div class="pair">
                {number("Number of starts", times, draft, |rule, it| if let Condition::Restarts { times, .. } = &mut rule.condition { *times = it })}
                {number("Within (seconds)", within, draft, |rule, it| if let Condition::Restarts { within, .. } = &mut rule.condition { *within = it })}
            </div>
        }
        .into_any(),
        Condition::Unhealthy | Condition::Failed | Condition::Absent => ().into_any(),
    };
    let scope = (kind != "disk").then(|| {
        view! {
            <div class="pair">
                {text("Container name", rule.scope.name, "any, or a pattern like web-*", draft, |rule, text| rule.scope.name = text)}
                {text("Project", rule.scope.project, "any", draft, |rule, text| rule.scope.project = text)}
            </div>
        }
        .into_any()
    });
    view! { {asked} {scope} }.into_any()
}

fn text(label: &'static str, value: String, hint: &'static str, draft: Draft, set: fn(&mut Rule, String)) -> AnyView {
    let typed = move |text: String| draft.update_value(|rule| set(rule, text.trim().to_owned()));
    field(label, "text", value, hint, Box::new(typed))
}

fn number(label: &'static str, value: u32, draft: Draft, set: fn(&mut Rule, u32)) -> AnyView {
    let typed = move |text: String| draft.update_value(|rule| set(rule, text.trim().parse().unwrap_or_default()));
    field(label, "number", value.to_string(), "", Box::new(typed))
}
