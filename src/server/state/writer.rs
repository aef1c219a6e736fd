//! Single writer of the state. Not `Clone`: it moves into one task.

use super::{
    event_coverage::has_event,
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

/// Maximum waiting updates that become one revision together.
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

    /// Runs until the last inbox is dropped.
    pub async fn run(mut self) {
        let mut waiting = Vec::new();
        while self.updates.recv_many(&mut waiting, AT_ONCE).await > 0 {
            self.apply(waiting.drain(..));
        }
    }

    fn apply(&mut self, all: impl Iterator<Item = Updates>) {
        let mut truth = self.shared.truth.write().expect("the lock isn't poisoned");
        let truth = &mut *truth;
        let mut step = Step::on(&mut truth.state);
        let mut event = None;
        for updates in all {
            for update in updates.updates {
                let Some(change) = change(update, step.state()) else { continue };
                let key = change.key();
                let before = step.state().get(&key).cloned();
                if !step.apply(change) {
                    continue;
                }
                event = event.or(updates.event);
                if updates.origin == Origin::Reconcile && has_event(before.as_ref(), step.state().get(&key)) {
                    let what = difference(before.as_ref(), step.state().get(&key));
                    tracing::warn!(kind = ?key.kind(), id = key.id(), what, "the reconcile found a change that no event reported");
                    truth.drift += 1;
                }
            }
        }
        if let Some(batch) = step.into_batch(truth.revision, self.clock.now(), event) {
            truth.publish(batch, &self.shared.feed);
        }
    }
}

/// Names of the fields that differ, for the log. No values, since they may contain more than a log may hold.
fn difference(before: Option<&Entity>, after: Option<&Entity>) -> String {
    let fields = |entity: &Entity| match serde_json::to_value(entity) {
        Ok(serde_json::Value::Object(kind)) => kind.into_iter().next().map(|(_, fields)| fields).unwrap_or_default(),
        _ => serde_json::Value::Null,
    };
    let (before, after) = match (before, after) {
        (None, _) => return "added".to_owned(),
        (_, None) => return "removed".to_owned(),
        (Some(before), Some(after)) => (fields(before), fields(after)),
    };
    let names = after.as_object().into_iter().flat_map(serde_json::Map::keys);
    names.filter(|name| before.get(name) != after.get(name)).cloned().collect::<Vec<_>>().join(" ")
}

/// None for a fact about an unknown container.
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
