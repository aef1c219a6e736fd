//! Self-test: a separate client, written from docs/protocol.md alone and loaded on demand.

use crate::{
    client::t,
    views::{
        Site,
        widgets::{boxed, button},
    },
};
use leptos::prelude::*;

/// The ID of its script element, and the name of the event that restarts it.
const SELF_TEST: &str = "self-test-script";
const AGAIN: &str = "self-test";

#[component]
pub(super) fn SelfTest() -> impl IntoView {
    let source = Site::expect().file("/self-test/start.js");
    let start = move |_| {
        let document = document();
        if document.get_element_by_id(SELF_TEST).is_some() {
            let _ = web_sys::Event::new(AGAIN).map(|event| document.dispatch_event(&event));
            return;
        }
        // A script element, because `import()` would need its own glue code in every page's script.
        let (Ok(script), Some(body)) = (document.create_element("script"), document.body()) else { return };
        for (name, value) in [("id", SELF_TEST), ("type", "module"), ("src", &source)] {
            let _ = script.set_attribute(name, value);
        }
        let _ = body.append_child(&script);
    };
    view! {
        <section aria-labelledby="self-test-title">
            <h2 id="self-test-title">{t("Self-test")}</h2>
            <p class="quiet">
                {t("Creates a temporary container, takes it through its lifecycle over each transport, measures every step, and removes it. Reports anything broken between this browser and Quaylight.")}
            </p>
            <div class="buttons">
                {button("button", "start", boxed(|| t("Run self-test").to_owned()), Box::new(start))}
            </div>
            <div id="self-test"></div>
        </section>
    }
}
