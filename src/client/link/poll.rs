//! Long polling: one request after another, each held by the server until something happens.

use super::{address, clock};
use crate::wire::{Position, routes};
use futures::{FutureExt, future::LocalBoxFuture, pin_mut, select_biased};
use gloo_net::http::Request;
use gloo_timers::future::TimeoutFuture;

/// Seconds that the server may hold a request.
const WAIT: u32 = 5;

/// Request timeout, in milliseconds.
const TIMEOUT: u32 = 9_000;

/// An empty answer within this many milliseconds was not held by the server: a proxy on the way caches or cuts
/// requests.
const MIN_HELD: i64 = 1_000;

/// Delay before the next request after such an answer, in milliseconds.
const PAUSE: u32 = 1_000;

pub(super) struct Poll {
    position: Option<Position>,
    greeted: bool,
    is_server_full: bool,
    is_signed_out: bool,
    /// The latest answer was empty and arrived too early to have been held.
    hasty: bool,
    /// The pending request.
    asking: Option<LocalBoxFuture<'static, (i64, Answer)>>,
}

impl Poll {
    pub(super) fn new(position: Option<Position>) -> Self {
        Self { position, greeted: false, is_server_full: false, is_signed_out: false, hasty: false, asking: None }
    }

    /// Whether the latest answer reported that the server has no free slot.
    pub(super) fn is_server_full(&self) -> bool {
        self.is_server_full
    }

    /// Whether the latest answer reported that the session is over.
    pub(super) fn is_signed_out(&self) -> bool {
        self.is_signed_out
    }

    /// Sets the position that the next request resumes from.
    pub(super) fn resume(&mut self, position: Option<Position>) {
        self.position = position;
    }

    /// Returns the next answer, which may be empty, or `None` when the request failed. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        let (position, greeted, hasty) = (self.position, self.greeted, self.hasty);
        let (took, answer) = self.asking.get_or_insert_with(|| ask(position, greeted, hasty).boxed_local()).await;
        self.asking = None;
        self.greeted = true;
        self.hasty = took < MIN_HELD && answer.as_ref().is_ok_and(Vec::is_empty);
        self.is_server_full = matches!(answer, Err(Failed::Full));
        self.is_signed_out = matches!(answer, Err(Failed::SignedOut));
        answer.ok()
    }
}

/// Returns the duration in milliseconds and the answer.
async fn ask(position: Option<Position>, greeted: bool, hasty: bool) -> (i64, Answer) {
    if hasty {
        TimeoutFuture::new(PAUSE).await;
    }
    let began = clock().millis();
    let since = position.map(|position| format!("&since={position}")).unwrap_or_default();
    // The first request is answered at once, to show that the transport works.
    let wait = if greeted { format!("&wait={WAIT}") } else { "&hello=true".to_owned() };
    let answer = fetch(&format!("{}&encoding=postcard{since}{wait}", address(routes::STATE, None))).await;
    (clock().millis() - began, answer)
}

type Answer = Result<Vec<u8>, Failed>;

pub(super) enum Failed {
    /// The server has reached its connection limit.
    Full,
    SignedOut,
    /// The request failed, timed out, or was answered with another error status.
    Otherwise,
}

/// Returns the body of a successful answer that arrives in time.
pub(super) async fn fetch(url: &str) -> Answer {
    let answer = async {
        let response = Request::get(url).send().await.map_err(|_| Failed::Otherwise)?;
        match response.status() {
            401 => Err(Failed::SignedOut),
            503 => Err(Failed::Full),
            _ if response.ok() => response.binary().await.map_err(|_| Failed::Otherwise),
            _ => Err(Failed::Otherwise),
        }
    };
    let (answer, too_late) = (answer.fuse(), TimeoutFuture::new(TIMEOUT).fuse());
    pin_mut!(answer, too_late);
    select_biased! {
        answer = answer => answer,
        () = too_late => Err(Failed::Otherwise),
    }
}
