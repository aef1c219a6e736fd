//! Who is connected, and the word to all of them that the server is going away.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// More than this many open streams and sockets are refused.
const MOST: usize = 2_000;

#[derive(Clone)]
pub struct Sessions {
    places: Arc<Semaphore>,
    taken: Arc<[AtomicUsize; Transport::ALL.len()]>,
    closing: watch::Receiver<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    WebSocket,
    Sse,
    /// While an answer is held back.
    Polling,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Sse, Self::Polling];

    /// As the page's badge has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::Polling => "polling",
        }
    }
}

/// A client's, until dropped.
pub struct Place {
    transport: Transport,
    taken: Arc<[AtomicUsize; Transport::ALL.len()]>,
    _permit: OwnedSemaphorePermit,
}

impl Sessions {
    /// `closing` turns true when the server goes away.
    pub fn new(closing: watch::Receiver<bool>) -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), taken: Arc::default(), closing }
    }

    /// A place for one more; none when all are taken.
    pub fn enter(&self, transport: Transport) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok()?;
        self.taken[transport as usize].fetch_add(1, Relaxed);
        Some(Place { transport, taken: self.taken.clone(), _permit: permit })
    }

    /// How many are connected.
    pub fn count(&self, transport: Transport) -> usize {
        self.taken[transport as usize].load(Relaxed)
    }

    /// Returns when the server goes away.
    pub async fn closing(&self) {
        let mut closing = self.closing.clone();
        let _ = closing.wait_for(|closing| *closing).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken[self.transport as usize].fetch_sub(1, Relaxed);
    }
}
