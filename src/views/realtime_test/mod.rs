//! `/realtime-test`: diagnostics of the connection and of the latency of changes.

mod changes;
mod connection;
mod faults;
mod latency;
mod self_test;

use super::{
    containers::first_containers,
    images,
    lazy::lazy_code,
    page_entry::{Code, PageEntry, SidebarLink, Visit, on_server},
    resource_list::first_entities,
};
use crate::{client::t, model::Key};
use changes::{LiveContainers, LiveImages};
use connection::ConnectionSummary;
use faults::Faults;
use latency::Latency;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::params::ParamsMap;
use self_test::SelfTest;

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Realtime test",
    link: SidebarLink::foot("realtime"),
    code: Code::Lazy(CODE),
    initial_state: on_server(initial_state),
};

lazy_code!(CODE in pages: RealtimeTestPage());

fn initial_state(visit: &Visit) -> Vec<Key> {
    let visit = Visit { query: &ParamsMap::new(), ..*visit };
    [first_containers(&visit), first_entities(&images::LIST, &visit)].concat()
}

#[component]
pub fn RealtimeTestPage() -> impl IntoView {
    view! {
        <Title text=t("Realtime test") />
        <div class="head"><h1>{t("Realtime test")}</h1></div>
        <div class="instrument">
            <ConnectionSummary />
            <Latency />
            <Faults />
            <SelfTest />
            <LiveContainers />
            <LiveImages />
        </div>
    }
}
