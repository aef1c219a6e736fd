//! What stands around every page: rail, top bar, banner, notices.

mod badge;
mod banner;
mod bell;
mod hanging;
mod rail;
mod tasks;
mod toaster;
mod top_bar;

use super::{
    rows::Scrolled,
    widgets::{live, on_click},
};
use crate::client::{Connection, Store, effect, t};
pub use bell::CentreOpen;
pub use tasks::TasksOpen;

use banner::Banner;
use leptos::prelude::*;
use leptos_meta::Title;
use rail::Rail;
use toaster::Toaster;
use top_bar::TopBar;

#[component]
pub fn Frame(children: Children) -> impl IntoView {
    let stale = is_stale();
    let scrolled = Scrolled::default();
    provide_context(scrolled.clone());
    provide_context(TasksOpen(RwSignal::new(false)));
    effect({
        let scrolled = scrolled.clone();
        move || {
            let scrolled = scrolled.clone();
            let listener = window_event_listener(leptos::ev::resize, move |_| scrolled.0.notify());
            on_cleanup(move || listener.remove());
        }
    });
    view! {
        <Title formatter=|page: String| {
            if page.is_empty() { "Quaylight".to_owned() } else { format!("{page} · Quaylight") }
        } />
        <a class="button skip" href="#main">{t("Skip to content")}</a>
        <Rail />
        <TopBar />
        <main
            id="main"
            tabindex="0"
            data-stale=live(move || stale.get().then_some("true"))
            on:scroll=on_click(move |_: web_sys::Event| scrolled.0.notify())
        >
            <Banner />
            {children()}
        </main>
        <Toaster />
    }
}

/// Whether what is shown may no longer be so: the engine or the server can't be heard.
pub fn is_stale() -> Signal<bool> {
    let store = expect_context::<Store>();
    let link = store.link();
    Signal::derive(move || {
        let lost = !matches!(
            link.with(|link| link.connection),
            Connection::Live | Connection::Polling | Connection::Connecting
        );
        lost || store.main_host().is_some_and(|host| host.status == crate::model::HostStatus::Unreachable)
    })
}
