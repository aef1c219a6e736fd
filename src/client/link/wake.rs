//! Wake-up signals for an immediate reconnect: the network is back, or the tab becomes visible.

use futures::{StreamExt, channel::mpsc};
use leptos::{ev, prelude::*};

pub(super) struct Wake {
    moments: mpsc::Receiver<()>,
}

impl Wake {
    /// Listens for the lifetime of the page.
    pub(super) fn listen() -> Self {
        let (sender, moments) = mpsc::channel(1);
        let (on_network, on_sight) = (sender.clone(), sender);
        // A full channel already contains a signal.
        window_event_listener(ev::online, move |_| {
            let _ = on_network.clone().try_send(());
        });
        window_event_listener(ev::visibilitychange, move |_| {
            if !document().hidden() {
                let _ = on_sight.clone().try_send(());
            }
        });
        Self { moments }
    }

    /// Discards the signals received so far.
    pub(super) fn forget(&mut self) {
        while self.moments.try_recv().is_ok() {}
    }

    pub(super) async fn next(&mut self) {
        self.moments.next().await;
    }
}
