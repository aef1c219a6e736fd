//! How many clients are connected, and the word to all of them that the server is going away.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// More than this many open streams and sockets are refused.
const MOST: usize = 2_000;

#[derive(Clone)]
pub struct Sessions {
    places: Arc<Semaphore>,
    closing: watch::Receiver<bool>,
}

impl Sessions {
    /// `closing` turns true when the server goes away.
    pub fn new(closing: watch::Receiver<bool>) -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), closing }
    }

    /// A place for one more, kept until dropped; none when all are taken.
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Returns when the server goes away.
    pub async fn closing(&self) {
        let mut closing = self.closing.clone();
        let _ = closing.wait_for(|closing| *closing).await;
    }
}
