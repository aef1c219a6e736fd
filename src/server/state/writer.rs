//! The one writer of the state. Not `Clone`: it moves into one task.

use super::{
    feed::Step,
    inbox::{Origin, Update, Updates},
    reader::Shared,
};
use crate::{
    model::{Change, Entity, Key},
    server::clock::Clock,
};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Updates that are waiting together become one revision, up to this many.
const AT_ONCE: usize = 256;

pub struct Writer {
    shared: Arc<Shared>,
    updates: mpsc::Receiver<Updates>,
    clock: Clock,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, updates: mpsc::Receiver<Updates>, clock: Clock) -> Self {
        Self { shared, updates, clock }
    }

    /// Until the last inbox is gone.
    pub async fn run(mut self) {
        let mut waiting = Vec::new();
        while self.updates.recv_many(&mut waiting, AT_ONCE).await > 0 {
            self.apply(waiting.drain(..));
        }
    }

    fn apply(&mut self, all: impl Iterator<Item = Updates>) {
        let mut truth = self.shared.truth.write().expect("nobody panics while holding the state");
        let truth = &mut *truth;
        let mut step = Step::on(&mut truth.state);
        let mut event = None;
        for updates in all {
            for update in updates.updates {
                let Some(change) = change(update, step.state()) else { continue };
                let key = change.key();
                if !step.apply(change) {
                    continue;
                }
                event = event.or(updates.event);
                if updates.origin == Origin::Reconcile {
                    tracing::warn!(kind = ?key.kind(), id = key.id(), "the reconcile found what no event had told");
                    truth.drift += 1;
                }
            }
        }
        if let Some(batch) = step.into_batch(truth.revision, self.clock.now(), event) {
            truth.revision = batch.to;
            let batch = Arc::new(batch);
            truth.ring.push(batch.clone());
            // Sent under the lock: who subscribes under it too sees every batch after its snapshot and none twice.
            let _ = self.shared.feed.send(batch);
        }
    }
}

/// None when a fact has nothing to be a fact of.
fn change(update: Update, state: &crate::model::EngineState) -> Option<Change> {
    match update {
        Update::Put(entity) => Some(Change::Put(entity)),
        Update::Gone(key) => Some(Change::Gone(key)),
        Update::Fact(host, id, fact, at) => {
            let container = state.container(&host, &id)?;
            Some(match fact.apply(container, at) {
                Some(container) => Change::Put(Entity::from(container)),
                None => Change::Gone(Key::Container(host, id)),
            })
        }
    }
}
