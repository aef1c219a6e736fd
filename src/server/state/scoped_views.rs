//! Scoped views: what the state contains for callers with an [`AccessScope`], each with a feed of its own.
//!
//! Its counts, revisions and times are those of the visible entities only, so they reveal nothing about others.

use super::{
    feed::{Batch, Step, new_epoch},
    reader::{Follow, Reader, Shared, Start},
};
use crate::{
    model::{AccessScope, Change, EngineState, Entity, Key, Timestamp, diff},
    server::clock::Clock,
    wire::EventTimes,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Interval of the checks whether a view is still used. Polling clients come back sooner.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// The views in use, by scope. Cheap to clone.
#[derive(Clone)]
pub struct ScopedViews {
    open: Arc<Mutex<HashMap<AccessScope, Arc<Shared>>>>,
    reader: Reader,
    clock: Clock,
}

impl ScopedViews {
    pub fn new(reader: Reader, clock: Clock) -> Self {
        Self { open: Arc::default(), reader, clock }
    }

    /// The reader of the view for this scope. It ends about a minute after its last use.
    pub fn of(&self, scope: &AccessScope) -> Reader {
        let mut open = self.open();
        let shared = open.entry(scope.clone()).or_insert_with(|| self.start(scope));
        Reader::new(shared.clone())
    }

    fn start(&self, scope: &AccessScope) -> Arc<Shared> {
        let Follow { start, batches, .. } = self.reader.follow(None);
        let Start::State(state) = start else { unreachable!("without a position, a follower starts with the state") };
        let shared = Arc::new(Shared::new(new_epoch(self.clock.now())));
        shared.truth.write().expect("the lock isn't poisoned").state = visible(&state, scope);
        let view = View { views: self.clone(), scope: scope.clone(), shared: shared.clone() };
        tokio::spawn(view.run(batches));
        shared
    }

    fn open(&self) -> MutexGuard<'_, HashMap<AccessScope, Arc<Shared>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct View {
    views: ScopedViews,
    scope: AccessScope,
    shared: Arc<Shared>,
}

impl View {
    async fn run(self, mut batches: Receiver<Arc<Batch>>) {
        let mut checks = tokio::time::interval(CHECK_EVERY);
        let mut is_used = true;
        loop {
            tokio::select! {
                batch = batches.recv() => match batch {
                    Ok(batch) => {
                        if self.concerns(&batch) {
                            self.update(batch.timestamp, batch.event);
                        }
                    }
                    Err(RecvError::Lagged(_)) => self.update(self.views.clock.now(), None),
                    Err(RecvError::Closed) => return,
                },
                _ = checks.tick() => {
                    let was_used = std::mem::replace(&mut is_used, false);
                    let mut open = self.views.open();
                    // The map and this task hold one each.
                    if Arc::strong_count(&self.shared) > 2 {
                        is_used = true;
                    } else if !was_used {
                        open.remove(&self.scope);
                        return;
                    }
                }
            }
        }
    }

    /// Whether a change in the batch may change the view.
    fn concerns(&self, batch: &Batch) -> bool {
        let truth = self.shared.truth.read().expect("the lock isn't poisoned");
        batch.changes.iter().any(|change| {
            truth.state.get(&change.key()).is_some()
                || match change {
                    Change::Put(Entity::Host(_)) => true,
                    Change::Put(Entity::Container(it)) => self.scope.includes(it),
                    Change::Put(entity) => entity.as_used().is_some_and(|used| truth.state.uses(&used)),
                    Change::Gone(_) => false,
                }
        })
    }

    fn update(&self, timestamp: Timestamp, event: Option<EventTimes>) {
        // A copy, so that the writer doesn't wait.
        let wanted = visible(&self.views.reader.snapshot().0, &self.scope);
        let mut truth = self.shared.truth.write().expect("the lock isn't poisoned");
        let truth = &mut *truth;
        let changes = diff(&truth.state, &wanted);
        let mut step = Step::on(&mut truth.state);
        for change in changes {
            step.apply(change);
        }
        if let Some(batch) = step.into_batch(truth.revision, timestamp, event) {
            truth.publish(batch, &self.shared.feed);
        }
    }
}

/// The entities within the scope: its containers, what they use, and the hosts.
fn visible(state: &EngineState, scope: &AccessScope) -> EngineState {
    let containers = state.containers().filter(|it| scope.includes(it)).cloned().map(Entity::Container);
    let mut view: EngineState = state.hosts().cloned().map(Entity::Host).chain(containers).collect();
    let others = state.keys().filter(|key| !matches!(key, Key::Host(_) | Key::Container(..)));
    let used: Vec<Entity> = others
        .filter_map(|key| state.get(key))
        .filter(|entity| entity.as_used().is_some_and(|used| view.uses(&used)))
        .cloned()
        .collect();
    for entity in used {
        view.apply(Change::Put(entity));
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::arbitrary::changes,
        server::state::{Origin, Update, Updates, open},
    };
    use proptest::prelude::*;

    /// A client that applies what the view sends.
    fn apply(state: &mut EngineState, batch: &Batch) {
        for change in &batch.changes {
            state.apply(change.clone());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn view_follows_the_visible_part_of_the_state(before in changes(), after in changes()) {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
                let (writer, reader, inbox) = open(Clock::SYSTEM);
                tokio::spawn(writer.run());
                let send = async |changes: Vec<Change>| {
                    for change in changes {
                        let update = match change {
                            Change::Put(entity) => Update::Put(entity),
                            Change::Gone(key) => Update::Gone(key),
                        };
                        inbox.send(Updates { updates: vec![update], event: None, origin: Origin::Engine }).await;
                    }
                };
                send(before).await;
                let first = reader.look(|state| state.containers().next().map(|it| it.name.clone()));
                let scope = AccessScope { projects: Vec::new(), names: vec![first.unwrap_or_else(|| "a*".into())] };
                let views = ScopedViews::new(reader.clone(), Clock::SYSTEM);
                let view = views.of(&scope);
                let Follow { start: Start::State(mut client), mut batches, .. } = view.follow(None) else { unreachable!() };
                send(after).await;
                let is_done = || reader.look(|state| visible(state, &scope)) == view.look(Clone::clone);
                while inbox.depth().now() > 0 || !is_done() {
                    tokio::task::yield_now().await;
                }
                while let Ok(batch) = batches.try_recv() {
                    apply(&mut client, &batch);
                }
                assert_eq!(client, view.look(Clone::clone));
                let foreign = view.look(|state| state.containers().find(|it| !scope.includes(it)).cloned());
                assert_eq!(foreign, None);
                let unused = view.look(|state| {
                    state.keys().filter_map(|key| state.get(key)?.usage()).any(|usage| usage.all == 0)
                });
                assert!(!unused, "an entity that no visible container uses");
            });
        }
    }
}
