//! What happens, on its way from the connection to the part of the page that listens. Kept by the listener alone.

use crate::wire::{EngineEvent, EngineEvents};
use std::sync::{Arc, Mutex};

pub enum Heard {
    /// What is current, when the connection is made.
    Current(EngineEvents),
    One(EngineEvent),
}

type Listener = Arc<dyn Fn(Heard) + Send + Sync>;

#[derive(Default)]
pub(super) struct Ear(Mutex<(u32, Option<Listener>)>);

impl Ear {
    /// Its number, to close it by.
    pub(super) fn lend(&self, listener: impl Fn(Heard) + Send + Sync + 'static) -> u32 {
        let mut ear = self.0.lock().expect("nobody panics while it is lent");
        *ear = (ear.0 + 1, Some(Arc::new(listener)));
        ear.0
    }

    /// A later listener stays.
    pub(super) fn close(&self, part: u32) {
        let mut ear = self.0.lock().expect("nobody panics while it is closed");
        if ear.0 == part {
            ear.1 = None;
        }
    }

    pub(super) fn hear(&self, heard: Heard) {
        // Not under the lock: the listener may do as it likes.
        let listener = self.0.lock().expect("nobody panics while listening").1.clone();
        if let Some(listener) = listener {
            listener(heard);
        }
    }
}
