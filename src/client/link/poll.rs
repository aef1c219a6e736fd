//! Polling: one request after the other, each held back by the server until something happens.

use super::{address, clock};
use crate::wire::{Position, routes};
use futures::{FutureExt, future::LocalBoxFuture, pin_mut, select_biased};
use gloo_net::http::Request;
use gloo_timers::future::TimeoutFuture;

/// Seconds that the server may hold an answer back.
const WAIT: u32 = 5;

/// An answer that takes longer than this, in milliseconds, won't come.
const PATIENCE: u32 = 9_000;

/// An empty answer within this many milliseconds was not held back: whatever is on the way caches or cuts.
const HASTE: i64 = 1_000;

/// Before asking again after such an answer, in milliseconds.
const PAUSE: u32 = 1_000;

pub(super) struct Poll {
    position: Option<Position>,
    greeted: bool,
    /// The latest answer was empty and came too soon to have been held back.
    hasty: bool,
    /// The request under way.
    asking: Option<LocalBoxFuture<'static, (i64, Option<Vec<u8>>)>>,
}

impl Poll {
    pub(super) fn new(position: Option<Position>) -> Self {
        Self { position, greeted: false, hasty: false, asking: None }
    }

    /// Where the next request goes on from.
    pub(super) fn resume(&mut self, position: Option<Position>) {
        self.position = position;
    }

    /// The next answer, which may be empty; none when there is none. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let (position, greeted, hasty) = (self.position, self.greeted, self.hasty);
        let (took, answer) = self.asking.get_or_insert_with(|| ask(position, greeted, hasty).boxed_local()).await;
        self.asking = None;
        self.greeted = true;
        self.hasty = took < HASTE && answer.as_ref().is_some_and(Vec::is_empty);
        answer
    }
}

/// How long it took in milliseconds, and what came.
async fn ask(position: Option<Position>, greeted: bool, hasty: bool) -> (i64, Option<Vec<u8>>) {
    if hasty {
        TimeoutFuture::new(PAUSE).await;
    }
    let began = clock().millis();
    let since = position.map(|position| format!("&since={position}")).unwrap_or_default();
    // The first is answered at once: it shows that this way is open.
    let wait = if greeted { format!("&wait={WAIT}") } else { "&hello=true".to_owned() };
    let answer = fetch(&format!("{}&encoding=postcard{since}{wait}", address(routes::STATE, None))).await;
    (clock().millis() - began, answer)
}

/// The body of a good answer that came in time.
pub(super) async fn fetch(url: &str) -> Option<Vec<u8>> {
    let answer = async {
        let response = Request::get(url).send().await.ok()?;
        if response.ok() { response.binary().await.ok() } else { None }
    };
    let (answer, too_late) = (answer.fuse(), TimeoutFuture::new(PATIENCE).fuse());
    pin_mut!(answer, too_late);
    select_biased! {
        answer = answer => answer,
        () = too_late => None,
    }
}
