//! Handshake log: which sockets opened by a self-test reached this server. It identifies the hop that broke one.

use crate::{
    model::Timestamp,
    server::{app::App, clock::Clock},
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, header},
};
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

/// Handshakes kept for all self-tests together.
const KEPT: usize = 64;

/// Longer tokens are ignored.
const LONGEST_TOKEN: usize = 64;

/// Headers worth reporting: proxies set, change or drop these.
const TELLING: [&str; 6] =
    ["connection", "upgrade", "sec-websocket-protocol", "via", "x-forwarded-for", "x-forwarded-host"];

#[derive(Clone, Default)]
pub struct Handshakes(Arc<Mutex<VecDeque<(String, Handshake)>>>);

#[derive(Clone, Serialize)]
struct Handshake {
    at: Timestamp,
    outcome: Outcome,
    origin: Option<String>,
    host: Option<String>,
    headers: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Upgraded,
    /// It arrived as a plain request: something on the way removed the upgrade.
    NoUpgrade,
    OriginRefused,
}

impl Handshakes {
    pub fn note(&self, token: &str, outcome: Outcome, headers: &HeaderMap, clock: Clock) {
        if token.is_empty() || token.len() > LONGEST_TOKEN {
            return;
        }
        let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let handshake = Handshake {
            at: clock.now(),
            outcome,
            origin: text(header::ORIGIN),
            host: text(header::HOST),
            headers: TELLING.into_iter().filter(|name| headers.contains_key(*name)).collect(),
        };
        let mut kept = self.0.lock().expect("the lock isn't poisoned");
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((token.to_owned(), handshake));
    }

    fn of(&self, token: &str) -> Vec<Handshake> {
        let kept = self.0.lock().expect("the lock isn't poisoned");
        kept.iter().filter(|(of, _)| of == token).map(|(_, handshake)| handshake.clone()).collect()
    }
}

#[derive(Serialize)]
pub struct Seen {
    token: String,
    seen: Vec<Handshake>,
}

/// `GET /api/handshakes/:token`
pub async fn handshakes(State(app): State<App>, Path(token): Path<String>) -> Json<Seen> {
    Json(Seen { seen: app.handshakes.of(&token), token })
}
