//! What the page looks at: told to the server, or asked of it where nothing can be told.

use super::{clock, line::Line, poll::fetch};
use crate::{
    client::store::{Looks, Store},
    wire::{ServerFrame, Stats, binary, routes},
};
use futures::{
    FutureExt,
    future::{Fuse, LocalBoxFuture},
};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::document;

/// Scrolling names other containers with every few rows: the server hears of where it came to rest, in milliseconds.
const REST: u32 = 120;

/// Between two questions, in milliseconds.
const ASK_EVERY: i64 = 2_000;

/// Between two orders of a list by what is used, in milliseconds.
const RANK_EVERY: i64 = 3_000;

/// In an address that every proxy takes.
const MOST_IDS: usize = 50;

pub(super) struct Looking {
    told: Looks,
    pub(super) due: Fuse<TimeoutFuture>,
    pub(super) asking: Fuse<LocalBoxFuture<'static, Option<Stats>>>,
    asked_at: i64,
    ranked_at: i64,
}

impl Default for Looking {
    fn default() -> Self {
        let (due, asking) = (Fuse::terminated(), Fuse::terminated());
        Self { told: Looks::default(), due, asking, asked_at: 0, ranked_at: 0 }
    }
}

impl Looking {
    /// The page looks at something else.
    pub(super) fn soon(&mut self) {
        self.due = TimeoutFuture::new(REST).fuse();
    }

    /// Tells the server what it does not know, or asks when it is time. A tab that nobody sees looks at nothing.
    pub(super) fn tell(&mut self, store: &Store, line: &Line) {
        let seen = || Looks { tasks: true, ..store.looks() };
        let looks = if document().hidden() { Looks::default() } else { seen() };
        if line.say(&self.told.change_to(&looks)) {
            self.told = looks;
            return;
        }
        let now = clock().millis();
        // Of what happens the page asks by itself; what takes long comes unasked.
        let asks = Looks { events: false, tasks: false, ..looks.clone() };
        if !asks.is_nothing() && now - self.asked_at >= ASK_EVERY {
            self.asked_at = now;
            self.asking = ask(looks).boxed_local().fuse();
        }
    }

    pub(super) fn take_in(&mut self, store: &Store, stats: Stats) {
        store.stats(stats);
        let now = clock().millis();
        // No row moves under the pointer.
        if now - self.ranked_at >= RANK_EVERY && !is_pointed_at() {
            self.ranked_at = now;
            store.rank();
        }
    }
}

fn is_pointed_at() -> bool {
    document().query_selector(".table > tbody:hover").is_ok_and(|it| it.is_some())
}

async fn ask(looks: Looks) -> Option<Stats> {
    let base = crate::client::entry::site().base_path;
    let Looks { ids, all, loads, .. } = looks;
    let ids = ids.iter().take(MOST_IDS).map(|id| id.as_str()).collect::<Vec<_>>().join(",");
    let ids = if all { String::new() } else { format!("&ids={ids}") };
    let body = fetch(&format!("{base}{}?encoding=postcard&loads={loads}{ids}", routes::STATS)).await?;
    match binary::decode_server(&body) {
        Ok((ServerFrame::Stats(stats), ..)) => Some(stats),
        _ => None,
    }
}
