//! Changes made here that the engine emits no event for: a container that does not run joins or leaves a network, or, on
//! Podman, a network is created or removed.

use crate::model::{ContainerId, NetworkId};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// An entity that has to be read again.
#[derive(Debug, Clone)]
pub enum SilentChange {
    Container(ContainerId),
    Network(NetworkId),
}

#[derive(Clone, Default)]
pub(super) struct SilentChanges(Arc<(Mutex<Vec<SilentChange>>, Notify)>);

impl SilentChanges {
    pub(super) fn add(&self, what: SilentChange) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        self.0.1.notify_one();
    }

    /// Waits for changes, and returns all since the last call. Cancel safe.
    pub(super) async fn next(&self) -> Vec<SilentChange> {
        loop {
            let all = std::mem::take(&mut *self.0.0.lock().unwrap_or_else(PoisonError::into_inner));
            if !all.is_empty() {
                return all;
            }
            self.0.1.notified().await;
        }
    }
}
