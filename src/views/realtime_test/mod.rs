//! `/realtime-test`: the instrument panel. What the connection does, and how late each change came.

mod changes;
mod connection;

use changes::{ContainerChanges, ImageChanges};
use connection::ConnectionSummary;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn RealtimeTestPage() -> impl IntoView {
    view! {
        <Title text="Realtime test" />
        <div class="head"><h1>"Realtime test"</h1></div>
        <div class="instrument">
            <ConnectionSummary />
            <ContainerChanges />
            <ImageChanges />
        </div>
    }
}
