//! Hydration: the page's entry point in the browser.

use super::{
    Prefs, Store, language, link,
    prefetch::prefetch,
    site::{access, site},
    zone,
};
use crate::{
    model::Timestamp,
    views::{App, page_at},
    wire::{PageSeed, Seed},
};
use leptos::{mount::hydrate_body, prelude::*, server_fn::client::set_server_url, task::spawn_local};
use std::time::Duration;

/// Hydrates the server's HTML with the state it was rendered from, then connects. Fails if that state or the page's
/// code is of another release. `texts` are the translations into the page's language, or `None` if it is English.
pub async fn hydrate(texts: Option<String>) -> Result<(), String> {
    if let Some(texts) = texts {
        language::learn(texts);
    }
    let Some(seed) = seed() else {
        return Err("The page holds no state of this version.".to_owned());
    };
    let base_path: String = site().base_path.as_ref().into();
    // Leaked, since it is needed for the page's lifetime. The URLs of the server functions start with it.
    set_server_url(base_path.leak());
    // Hydration does not wait, so the page's code must be loaded before.
    let path = window().location().pathname().unwrap_or_default();
    let path = path.strip_prefix(&*site().base_path).unwrap_or(&path);
    if let Some(code) = page_at(path).and_then(|(page, _)| page.lazy_code()) {
        (code.load)().await.map_err(|error| error.to_string())?;
    }
    let prefs = Prefs::new(seed.preferences.clone());
    let store = Store::new(seed);
    let of_page = store.clone();
    hydrate_body(move || {
        provide_context(of_page.clone());
        provide_context(prefs);
        provide_context(site());
        provide_context(access());
        provide_context(PageSeed::from_text(text_of(PageSeed::ELEMENT)));
        App()
    });
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "true");
    }
    zone::tell(prefs);
    tick(&store);
    link::start(store.clone());
    spawn_local(prefetch(store));
    Ok(())
}

fn seed() -> Option<Seed> {
    Seed::from_text(&text_of(Seed::ELEMENT)?)
}

fn text_of(element: &str) -> Option<String> {
    document().get_element_by_id(element)?.text_content()
}

/// Updates all relative times together, once per second. The seconds are counted by the browser, from the server's
/// time.
fn tick(store: &Store) {
    let now = store.now();
    let offset = now.get_untracked().micros() - link::clock().micros();
    set_interval(move || now.set(Timestamp::from_micros(link::clock().micros() + offset)), Duration::from_secs(1));
}
