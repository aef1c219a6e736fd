//! `/alerts`: active alerts, rules, channels, and recent transitions.

mod active;
mod channel_form;
mod channels;
mod dialogs;
mod form;
mod quiet;
mod rule_form;
mod rules;
mod transitions;
mod words;

use super::{
    Site,
    lazy::lazy_code,
    page_entry::{Code, Count, PageEntry, SidebarLink},
    sees_all,
    widgets::{boxed, button, empty},
};
use crate::{
    actions::alerts::change_alerts,
    client::{Level, Store, Toasts, effect, erased_memo, t, translate},
    model::{AlertBook, AlertChange, ChannelDraft, ENGINE_DISK, HistoryStatus, QuietHours, Rule},
    queries::alerts::alerts,
    wire::{ActionError, PageSeed},
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use std::time::Duration;

/// Poll interval: the server sends no notice when a pending alert or a firing alert's value changes.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// State shared by the parts of the page.
#[derive(Clone, Copy)]
struct Page {
    /// `None` until loaded.
    book: RwSignal<Option<AlertBook>>,
    failed: RwSignal<Option<ActionError>>,
    open_dialog: RwSignal<Dialog>,
    toasts: Toasts,
}

/// The open dialog.
#[derive(Clone, Default)]
enum Dialog {
    #[default]
    Nothing,
    Rule(Rule),
    Channel(ChannelDraft),
    /// ID and name.
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
    /// Returns the default until the book is loaded.
    fn look<T: Default>(self, look: impl FnOnce(&AlertBook) -> T) -> T {
        self.book.with(|book| book.as_ref().map(look).unwrap_or_default())
    }

    fn ask(self, open_dialog: Dialog) {
        self.open_dialog.set(open_dialog);
    }

    fn close(self) {
        self.open_dialog.set(Dialog::Nothing);
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

    /// Sends the change, then shows the result as a toast.
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

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Alerts",
    link: SidebarLink::top("alerts", Count::FiringAlerts),
    code: Code::Lazy(CODE),
    initial_state: None,
};

lazy_code!(CODE in pages: AlertsPage());

#[component]
pub fn AlertsPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let first = use_context::<PageSeed>().and_then(|first| first.take());
    let page = Page {
        book: RwSignal::new(first),
        failed: RwSignal::new(None),
        open_dialog: RwSignal::new(Dialog::Nothing),
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
    let shown = erased_memo(move || match (page.book.with(Option::is_some), page.failed.with(Option::is_some)) {
        (true, _) => Shown::Book,
        (false, true) => Shown::Failed,
        (false, false) => Shown::Waiting,
    });
    let may = erased_memo(move || page.look(|book| book.may_configure));
    view! {
        <Title text=t("Alerts") />
        <div class="head">
            <h1>{t("Alerts")} " " <small>{boxed(move || page.look(|book| words::total(&book.active)))}</small></h1>
            {boxed(move || may.get().then(|| {
                let add = move |_| page.ask(Dialog::Rule(words::new_rule()));
                button("button main", "add", boxed(|| t("New rule").to_owned()), Box::new(add))
            }))}
        </div>
        {boxed(move || match shown.get() {
            Shown::Waiting => view! { <p class="quiet padded" role="status">{t("Loading…")}</p> }.into_any(),
            Shown::Failed => failed(page),
            Shown::Book => book(page),
        })}
        {dialogs::dialogs(page)}
    }
}

fn failed(page: Page) -> AnyView {
    let why =
        boxed(move || page.failed.with(|error| error.as_ref().map(|it| translate(&it.message)).unwrap_or_default()));
    let again = button("button", "restart", boxed(|| t("Try again").to_owned()), Box::new(move |_| page.refresh()));
    empty("unreachable", "Couldn't load alerts", why, again)
}

fn book(page: Page) -> AnyView {
    view! {
        {boxed(move || notes(page))}
        <div class="alerts-page">
            {active::active(page)}
            {sees_all().then(|| [rules::rules(page), channels::channels(page), quiet::quiet(page)])}
            {transitions::transitions(page)}
        </div>
    }
    .into_any()
}

/// Notes on why rules and channels can't be changed here.
fn notes(page: Page) -> Vec<AnyView> {
    let off = page.look(|book| match &book.history {
        HistoryStatus::Recording => None,
        HistoryStatus::Off { reason } if !book.is_known => {
            Some(crate::t!("Rules and channels can't be read: {}.", translate(reason)))
        }
        HistoryStatus::Off { reason } => Some(crate::t!("Rules and channels can't be saved: {}.", translate(reason))),
    });
    let fixed = page.book.with(|book| book.as_ref().is_some_and(|book| !book.may_configure));
    let words = match sees_all() {
        true => "You can view rules and channels, but not change them.",
        false => "You see only the alerts of your containers.",
    };
    let fixed = fixed.then(|| t(words).to_owned());
    let note = |text: String| view! { <p class="quiet padded" role="status">{text}</p> }.into_any();
    off.into_iter().chain(fixed).map(note).collect()
}

/// The subject of an alert, linked to its container's page where there is one.
fn subject(alert: &crate::model::Alert) -> AnyView {
    let name = if alert.subject == ENGINE_DISK { t(ENGINE_DISK).to_owned() } else { alert.subject.clone() };
    match &alert.container {
        Some(id) => {
            let page = Site::expect().page(&format!("/containers/{id}"));
            view! { <a href=page title=name.clone()>{name.clone()}</a> }.into_any()
        }
        None => view! { <b title=name.clone()>{name.clone()}</b> }.into_any(),
    }
}
