//! Quiet hours: during them only critical alerts are sent to channels.

use super::{Dialog, Page, words};
use crate::client::{erased_memo, t};
use crate::views::widgets::{boxed, button};
use leptos::prelude::*;

pub(super) fn quiet(page: Page) -> AnyView {
    let quiet = erased_memo(move || page.look(|book| (book.quiet, book.may_configure)));
    let text = boxed(move || match quiet.get().0 {
        Some(hours) => crate::t!("{}: only critical alerts are sent; others are held.", words::quiet(hours)),
        None => t("Off. Notifications are sent at any time.").to_owned(),
    });
    let change = boxed(move || {
        let (hours, may) = quiet.get();
        may.then(|| {
            let ask = move |_| page.ask(Dialog::Quiet(hours));
            button("button", "theme-dark", boxed(|| t("Set quiet hours").to_owned()), Box::new(ask))
        })
    });
    view! {
        <section aria-labelledby="quiet">
            <header><h2 id="quiet">{t("Quiet hours")}</h2> {change}</header>
            <p class="quiet">{text}</p>
        </section>
    }
    .into_any()
}
