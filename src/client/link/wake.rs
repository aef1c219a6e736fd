//! The moments when it is worth trying at once: the network is back, or somebody looks at the tab again.

use futures::{StreamExt, channel::mpsc};
use leptos::{ev, prelude::*};

pub(super) struct Wake {
    moments: mpsc::Receiver<()>,
}

impl Wake {
    /// Listens for as long as the page lives.
    pub(super) fn listen() -> Self {
        let (sender, moments) = mpsc::channel(1);
        let (on_network, on_sight) = (sender.clone(), sender);
        // A full channel has a moment in it already.
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

    /// Moments that have passed don't count.
    pub(super) fn forget(&mut self) {
        while self.moments.try_recv().is_ok() {}
    }

    pub(super) async fn next(&mut self) {
        self.moments.next().await;
    }
}
