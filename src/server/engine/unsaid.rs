//! What was changed here, and the engine tells by no event: a container that does not run joins and leaves networks in silence,
//! and Podman makes and removes networks so.

use crate::model::{ContainerId, NetworkId};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What is to be read again.
#[derive(Debug, Clone)]
pub enum Silent {
    Container(ContainerId),
    Network(NetworkId),
}

#[derive(Clone, Default)]
pub(super) struct Unsaid(Arc<(Mutex<Vec<Silent>>, Notify)>);

impl Unsaid {
    pub(super) fn add(&self, what: Silent) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        self.0.1.notify_one();
    }

    /// All since the last time, when there are any. Cancel safe.
    pub(super) async fn next(&self) -> Vec<Silent> {
        loop {
            let all = std::mem::take(&mut *self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
            if !all.is_empty() {
                return all;
            }
            self.0.1.notified().await;
        }
    }
}
