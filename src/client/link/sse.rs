//! The server-sent events transport, in the binary encoding as text.

use super::address;
use crate::wire::{Position, routes, text::from_text};
use futures::{StreamExt, channel::mpsc};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent};

pub(super) struct Stream {
    source: EventSource,
    messages: mpsc::UnboundedReceiver<Option<Vec<u8>>>,
    _handlers: [Closure<dyn FnMut(web_sys::Event)>; 2],
}

impl Stream {
    pub(super) fn open(position: Option<Position>) -> Option<Self> {
        let url = format!("{}&encoding=postcard", address(routes::STREAM, position));
        let source = EventSource::new(&url).ok()?;
        let (sender, messages) = mpsc::unbounded();
        let at_end = sender.clone();
        let on_message = Closure::new(move |event: web_sys::Event| {
            let data = event.dyn_into::<MessageEvent>().ok().and_then(|it| it.data().as_string());
            let _ = sender.unbounded_send(data.and_then(|data| from_text(&data)));
        });
        // An event source would reconnect by itself, but the link decides how and when to reconnect.
        let on_error = Closure::new(move |_: web_sys::Event| {
            let _ = at_end.unbounded_send(None);
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { source, messages, _handlers: [on_message, on_error] })
    }

    /// Returns the next message, or `None` when the stream has ended. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        self.messages.next().await?
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}
