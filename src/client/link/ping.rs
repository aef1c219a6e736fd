//! Round-trip time measurement for the transports other than WebSocket.

use super::{clock, poll::fetch};
use crate::wire::{Pong, ServerFrame, binary, routes};

pub(super) struct Answer {
    pub(super) pong: Pong,
    /// The round-trip time.
    pub(super) micros: i64,
}

pub(super) async fn ping() -> Option<Answer> {
    let base = crate::client::site::site().base_path;
    let began = clock();
    let body = fetch(&format!("{base}{}", routes::PING)).await.ok()?;
    match binary::decode_server(&body) {
        Ok((ServerFrame::Pong(pong), ..)) => Some(Answer { pong, micros: clock().micros() - began.micros() }),
        _ => None,
    }
}
