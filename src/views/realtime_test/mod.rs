//! `/realtime-test`: diagnostics of the connection and of the latency of changes.

mod changes;
mod connection;
mod faults;
mod latency;
mod self_test;

use crate::client::t;
use changes::{ContainerChanges, ImageChanges};
use connection::ConnectionSummary;
use faults::Faults;
use latency::Latency;
use leptos::prelude::*;
use leptos_meta::Title;
use self_test::SelfTest;

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
            <ContainerChanges />
            <ImageChanges />
        </div>
    }
}
