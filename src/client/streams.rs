//! Streams beside the state feed. Each viewer has its own socket, which is closed when the stream is dropped.

use crate::wire::log::{LogFrame, decode};
use futures::channel::mpsc;
use js_sys::{ArrayBuffer, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BinaryType, Event, MessageEvent, WebSocket};

pub struct LogSocket {
    socket: WebSocket,
    _handlers: [Closure<dyn FnMut(Event)>; 2],
}

impl LogSocket {
    /// Opens `path` and returns its frames. The channel ends when the socket closes.
    pub fn open(path: &str) -> Option<(Self, mpsc::UnboundedReceiver<LogFrame>)> {
        let location = window().location();
        let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
        let socket = WebSocket::new(&format!("{scheme}://{}{path}", location.host().ok()?)).ok()?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let (sender, frames) = mpsc::unbounded();
        let at_end = sender.clone();
        let on_message = Closure::new(move |event: Event| {
            let data = event.dyn_into::<MessageEvent>().ok().and_then(|it| it.data().dyn_into::<ArrayBuffer>().ok());
            if let Some(frame) = data.and_then(|data| decode(&Uint8Array::new(&data).to_vec())) {
                let _ = sender.unbounded_send(frame);
            }
        });
        // An error event is always followed by a close event.
        let on_close = Closure::new(move |_: Event| at_end.close_channel());
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some((Self { socket, _handlers: [on_message, on_close] }, frames))
    }
}

impl Drop for LogSocket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
