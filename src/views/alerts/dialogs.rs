//! The page's single dialog: a form, or a confirmation before deletion.

use super::{Dialog, Page, channel_form::channel_form, form::form, rule_form::rule_form, words};
use crate::{
    client::t,
    model::{AlertChange, QuietHours},
    views::widgets::{Dialog, boxed, field, on_click},
};
use leptos::prelude::*;

pub(super) fn dialogs(page: Page) -> AnyView {
    boxed(move || match page.open_dialog.get() {
        Dialog::Nothing => ().into_any(),
        Dialog::Rule(rule) => rule_form(page, rule),
        Dialog::Channel(draft) => channel_form(page, draft),
        Dialog::DeleteRule(id, name) => {
            let sentence =
                "This rule will no longer be evaluated. Its active alerts are cleared without a notification.";
            question(page, name, sentence, AlertChange::DeleteRule(id))
        }
        Dialog::DeleteChannel(id, name) => {
            let sentence = "Rules that use this channel keep notifying their other channels and this page.";
            question(page, name, sentence, AlertChange::DeleteChannel(id))
        }
        Dialog::Quiet(hours) => quiet_form(page, hours),
    })
    .into_any()
}

fn question(page: Page, name: String, sentence: &'static str, change: AlertChange) -> AnyView {
    let (title, word) = (crate::t!("Delete {}?", name), crate::t!("Delete {}", name));
    let delete = move |_| {
        page.close();
        page.change(change.clone(), crate::t!("{} deleted", name), "Couldn't delete it");
    };
    view! {
        <Dialog title on_close=move || page.close()>
            <p>{t(sentence)}</p>
            <footer>
                <button class="button" autofocus on:click=on_click(move |_| page.close())>{t("Cancel")}</button>
                <button class="button danger main" on:click=on_click(delete)>{word.clone()}</button>
            </footer>
        </Dialog>
    }
    .into_any()
}

fn quiet_form(page: Page, hours: Option<QuietHours>) -> AnyView {
    let had = hours.is_some();
    // The browser's zone: this only runs in a browser, on a button press.
    let zone = -(js_sys::Date::new_0().get_timezone_offset() as i32);
    let hours = hours.unwrap_or(QuietHours { from: 22 * 60, until: 7 * 60, zone });
    let (from, until) = (StoredValue::new(words::time(hours.from)), StoredValue::new(words::time(hours.until)));
    let none = move |_| {
        page.close();
        page.change(
            AlertChange::QuietHours(None),
            t("Quiet hours turned off").to_owned(),
            "Couldn't turn off quiet hours",
        );
    };
    let fields = view! {
        <p>{t("Between these times, only critical alerts are sent. Other alerts are held until quiet hours end.")}</p>
        <div class="pair">
            {field("From", "time", words::time(hours.from), "", Box::new(move |text| from.set_value(text)))}
            {field("To", "time", words::time(hours.until), "", Box::new(move |text| until.set_value(text)))}
        </div>
        {had.then(|| view! { <button type="button" class="button" on:click=on_click(none)>{t("Turn off quiet hours")}</button> }.into_any())}
    }
    .into_any();
    let change = move || {
        let (from, until) = (words::minutes(&from.get_value()), words::minutes(&until.get_value()));
        match from.zip(until) {
            Some((from, until)) => Ok(AlertChange::QuietHours(Some(QuietHours { from, until, zone }))),
            None => Err(t("Enter both times as HH:MM, for example 22:00").to_owned()),
        }
    };
    form(page, t("Quiet hours").to_owned(), fields, Box::new(change), "Quiet hours saved")
}
