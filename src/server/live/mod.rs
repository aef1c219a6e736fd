//! Live updates: what a client receives, over every transport.

mod events;
mod fanout_metrics;
mod follower;
mod handshakes;
mod poll;
mod sessions;
mod snapshots;
mod socket;
mod sse;
mod tasks;
mod usage;
mod ws;

pub use events::{event_page, events};
pub use fanout_metrics::FanoutMetrics;
pub use handshakes::{Handshakes, Outcome, handshakes};
pub use poll::{ping, state};
pub use sessions::{MOST_TRANSFERS, Sessions, Transport};
pub use snapshots::Snapshots;
pub use socket::{GOING_AWAY, Gone, Socket, refuse_upgrade, upgrade};
pub use sse::{containers, everything, images};
pub use tasks::tasks;
pub use usage::stats;
pub use ws::socket;

use crate::{
    server::{alerts::firing, app::App, auth::Caller, state::Reader},
    wire::{Encoding, Hello, PROTOCOL, Pong, Position, ServerFrame},
};
use serde::Deserialize;

/// Query parameters that all transports share.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    epoch: Option<u64>,
    rev: Option<u64>,
    /// `postcard` for Quaylight's own page, JSON otherwise.
    encoding: Option<String>,
}

impl Asked {
    fn position(&self) -> Option<Position> {
        self.epoch.zip(self.rev).map(|(epoch, revision)| Position { epoch, revision })
    }

    fn encoding(&self) -> Encoding {
        if self.encoding.as_deref() == Some("postcard") { Encoding::Postcard } else { Encoding::Json }
    }
}

/// The first message that a client receives.
fn hello(reader: &Reader) -> ServerFrame {
    let engine = reader.look(|state| state.hosts().next().map(|host| (**host).clone()));
    let server_version = env!("CARGO_PKG_VERSION").to_owned();
    ServerFrame::Hello(Hello { protocol: PROTOCOL, server_version, epoch: reader.epoch(), engine })
}

fn pong(app: &App, (caller, reader): (&Caller, &Reader), nonce: u64) -> ServerFrame {
    let revision = reader.position().revision;
    let (server_time, drift, firing) = (app.clock.now(), reader.drift(), firing(app, caller));
    ServerFrame::Pong(Pong { nonce, server_time, revision, drift, firing })
}
