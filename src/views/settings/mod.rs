//! `/settings`: the user's preferences for display and notices. Each change applies at once and is saved for the next visit.

mod account;
mod shown_once;
mod two_factor;
mod users;

use super::{
    containers::{COLUMNS, Hideable},
    format,
    lazy::lazy_code,
    page_entry::{Code, PageEntry, SidebarLink},
    widgets::{boxed, check, choice, on_click},
};
use crate::{
    client::{Prefs, Store, t},
    model::{Density, Language, Layout, Preferences, Severity, Theme, Timestamp, Units},
};
use leptos::prelude::*;
use leptos_meta::Title;

pub(super) const PAGE: PageEntry =
    PageEntry { title: "Settings", link: SidebarLink::foot("settings"), code: Code::Lazy(CODE), initial_state: None };

lazy_code!(CODE in pages: SettingsPage());

#[component]
pub fn SettingsPage() -> impl IntoView {
    let prefs = expect_context::<Prefs>();
    view! {
        <Title text=t("Settings") />
        <div class="head">
            <h1>{t("Settings")}</h1>
        </div>
        <div class="settings-page">
            <section aria-labelledby="looks">
                <h2 id="looks">{t("Appearance")}</h2>
                {one_of("Theme", &[("System", Theme::System), ("Light", Theme::Light), ("Dark", Theme::Dark)], |it| it.theme, |it, theme| it.theme = theme, prefs)}
                {one_of("Default container view", &[("Table", Layout::Table), ("Cards", Layout::Cards)], |it| it.layout, |it, layout| it.layout = layout, prefs)}
                {one_of("Density", &[("Normal", Density::Normal), ("Compact", Density::Compact)], |it| it.density, |it, density| it.density = density, prefs)}
            </section>
            {columns(prefs)}
            {units_and_time(prefs)}
            {notices(prefs)}
            {account::account()}
            {users::users()}
            {about()}
        </div>
    }
}

/// A segmented control.
fn one_of<T: Copy + PartialEq + Send + Sync + 'static>(
    name: &'static str,
    words: &[(&'static str, T)],
    read: fn(&Preferences) -> T,
    write: fn(&mut Preferences, T),
    prefs: Prefs,
) -> AnyView {
    let segments: Vec<_> = words
        .iter()
        .map(|&(word, value)| {
            let pressed = boxed(move || prefs.read(|it| read(it) == value).to_string());
            let choose = move |_| prefs.change(|it| write(it, value));
            view! { <button aria-pressed=pressed on:click=on_click(choose)>{t(word)}</button> }.into_any()
        })
        .collect();
    view! {
        <div class="setting">
            <span>{t(name)}</span>
            <div class="segmented words" role="group" aria-label=t(name)>{segments}</div>
        </div>
    }
    .into_any()
}

fn columns(prefs: Prefs) -> AnyView {
    let hideable = COLUMNS.iter().filter_map(|it| it.hideable);
    let boxes = hideable.map(|Hideable { column, label }| {
        let is_shown = prefs.read_untracked(|it| !it.hidden.contains(&column));
        let set = move |is_shown: bool| {
            prefs.change(|it| {
                it.hidden.retain(|other| *other != column);
                if !is_shown {
                    it.hidden.push(column);
                }
            });
        };
        check(t(label).to_owned(), is_shown, Box::new(set))
    });
    view! {
        <section aria-labelledby="columns">
            <h2 id="columns">{t("Container list columns")}</h2>
            <p class="quiet">{t("Some columns are hidden automatically on narrow screens.")}</p>
            <fieldset><legend class="heard">{t("Visible columns")}</legend>{boxes.collect::<Vec<_>>()}</fieldset>
        </section>
    }
    .into_any()
}

fn units_and_time(prefs: Prefs) -> AnyView {
    let units = move |units: Units| {
        let pressed = boxed(move || prefs.read(|it| it.units == units).to_string());
        let word = if units == Units::Decimal { "kB, MB, GB" } else { "KiB, MiB, GiB" };
        let choose = move |_| prefs.change_all(move |it| it.units = units);
        view! { <button aria-pressed=pressed on:click=on_click(choose)>{word}</button> }.into_any()
    };
    let language = move |language: Language| {
        let pressed = boxed(move || prefs.read(|it| it.language == language).to_string());
        let (word, tag) = match language {
            Language::Browser => (t("Browser default"), None),
            Language::English => ("English", Some("en")),
            Language::Korean => ("한국어", Some("ko")),
        };
        let choose = move |_| prefs.change_all(move |it| it.language = language);
        view! { <button lang=tag aria-pressed=pressed on:click=on_click(choose)>{word}</button> }.into_any()
    };
    let zone = move |is_utc: bool| {
        let pressed = boxed(move || prefs.read(|it| it.zone.is_utc == is_utc).to_string());
        let word = if is_utc { "UTC" } else { t("Browser default") };
        let choose = move |_| prefs.change_all(move |it| it.zone.is_utc = is_utc);
        view! { <button aria-pressed=pressed on:click=on_click(choose)>{word}</button> }.into_any()
    };
    let now = expect_context::<Store>().now();
    let clock = boxed(move || format::exact(now.get()));
    view! {
        <section aria-labelledby="units">
            <h2 id="units">{t("Language and units")}</h2>
            <div class="setting">
                <span>{t("Language")}</span>
                <div class="segmented words" role="group" aria-label=t("Language")>
                    {language(Language::Browser)} {language(Language::English)} {language(Language::Korean)}
                </div>
            </div>
            <div class="setting">
                <span>{t("Size units")}</span>
                <div class="segmented words" role="group" aria-label=t("Size units")>{units(Units::Decimal)} {units(Units::Binary)}</div>
            </div>
            <div class="setting">
                <span>{t("Time zone")}</span>
                <div class="segmented words" role="group" aria-label=t("Time zone")>{zone(false)} {zone(true)}</div>
            </div>
            <p class="quiet">{t("Current time: ")} <span class="clock">{clock}</span></p>
        </section>
    }
    .into_any()
}

fn notices(prefs: Prefs) -> AnyView {
    let words = vec![
        ("info", t("All alerts")),
        ("warning", t("Warning and critical")),
        ("critical", t("Critical only")),
        ("", t("None")),
    ];
    let (least, ends) = prefs.read_untracked(|it| (it.toasts.alerts, it.toasts.resolved));
    let set = move |word: String| {
        prefs.change(|it| it.toasts.alerts = Severity::ALL.into_iter().find(|severity| severity.as_str() == word));
    };
    let set_ends = move |ends: bool| prefs.change(|it| it.toasts.resolved = ends);
    view! {
        <section aria-labelledby="notices">
            <h2 id="notices">{t("Notifications")}</h2>
            <p class="quiet">{t("Choose which alerts appear as toasts. All alerts and your failed actions stay in the notification center.")}</p>
            {choice("Show toasts for", words, least.map_or("", Severity::as_str), Box::new(set))}
            {check(t("Also show resolved alerts").to_owned(), ends, Box::new(set_ends))}
        </section>
    }
    .into_any()
}

fn about() -> AnyView {
    let store = expect_context::<Store>();
    let version = store.link().with_untracked(|link| link.server_version.clone());
    let prefs = expect_context::<Prefs>();
    let kept = boxed(move || {
        let changed = prefs.read(|it| it.changed);
        if changed == Timestamp::default() {
            t("Using default settings.").to_owned()
        } else {
            crate::t!("Last changed {}.", format::exact(changed))
        }
    });
    view! {
        <section aria-labelledby="about">
            <h2 id="about">{t("About")}</h2>
            <p class="quiet">{crate::t!("Quaylight {}. Your settings are saved on the server. ", version)} {kept}</p>
        </section>
    }
    .into_any()
}
