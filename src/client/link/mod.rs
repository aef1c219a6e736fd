//! The connection to the server. It uses the best transport that gets through, reconnects forever, and resumes at the
//! position where it broke.

mod backoff;
mod churn;
mod clock;
mod line;
mod pace;
mod paint;
mod ping;
mod poll;
mod session;
mod sse;
mod subscriptions;
mod wake;
mod ws;

pub use clock::clock;

use super::{
    fallback::{self, Ended, Next, TRANSPORTS},
    store::{Command, Connection, ConnectionChange, Link as Status, Store, Transport},
    t,
};
use crate::{
    model::Timestamp,
    wire::{Position, routes},
};
use backoff::Backoff;
use futures::{FutureExt, StreamExt, channel::mpsc, future::pending, pin_mut, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::{prelude::*, task::spawn_local};
use line::Line;
use session::Session;
use wake::Wake;

/// A connection that lasted this long, in milliseconds, resets the backoff.
const STABLE: i64 = 10_000;

/// Connects, and keeps `store` up to date from then on.
pub fn start(store: Store) {
    let Some(commands) = store.commands() else { return };
    let link = Link { store, commands, backoff: Backoff::new(), wake: Wake::listen(), lost_at: None };
    spawn_local(link.run());
}

struct Link {
    store: Store,
    commands: mpsc::UnboundedReceiver<Command>,
    backoff: Backoff,
    wake: Wake,
    /// This page's clock and the revision at the time the connection was lost.
    lost_at: Option<(Timestamp, u64)>,
}

impl Link {
    async fn run(mut self) {
        loop {
            let mut transport = TRANSPORTS[0];
            let ended = loop {
                let ended = match Line::open(&self.store, transport, self.store.known()).await {
                    Ok((line, hello)) => {
                        let began = clock().millis();
                        let session = Session::new(&self.store, line, self.lost_at.take());
                        let ended = session.run(hello, &mut self.commands).await;
                        if clock().millis() - began > STABLE {
                            self.backoff.forget();
                        }
                        // The cookie may have the token of another session by now.
                        if ended == Ended::SignedOut {
                            continue;
                        }
                        ended
                    }
                    Err(ended) => ended,
                };
                match fallback::next(transport, ended) {
                    Next::Try(lesser) => transport = lesser,
                    Next::Wait => break ended,
                }
            };
            if ended == Ended::SignedOut {
                return sign_in();
            }
            self.wait(ended).await;
        }
    }

    /// Waits for the next attempt: until the backoff expires, or until the tab becomes visible or the network returns.
    /// A connection that was released while the tab was hidden reconnects only on such an event.
    async fn wait(&mut self, ended: Ended) {
        let millis = match ended {
            Ended::ReleasedWhileHidden => None,
            Ended::Full => Some(Backoff::while_full()),
            Ended::Refused | Ended::Lost | Ended::SignedOut => Some(self.backoff.next()),
        };
        let now = clock();
        match ended {
            Ended::Lost => note(&self.store, ConnectionChange::Lost, t("Connection lost").to_owned()),
            Ended::ReleasedWhileHidden => {
                note(&self.store, ConnectionChange::Lost, t("Disconnected while the tab was hidden").to_owned())
            }
            Ended::Full => {
                note(&self.store, ConnectionChange::Lost, t("The server has reached its client limit").to_owned())
            }
            Ended::Refused | Ended::SignedOut => {}
        }
        self.lost_at = self.lost_at.or(Some((now, self.store.position().get_untracked().revision)));
        self.store.link().update(|link| {
            // A server that reports that it is full was reached, whatever the browser reports about its network.
            let is_online = ended == Ended::Full || window().navigator().on_line();
            link.connection = if is_online { Connection::Reconnecting } else { Connection::Offline };
            link.transport = Transport::None;
            link.is_server_full = ended == Ended::Full;
            link.reconnects += 1;
            link.lost_since = link.lost_since.or(Some(now));
            link.retry_at = millis.map(|millis| Timestamp::from_millis(now.millis() + i64::from(millis)));
        });
        self.wake.forget();
        let pause = async move {
            match millis {
                Some(millis) => TimeoutFuture::new(millis).await,
                None => pending().await,
            }
        };
        let pause = pause.fuse();
        let woken = self.wake.next().fuse();
        let commands = &mut self.commands;
        pin_mut!(pause, woken);
        loop {
            select_biased! {
                () = pause => return,
                () = woken => return self.backoff.forget(),
                command = commands.next() => if let Some(Command::Block(transport, blocked)) = command {
                    block(&self.store, transport, blocked);
                },
            }
        }
    }
}

/// Opens the sign-in, which returns to this page.
fn sign_in() {
    let (base, location) = (crate::client::site::site().base_path, window().location());
    let here = location.pathname().and_then(|path| Ok(path + &location.search()?)).unwrap_or_default();
    let next = js_sys::encode_uri_component(here.strip_prefix(&*base).unwrap_or(&here));
    let _ = location.assign(&format!("{base}{}?next={next}", routes::LOGIN));
}

fn note(store: &Store, what: ConnectionChange, words: String) {
    store.journal().update(|journal| journal.note(clock(), what, words));
}

fn block(store: &Store, transport: Transport, blocked: bool) {
    store.link().update(|link: &mut Status| link.line(transport).is_blocked = blocked);
    let words = if blocked { "{} is blocked" } else { "{} is unblocked" };
    note(store, ConnectionChange::Switched, crate::t!(words, t(transport.word())));
}

/// Returns a path with the position in the feed to resume from.
fn address(path: &str, position: Option<Position>) -> String {
    let base = crate::client::site::site().base_path;
    let Position { epoch, revision } = position.unwrap_or(Position { epoch: 0, revision: 0 });
    format!("{base}{path}?epoch={epoch}&rev={revision}")
}
