//! The socket of the binary encoding.

use super::{address, clock};
use crate::wire::{ClientFrame, Encoding, Position, binary, routes};
use futures::{SinkExt, StreamExt, channel::mpsc, stream::SplitStream};
use gloo_net::websocket::{Message, futures::WebSocket};
use leptos::{prelude::window, task::spawn_local};

pub(super) struct Socket {
    incoming: SplitStream<WebSocket>,
    outgoing: mpsc::UnboundedSender<Message>,
    /// The ping under way: its nonce and when it was sent.
    ping: Option<(u64, i64)>,
    pings: u64,
}

impl Socket {
    /// Opens a socket that starts with what came after `position`, or with the complete state.
    pub(super) fn open(position: Option<Position>) -> Option<Self> {
        let location = window().location();
        let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
        let host = location.host().ok()?;
        let url = format!("{scheme}://{host}{}", address(routes::SOCKET, position));
        let socket = WebSocket::open_with_protocol(&url, Encoding::Postcard.subprotocol()).ok()?;
        let (mut sink, incoming) = socket.split();
        let (outgoing, mut queue) = mpsc::unbounded();
        spawn_local(async move {
            while let Some(message) = queue.next().await {
                if sink.send(message).await.is_err() {
                    break;
                }
            }
        });
        Some(Self { incoming, outgoing, ping: None, pings: 0 })
    }

    /// The next message; none when the socket has closed. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.incoming.next().await? {
                Ok(Message::Bytes(bytes)) => return Some(bytes),
                Ok(Message::Text(_)) => {}
                Err(_) => return None,
            }
        }
    }

    pub(super) fn ping(&mut self) {
        self.pings += 1;
        self.ping = Some((self.pings, clock().micros()));
        self.say(&ClientFrame::Ping { nonce: self.pings });
    }

    pub(super) fn pong(&mut self, nonce: u64) -> Option<i64> {
        let (_, sent) = self.ping.take_if(|(sent, _)| *sent == nonce)?;
        Some(clock().micros() - sent)
    }

    pub(super) fn resume(&self, position: Option<Position>) {
        // No epoch is 0: what can't be gone on from is answered by the complete state.
        self.say(&ClientFrame::Resume(position.unwrap_or(Position { epoch: 0, revision: 0 })));
    }

    fn say(&self, frame: &ClientFrame) {
        // A socket that has closed is noticed by its reader.
        let _ = self.outgoing.unbounded_send(Message::Bytes(binary::encode_client(frame)));
    }
}
