//! Where the page comes to life.

use super::{Connection, Prefs, Store, language, link, zone};
use crate::{
    model::Timestamp,
    views::{App, Later, Site},
    wire::{PageSeed, Seed},
};
use gloo_timers::future::TimeoutFuture;
use leptos::{mount::hydrate_body, prelude::*, server_fn::client::set_server_url, task::spawn_local};
use std::{sync::Arc, time::Duration};

/// Milliseconds after which a first visit has what it needs, and the code of other pages is in nobody's way.
const SETTLED: u32 = 1_000;
/// Milliseconds until such code is asked for again. Whoever goes there asks at once.
const AGAIN: u32 = 60_000;

/// Takes over the server's HTML with the state it was rendered from, then connects. Fails where either that state or the
/// page's code is of another release. The texts are those of the page's language, where it is not English.
pub async fn hydrate(texts: Option<String>) -> Result<(), String> {
    if let Some(texts) = texts {
        language::learn(texts);
    }
    let Some(seed) = seed() else {
        return Err("The page holds no state of this version.".to_owned());
    };
    let base_path: String = site().base_path.as_ref().into();
    // For the page's life; the address of the actions begins with it.
    set_server_url(base_path.leak());
    // Hydrating does not wait: the page's code has to be there.
    if let Some(page) = page() {
        page.load().await.map_err(|error| error.to_string())?;
    }
    let prefs = Prefs::new(seed.preferences.clone());
    let store = Store::new(seed);
    let of_page = store.clone();
    hydrate_body(move || {
        provide_context(of_page.clone());
        provide_context(prefs);
        provide_context(site());
        provide_context(PageSeed::from_text(text_of(PageSeed::ELEMENT)));
        App()
    });
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "true");
    }
    zone::tell(prefs);
    tick(&store);
    link::start(store.clone());
    spawn_local(load_the_rest(store));
    Ok(())
}

/// The page at this address, if its code comes apart.
fn page() -> Option<Later> {
    let path = window().location().pathname().unwrap_or_default();
    Later::at(path.strip_prefix(&*site().base_path).unwrap_or(&path))
}

/// So that no click has to wait for code, and a page that is open while the server is replaced still has all of its own.
async fn load_the_rest(store: Store) {
    TimeoutFuture::new(SETTLED).await;
    for page in Later::ALL {
        loop {
            let (connection, is_outdated) = store.link().with_untracked(|link| (link.connection, link.is_outdated));
            let wait = match connection {
                _ if is_outdated => return,
                Connection::Live | Connection::Polling if page.load().await.is_ok() => break,
                Connection::Live | Connection::Polling => AGAIN,
                _ => SETTLED,
            };
            TimeoutFuture::new(wait).await;
        }
    }
}

/// As the server wrote it on the root element.
pub(super) fn site() -> Site {
    let said = |name| document().document_element().and_then(|root| root.get_attribute(name)).unwrap_or_default();
    let hostname = window().location().hostname().unwrap_or_default().into();
    let base_path: Arc<str> = said("data-base").into();
    Site { router_base: base_path.clone(), base_path, version: said("data-version").into(), hostname }
}

fn seed() -> Option<Seed> {
    Seed::from_text(&text_of(Seed::ELEMENT)?)
}

fn text_of(element: &str) -> Option<String> {
    document().get_element_by_id(element)?.text_content()
}

/// Relative times tick together. The seconds are the browser's, counted from the server's time.
fn tick(store: &Store) {
    let now = store.now();
    let offset = now.get_untracked().micros() - link::clock().micros();
    set_interval(move || now.set(Timestamp::from_micros(link::clock().micros() + offset)), Duration::from_secs(1));
}
