//! `/alerts`: what fires, the rules behind it, who is told, and what fired of late.

mod active;
mod channel_form;
mod channels;
mod dialogs;
mod form;
mod quiet;
mod rule_form;
mod rules;
mod turns;
mod words;

use super::{
    Site,
    widgets::{button, empty, live},
};
use crate::{
    actions::alerts::change_alerts,
    client::{Level, Store, Toasts, derived, effect, t, told},
    model::{AlertBook, AlertChange, ChannelDraft, HistoryStatus, QuietHours, Rule},
    queries::alerts::alerts,
    wire::{ActionError, PageSeed},
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use std::time::Duration;

/// What is pending, and what is measured of what fires, moves without a notice.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// What the parts of the page share.
#[derive(Clone, Copy)]
struct Page {
    /// None until it has come.
    book: RwSignal<Option<AlertBook>>,
    failed: RwSignal<Option<ActionError>>,
    asking: RwSignal<Asking>,
    toasts: Toasts,
}

/// What the dialog is about.
#[derive(Clone, Default)]
enum Asking {
    #[default]
    Nothing,
    Rule(Rule),
    Channel(ChannelDraft),
    /// Id and name.
    DeleteRule(String, String),
    DeleteChannel(String, String),
    Quiet(Option<QuietHours>),
}

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Waiting,
    Failed,
    Book,
}

impl Page {
    /// Nothing before the book has come.
    fn look<T: Default>(self, look: impl FnOnce(&AlertBook) -> T) -> T {
        self.book.with(|book| book.as_ref().map(look).unwrap_or_default())
    }

    fn ask(self, asking: Asking) {
        self.asking.set(asking);
    }

    fn close(self) {
        self.asking.set(Asking::Nothing);
    }

    fn refresh(self) {
        spawn_local(async move {
            match alerts().await {
                Ok(book) => {
                    let is_same = self.book.try_with_untracked(|before| before.as_ref() == Some(&book));
                    if is_same == Some(false) {
                        self.book.set(Some(book));
                    }
                    self.failed.try_set(None);
                }
                Err(error) => drop(self.failed.try_set(Some(error))),
            }
        });
    }

    /// Does it, and shows what came of it.
    fn change(self, change: AlertChange, done: String, failed: &'static str) {
        spawn_local(async move {
            match change_alerts(change).await {
                Ok(()) => self.toasts.show(Level::Ok, done, None),
                Err(error) => self.toasts.failed(t(failed), &error),
            }
            self.refresh();
        });
    }
}

#[component]
pub fn AlertsPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let first = use_context::<PageSeed>().and_then(|first| first.take());
    let page = Page {
        book: RwSignal::new(first),
        failed: RwSignal::new(None),
        asking: RwSignal::new(Asking::Nothing),
        toasts: expect_context(),
    };
    provide_context(page);
    let (notices, firing) = (store.notices(), store.firing());
    effect(move || {
        notices.track();
        firing.track();
        page.refresh();
    });
    effect(move || {
        let ask = move || {
            if !document().hidden() {
                page.refresh();
            }
        };
        if let Ok(timer) = set_interval_with_handle(ask, ASK_EVERY) {
            on_cleanup(move || timer.clear());
        }
    });
    let shown = derived(move || match (page.book.with(Option::is_some), page.failed.with(Option::is_some)) {
        (true, _) => Shown::Book,
        (false, true) => Shown::Failed,
        (false, false) => Shown::Waiting,
    });
    let may = derived(move || page.look(|book| book.may_configure));
    view! {
        <Title text=t("Alerts") />
        <div class="head">
            <h1>{t("Alerts")} " " <small>{live(move || page.look(|book| words::total(&book.active)))}</small></h1>
            {live(move || may.get().then(|| {
                let add = move |_| page.ask(Asking::Rule(words::new_rule()));
                button("button main", "add", live(|| t("New rule").to_owned()), Box::new(add))
            }))}
        </div>
        {live(move || match shown.get() {
            Shown::Waiting => view! { <p class="quiet padded" role="status">{t("Asking the server…")}</p> }.into_any(),
            Shown::Failed => failed(page),
            Shown::Book => book(page),
        })}
        {dialogs::dialogs(page)}
    }
}

fn failed(page: Page) -> AnyView {
    let why = live(move || page.failed.with(|error| error.as_ref().map(|it| told(&it.message)).unwrap_or_default()));
    let again = button("button", "restart", live(|| t("Try again").to_owned()), Box::new(move |_| page.refresh()));
    empty("unreachable", "Alerts can't be shown", why, again)
}

fn book(page: Page) -> AnyView {
    view! {
        {live(move || notes(page))}
        <div class="alerts-page">
            {active::active(page)}
            {rules::rules(page)}
            {channels::channels(page)}
            {quiet::quiet(page)}
            {turns::turns(page)}
        </div>
    }
    .into_any()
}

/// Why something can't be changed here.
fn notes(page: Page) -> Vec<AnyView> {
    let off = page.look(|book| match &book.history {
        HistoryStatus::Recording => None,
        HistoryStatus::Off { reason } => Some(crate::t!("Rules and channels can't be kept: {}.", told(reason))),
    });
    let fixed = page.book.with(|book| book.as_ref().is_some_and(|book| !book.may_configure));
    let fixed = fixed.then(|| t("You may look at rules and channels here, not change them.").to_owned());
    let note = |text: String| view! { <p class="quiet padded" role="status">{text}</p> }.into_any();
    off.into_iter().chain(fixed).map(note).collect()
}

/// What an alert is about: its container's page, where there is one.
fn subject(alert: &crate::model::Alert) -> AnyView {
    // A name has no spaces, and stays as it is: what has some is ours.
    let name = if alert.subject.contains(' ') { told(&alert.subject) } else { alert.subject.clone() };
    match &alert.container {
        Some(id) => {
            let page = Site::expect().page(&format!("/containers/{id}"));
            view! { <a href=page title=name.clone()>{name.clone()}</a> }.into_any()
        }
        None => view! { <b title=name.clone()>{name.clone()}</b> }.into_any(),
    }
}
