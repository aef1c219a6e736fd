//! Channel for engine events, from the connection to the part of the page that listens. Only the listener stores
//! events.

use crate::wire::{EngineEvent, EngineEvents};
use std::sync::{Arc, Mutex};

pub enum EventMessage {
    /// The current events, sent when the connection is made.
    Current(EngineEvents),
    One(Box<EngineEvent>),
}

type Listener = Arc<dyn Fn(EventMessage) + Send + Sync>;

#[derive(Default)]
pub(super) struct EventChannel(Mutex<(u32, Option<Listener>)>);

impl EventChannel {
    /// Sets the listener. Returns its number, to close the channel with.
    pub(super) fn lend(&self, listener: impl Fn(EventMessage) + Send + Sync + 'static) -> u32 {
        let mut slot = self.0.lock().expect("no panic under this lock");
        *slot = (slot.0 + 1, Some(Arc::new(listener)));
        slot.0
    }

    /// Removes the listener, unless a later one has replaced it.
    pub(super) fn close(&self, part: u32) {
        let mut slot = self.0.lock().expect("no panic under this lock");
        if slot.0 == part {
            slot.1 = None;
        }
    }

    pub(super) fn on_message(&self, message: EventMessage) {
        // Calls the listener outside of the lock, because it may use the channel.
        let listener = self.0.lock().expect("no panic under this lock").1.clone();
        if let Some(listener) = listener {
            listener(message);
        }
    }
}
