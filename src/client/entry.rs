//! Where the page comes to life.

use super::{Prefs, Store, link};
use crate::{
    model::Timestamp,
    views::{App, Site},
    wire::Seed,
};
use leptos::{mount::hydrate_body, prelude::*, server_fn::client::set_server_url};
use std::{sync::Arc, time::Duration};

/// Takes over the server's HTML with the state it was rendered from, then connects.
pub fn hydrate() {
    let Some(seed) = seed() else {
        leptos::logging::error!("the page holds no state of this version: reload it");
        return;
    };
    let base_path: String = site().base_path.as_ref().into();
    // For the page's life; the address of the actions begins with it.
    set_server_url(base_path.leak());
    let store = Store::new(seed);
    let prefs_cookies = leptos::prelude::document();
    let prefs = Prefs::from_cookies(&cookies(&prefs_cookies));
    let of_page = store.clone();
    hydrate_body(move || {
        provide_context(of_page.clone());
        provide_context(prefs);
        provide_context(site());
        App()
    });
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "true");
    }
    tick(&store);
    link::start(store);
}

/// As the server wrote it on the root element.
pub(super) fn site() -> Site {
    let said = |name| document().document_element().and_then(|root| root.get_attribute(name)).unwrap_or_default();
    let hostname = window().location().hostname().unwrap_or_default().into();
    let base_path: Arc<str> = said("data-base").into();
    Site { router_base: base_path.clone(), base_path, version: said("data-version").into(), hostname }
}

fn seed() -> Option<Seed> {
    Seed::from_text(&document().get_element_by_id(Seed::ELEMENT)?.text_content()?)
}

fn cookies(document: &web_sys::Document) -> String {
    use wasm_bindgen::JsCast;
    document.dyn_ref::<web_sys::HtmlDocument>().and_then(|it| it.cookie().ok()).unwrap_or_default()
}

/// Relative times tick together. The seconds are the browser's, counted from the server's time.
fn tick(store: &Store) {
    let now = store.now();
    let offset = now.get_untracked().micros() - link::clock().micros();
    set_interval(move || now.set(Timestamp::from_micros(link::clock().micros() + offset)), Duration::from_secs(1));
}
