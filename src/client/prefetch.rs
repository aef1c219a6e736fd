//! Prefetching: loads the code of all other pages while the browser is idle, so that no click has to wait for code, and a page
//! that stays open while the server is upgraded still has all the code of its release.

use super::{Connection, Store};
use crate::views::lazy_codes;
use futures::channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use js_sys::Reflect;
use leptos::{leptos_dom::helpers::request_idle_callback_with_handle, prelude::*};
use std::cell::Cell;

/// Milliseconds until a first visit has loaded what it needs. Prefetching no longer competes with it.
const SETTLED: u32 = 1_000;
/// Milliseconds before a failed load is retried. Opening the page itself retries at once.
const RETRY: u32 = 60_000;

/// Loads one chunk at a time. Does nothing if the browser asks sites to save data.
pub(super) async fn prefetch(store: Store) {
    if saves_data() {
        return;
    }
    TimeoutFuture::new(SETTLED).await;
    for code in lazy_codes() {
        loop {
            idle().await;
            let (connection, is_outdated) = store.link().with_untracked(|link| (link.connection, link.is_outdated));
            let wait = match connection {
                _ if is_outdated => return,
                Connection::Live | Connection::Polling if (code.load)().await.is_ok() => break,
                Connection::Live | Connection::Polling => RETRY,
                _ => SETTLED,
            };
            TimeoutFuture::new(wait).await;
        }
    }
}

/// `navigator.connection.saveData`, which only Chromium has.
fn saves_data() -> bool {
    let connection = Reflect::get(&window().navigator(), &"connection".into());
    connection.and_then(|it| Reflect::get(&it, &"saveData".into())).is_ok_and(|it| it.is_truthy())
}

/// Resolves when the browser is idle; at once in browsers that don't report it.
async fn idle() {
    let (resolve, is_idle) = oneshot::channel();
    let resolve = Cell::new(Some(resolve));
    let resolve = move || resolve.take().map_or((), |resolve| resolve.send(()).unwrap_or_default());
    if request_idle_callback_with_handle(resolve).is_ok() {
        is_idle.await.ok();
    }
}
