//! The WebSocket transport, in the binary encoding.

use super::{address, clock};
use crate::wire::{ClientFrame, Encoding, NOT_SIGNED_IN, Position, binary, routes};
use futures::{StreamExt, channel::mpsc};
use js_sys::{ArrayBuffer, Uint8Array};
use leptos::prelude::window;
use std::{cell::Cell, rc::Rc};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// The close code of a server that has reached its connection limit.
const TRY_AGAIN_LATER: u16 = 1013;

pub(super) struct Socket {
    socket: WebSocket,
    messages: mpsc::UnboundedReceiver<Option<Vec<u8>>>,
    close_code: Rc<Cell<u16>>,
    _handlers: [Closure<dyn FnMut(web_sys::Event)>; 2],
    /// The pending ping: its nonce and when it was sent.
    ping: Option<(u64, i64)>,
    pings: u64,
}

impl Socket {
    /// Opens a socket. The server starts with what follows `position`, or with the complete state.
    pub(super) fn open(position: Option<Position>) -> Option<Self> {
        let location = window().location();
        let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
        let host = location.host().ok()?;
        let url = format!("{scheme}://{host}{}", address(routes::SOCKET, position));
        let socket = WebSocket::new_with_str(&url, Encoding::Postcard.subprotocol()).ok()?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let (sender, messages) = mpsc::unbounded();
        let at_end = sender.clone();
        let on_message = Closure::new(move |event: web_sys::Event| {
            let data = event.dyn_into::<MessageEvent>().ok().and_then(|it| it.data().dyn_into::<ArrayBuffer>().ok());
            let _ = sender.unbounded_send(data.map(|data| Uint8Array::new(&data).to_vec()));
        });
        // An error event is always followed by a close event.
        let close_code = Rc::new(Cell::new(0));
        let code = close_code.clone();
        let on_close = Closure::new(move |event: web_sys::Event| {
            code.set(event.dyn_into::<CloseEvent>().map(|it| it.code()).unwrap_or_default());
            let _ = at_end.unbounded_send(None);
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self { socket, messages, close_code, _handlers: [on_message, on_close], ping: None, pings: 0 })
    }

    /// Returns the next message, or `None` when the socket has closed. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        self.messages.next().await?
    }

    /// Whether the server closed the socket because it has no free slot.
    pub(super) fn is_server_full(&self) -> bool {
        self.close_code.get() == TRY_AGAIN_LATER
    }

    pub(super) fn is_signed_out(&self) -> bool {
        self.close_code.get() == NOT_SIGNED_IN
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
        // No epoch is 0. A position that can't be resumed is answered with the complete state.
        self.say(&ClientFrame::Resume(position.unwrap_or(Position { epoch: 0, revision: 0 })));
    }

    pub(super) fn say(&self, frame: &ClientFrame) {
        // A closing socket accepts no more data and logs an error. Its reader receives the close event soon.
        if self.socket.ready_state() == WebSocket::OPEN {
            let _ = self.socket.send_with_u8_array(&binary::encode_client(frame));
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
