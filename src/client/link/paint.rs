//! Measurement of the paint latency: the time from receiving a change until it is on the screen.

use super::clock;
use crate::{
    client::store::{Sample, Store},
    model::Timestamp,
    wire::EventTimes,
};
use leptos::prelude::*;
use std::{cell::RefCell, rc::Rc, time::Duration};

/// Changes that are applied but not yet painted.
#[derive(Default)]
pub(super) struct Paint(Rc<RefCell<Vec<Arrival>>>);

struct Arrival {
    event: EventTimes,
    /// The server's clock.
    sent: Timestamp,
    /// This page's clock.
    received: Timestamp,
}

impl Paint {
    /// Measures the change with the next frame. A hidden tab paints nothing.
    pub(super) fn expect(&self, store: &Store, event: EventTimes, sent: Timestamp, received: Timestamp) {
        if document().hidden() {
            return;
        }
        let mut waiting = self.0.borrow_mut();
        waiting.push(Arrival { event, sent, received });
        if waiting.len() > 1 {
            return;
        }
        let (waiting, store) = (self.0.clone(), store.clone());
        // The frame's callback runs before the paint. A task that the callback schedules runs after it.
        request_animation_frame(move || set_timeout(move || painted(&store, &waiting), Duration::ZERO));
    }
}

fn painted(store: &Store, waiting: &RefCell<Vec<Arrival>>) {
    let now = clock();
    let offset = store.link().with_untracked(|link| link.clock_offset);
    let samples = waiting.take().into_iter().map(|it| -> Sample {
        let engine = it.event.received.micros() - it.event.engine.micros();
        let server = it.sent.micros() - it.event.received.micros();
        // The estimated clock offset may be off by more than the network latency.
        let network = (it.received.micros() + offset - it.sent.micros()).max(0);
        let paint = now.micros() - it.received.micros();
        [engine, server, network, paint, engine + server + network + paint]
    });
    store.latencies().update(|latencies| samples.for_each(|sample| latencies.add(sample)));
}
