//! Connected clients: connection limits, and the shutdown signal to all of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Maximum open streams and sockets: more are refused.
const MOST: usize = 2_000;

/// Maximum concurrent uploads, downloads and followed logs: more are refused. Each has a connection to the engine, and up to
/// half a megabyte of memory while its client is slow.
pub const MOST_TRANSFERS: usize = 128;

#[derive(Clone)]
pub struct Sessions {
    places: Arc<Semaphore>,
    transfers: Arc<Semaphore>,
    taken: Arc<[AtomicUsize; Transport::ALL.len()]>,
    closing: watch::Receiver<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    WebSocket,
    Sse,
    /// Only while an answer is held back.
    Polling,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Sse, Self::Polling];

    /// The name in the page's badge.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Polling => "polling",
        }
    }
}

/// A client's slot, held until dropped.
pub struct Slot {
    transport: Transport,
    taken: Arc<[AtomicUsize; Transport::ALL.len()]>,
    _permit: OwnedSemaphorePermit,
}

impl Sessions {
    /// `closing` turns true when the server shuts down.
    pub fn new(closing: watch::Receiver<bool>) -> Self {
        let [places, transfers] = [MOST, MOST_TRANSFERS].map(|most| Arc::new(Semaphore::new(most)));
        Self { places, transfers, taken: Arc::default(), closing }
    }

    /// Takes a place for one more client; none if all are taken.
    pub fn enter(&self, transport: Transport) -> Option<Slot> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        self.taken[transport as usize].fetch_add(1, Relaxed);
        Some(Slot { transport, taken: self.taken.clone(), _permit: permit })
    }

    /// Takes a place for one more long request or answer, held until dropped; none if all are taken.
    pub fn begin_transfer(&self) -> Option<OwnedSemaphorePermit> {
        self.transfers.clone().try_acquire_owned().ok()
    }

    /// Number of clients connected by this transport.
    pub fn count(&self, transport: Transport) -> usize {
        self.taken[transport as usize].load(Relaxed)
    }

    /// Returns when the server shuts down.
    pub async fn closing(&self) {
        let mut closing = self.closing.clone();
        let _ = closing.wait_for(|closing| *closing).await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.taken[self.transport as usize].fetch_sub(1, Relaxed);
    }
}
