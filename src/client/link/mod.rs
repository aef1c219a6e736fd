//! The connection to the server: never given up, resumed where it broke.

mod backoff;
mod clock;
mod wake;
mod ws;

pub use clock::clock;

use super::store::{Connection, Store, Transport};
use crate::wire::{Position, ServerFrame, binary};
use backoff::Backoff;
use futures::{FutureExt, StreamExt, pin_mut, select_biased};
use gloo_timers::future::{IntervalStream, TimeoutFuture};
use leptos::{prelude::*, task::spawn_local};
use wake::Wake;
use ws::Socket;

/// Between two pings, in milliseconds.
const PING_EVERY: u32 = 3_000;

/// A socket that was silent for this long, in milliseconds, pings unanswered, is dead whatever it says.
const SILENCE: i64 = 8_000;

/// A connection that lasted this long, in milliseconds, makes up for those that failed before.
const STABLE: i64 = 10_000;

/// Connects, and from then on keeps `store` true.
pub fn start(store: Store) {
    spawn_local(async move {
        let mut backoff = Backoff::new();
        let mut wake = Wake::listen();
        loop {
            let began = clock().millis();
            follow(&store).await;
            if clock().millis() - began > STABLE {
                backoff.forget();
            }
            wait(&store, &mut backoff, &mut wake).await;
        }
    });
}

/// One connection, from opening to its end.
async fn follow(store: &Store) {
    let link = store.link();
    let Some(mut socket) = Socket::open(store.position().get_untracked()) else {
        return;
    };
    let mut pings = IntervalStream::new(PING_EVERY).fuse();
    let mut last_heard = clock();
    loop {
        select_biased! {
            bytes = socket.next().fuse() => {
                let Some(bytes) = bytes else { return };
                last_heard = clock();
                link.update(|link| {
                    link.messages += 1;
                    link.bytes += bytes.len() as u64;
                    link.last_message = Some(last_heard);
                });
                match binary::decode_server(&bytes) {
                    Ok(frame) => hear(store, &mut socket, frame),
                    Err(error) => {
                        leptos::logging::warn!("a message nobody understands: {error}");
                        return;
                    }
                }
            }
            _ = pings.next() => {
                if clock().millis() - last_heard.millis() > SILENCE {
                    return;
                }
                socket.ping();
            }
        }
    }
}

fn hear(store: &Store, socket: &mut Socket, frame: ServerFrame<crate::wire::PackedChange>) {
    let link = store.link();
    match frame {
        // The binary encoding is the release's own: another release needs its own page.
        ServerFrame::Hello(hello) if hello.server_version != env!("CARGO_PKG_VERSION") => {
            let _ = window().location().reload();
        }
        ServerFrame::Hello(hello) => {
            link.update(|link| {
                link.connection = Connection::Live;
                link.transport = Transport::WebSocket;
                link.server_version = hello.server_version;
                link.lost_since = None;
                link.retry_at = None;
            });
            socket.ping();
        }
        ServerFrame::EngineStateUpdate(update) => {
            if store.position().get_untracked().revision > 0 {
                link.update(|link| link.resyncs += 1);
            }
            store.replace(update);
        }
        ServerFrame::EngineStateDiff(diff) => {
            if store.step(diff, clock()).is_err() {
                let Position { epoch, revision } = store.position().get_untracked();
                link.update(|link| {
                    link.gaps += 1;
                    link.resumes += 1;
                });
                socket.resume(Position { epoch, revision });
            }
        }
        ServerFrame::Pong { nonce, .. } => {
            if let Some(micros) = socket.pong(nonce) {
                link.update(|link| link.round_trip(micros));
            }
        }
        ServerFrame::Ack(_) => {}
        ServerFrame::Error(error) => {
            leptos::logging::warn!("the server did not understand: {}", error.message)
        }
    }
}

/// Until the next try: the backoff's time, or at once when the tab wakes or the network returns.
async fn wait(store: &Store, backoff: &mut Backoff, wake: &mut Wake) {
    let millis = backoff.next();
    let now = clock();
    store.link().update(|link| {
        let online = window().navigator().on_line();
        link.connection = if online { Connection::Reconnecting } else { Connection::Offline };
        link.transport = Transport::None;
        link.reconnects += 1;
        link.resumes += 1;
        link.lost_since = link.lost_since.or(Some(now));
        link.retry_at = Some(crate::model::Timestamp::from_millis(now.millis() + i64::from(millis)));
    });
    wake.forget();
    let pause = TimeoutFuture::new(millis).fuse();
    let woken = wake.next().fuse();
    pin_mut!(pause, woken);
    select_biased! {
        () = pause => {}
        () = woken => backoff.forget(),
    }
}
