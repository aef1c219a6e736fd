//! Synchronization of the page's subscriptions. They are sent to the server, or polled over transports that can't send.

use super::{clock, line::Line, poll::fetch};
use crate::{
    client::store::{Store, Subscriptions},
    wire::{ServerFrame, Stats, binary, routes},
};
use futures::{
    FutureExt,
    future::{Fuse, LocalBoxFuture},
};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::document;

/// Debounce, in milliseconds: scrolling subscribes to other containers every few rows, and the server receives only the
/// final set.
const REST: u32 = 120;

/// Interval between two polls, in milliseconds.
const ASK_EVERY: i64 = 2_000;

/// Interval between two rankings of a list by usage, in milliseconds.
const RANK_EVERY: i64 = 3_000;

/// The maximum number of ids in a URL, so that every proxy accepts it.
const MOST_IDS: usize = 50;

pub(super) struct SubscriptionSync {
    sent: Subscriptions,
    pub(super) due: Fuse<TimeoutFuture>,
    pub(super) asking: Fuse<LocalBoxFuture<'static, Option<Stats>>>,
    asked_at: i64,
    ranked_at: i64,
}

impl Default for SubscriptionSync {
    fn default() -> Self {
        let (due, asking) = (Fuse::terminated(), Fuse::terminated());
        Self { sent: Subscriptions::default(), due, asking, asked_at: 0, ranked_at: 0 }
    }
}

impl SubscriptionSync {
    /// Schedules an update after the page's subscriptions changed.
    pub(super) fn soon(&mut self) {
        self.due = TimeoutFuture::new(REST).fuse();
    }

    /// Sends the changed subscriptions to the server, or polls when it is time. A hidden tab subscribes to nothing.
    pub(super) fn tell(&mut self, store: &Store, line: &Line) {
        let seen = || Subscriptions { tasks: true, ..store.subscriptions() };
        let subscriptions = if document().hidden() { Subscriptions::default() } else { seen() };
        if line.say(&self.sent.change_to(&subscriptions)) {
            self.sent = subscriptions;
            return;
        }
        let now = clock().millis();
        // The page polls events by itself, and tasks arrive without a subscription.
        let asks = Subscriptions { events: false, tasks: false, ..subscriptions.clone() };
        if !asks.is_nothing() && now - self.asked_at >= ASK_EVERY {
            self.asked_at = now;
            self.asking = ask(subscriptions).boxed_local().fuse();
        }
    }

    pub(super) fn take_in(&mut self, store: &Store, stats: Stats) {
        store.stats(stats);
        let now = clock().millis();
        // A row must not move while the pointer is on it.
        if now - self.ranked_at >= RANK_EVERY && !is_pointed_at() {
            self.ranked_at = now;
            store.rank();
        }
    }
}

fn is_pointed_at() -> bool {
    document().query_selector(".table > tbody:hover").is_ok_and(|it| it.is_some())
}

async fn ask(subscriptions: Subscriptions) -> Option<Stats> {
    let base = crate::client::site::site().base_path;
    let Subscriptions { ids, all, loads, .. } = subscriptions;
    let ids = ids.iter().take(MOST_IDS).map(|id| id.as_str()).collect::<Vec<_>>().join(",");
    let ids = if all { String::new() } else { format!("&ids={ids}") };
    let body = fetch(&format!("{base}{}?encoding=postcard&loads={loads}{ids}", routes::STATS)).await.ok()?;
    match binary::decode_server(&body) {
        Ok((ServerFrame::Stats(stats), ..)) => Some(stats),
        _ => None,
    }
}
