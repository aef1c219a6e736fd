//! Frame around every page: sidebar, top bar, banner and toasts.

mod badge;
mod banner;
mod bell;
mod popover;
mod sidebar;
mod tasks;
mod toaster;
mod top_bar;

use super::{
    page_entry::PageEntry,
    panels::TasksOpen,
    rows::Scrolled,
    widgets::{boxed, on_click},
};
use crate::client::{Connection, Store, effect, t};

use banner::Banner;
use leptos::prelude::*;
use leptos_meta::Title;
use sidebar::Sidebar;
use toaster::Toaster;
use top_bar::TopBar;

#[component]
pub fn Frame(pages: &'static [(&'static str, &'static PageEntry)], children: Children) -> impl IntoView {
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
        <Sidebar pages />
        <TopBar />
        <main
            id="main"
            tabindex="0"
            data-stale=boxed(move || stale.get().then_some("true"))
            on:scroll=on_click(move |_: web_sys::Event| scrolled.0.notify())
        >
            <Banner />
            {children()}
        </main>
        <Toaster />
    }
}

/// Whether the data shown may be stale, because the engine or the server is unreachable.
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
