//! The hours in which only what is critical leaves the house.

use super::{Asking, Page, words};
use crate::client::{derived, t};
use crate::views::widgets::{button, live};
use leptos::prelude::*;

pub(super) fn quiet(page: Page) -> AnyView {
    let quiet = derived(move || page.look(|book| (book.quiet, book.may_configure)));
    let text = live(move || match quiet.get().0 {
        Some(hours) => crate::t!("{}: only what is critical goes out, the rest waits.", words::quiet(hours)),
        None => t("None: channels are told at any hour.").to_owned(),
    });
    let change = live(move || {
        let (hours, may) = quiet.get();
        may.then(|| {
            let ask = move |_| page.ask(Asking::Quiet(hours));
            button("button", "theme-dark", live(|| t("Set quiet hours").to_owned()), Box::new(ask))
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
