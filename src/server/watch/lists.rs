//! List requests to an engine, for containers, images, volumes and networks, each with its own schedule, backoff and errors.
//!
//! A response may be older than events and reads that arrived during the request. Those win.

use super::{
    backoff::Backoff,
    reads::{Cause, Reads},
    subjects::Subject,
};
use crate::{
    model::{Container, EngineState, Entity, HostId, Key, Kind},
    server::{
        engine::{Engine, EngineError, with_details_of},
        state::Origin,
    },
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::Instant;

/// Containers are last: the state counts which images, volumes and networks they use when they are applied.
pub(super) const LISTED: [Kind; 4] = [Kind::Image, Kind::Volume, Kind::Network, Kind::Container];

/// The event of a change that a list already contains may still be in transit: the entity is read only if none arrives within
/// this time.
const EVENT_GRACE_PERIOD: Duration = Duration::from_secs(1);

/// The interval between two lists of a kind, as a multiple of the list's duration.
const INTERVAL_FACTOR: u32 = 20;

/// The same for images, for each of the engine's CPUs: with containerd's image store a list of a hundred takes one to two seconds
/// of CPU time, on all CPUs at once, and lists should use less than 1 % of one.
const IMAGES_INTERVAL_FACTOR: u32 = 150;

/// Bounds the multiple, not `reconcile_interval`.
const LONGEST_DERIVED_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// Retry delays for a list that fails.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

pub(super) struct Lists {
    engine: Engine,
    /// The shortest interval between two lists of a kind.
    reconcile_interval: Duration,
    /// The number of the engine's CPUs.
    cpus: u32,
    schedules: [Schedule; LISTED.len()],
    in_flight: FuturesUnordered<BoxFuture<'static, (Kind, Answer)>>,
}

type Answer = Result<Vec<Entity>, EngineError>;

/// An engine's list of one kind. Containers lack the details that only an inspect returns.
pub(super) struct Listed {
    pub(super) kind: Kind,
    /// Mark of the list's beginning: see [`Reads::is_newer_than`].
    pub(super) mark: u64,
    pub(super) entities: Vec<Entity>,
}

struct Schedule {
    kind: Kind,
    due: Instant,
    /// When the latest list began.
    began: Instant,
    /// How long the latest list took.
    took: Duration,
    backoff: Backoff,
    /// Set from the beginning of a list until its result has been handled. No other list of the kind begins meanwhile.
    mark: Option<u64>,
    /// Whether a list has been applied since the engine was last reached.
    is_applied: bool,
    /// Subjects that differ between list and state, and when they are read.
    differences: Option<(Instant, Vec<Subject>)>,
}

impl Lists {
    /// Creates the schedules. All lists are due at once.
    pub(super) fn new(engine: Engine, reconcile_interval: Duration, cpus: u32) -> Self {
        let schedule = |kind| Schedule {
            kind,
            due: Instant::now(),
            began: Instant::now(),
            took: Duration::ZERO,
            backoff: Backoff::new(FIRST_RETRY, LONGEST_RETRY),
            mark: None,
            is_applied: false,
            differences: None,
        };
        Self { engine, reconcile_interval, cpus, schedules: LISTED.map(schedule), in_flight: FuturesUnordered::new() }
    }

    /// When the next list is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.schedules.iter().filter(|it| it.mark.is_none()).map(|it| it.due).min()
    }

    /// Starts every list that is due.
    pub(super) fn begin(&mut self, reads: &mut Reads) {
        let now = Instant::now();
        for at in 0..self.schedules.len() {
            if self.schedules[at].mark.is_some() || self.schedules[at].due > now {
                continue;
            }
            let oldest = self.schedules.iter().filter_map(|it| it.mark).min();
            let schedule = &mut self.schedules[at];
            schedule.mark = Some(reads.mark(oldest));
            schedule.began = now;
            self.in_flight.push(list(self.engine.clone(), schedule.kind).boxed());
        }
    }

    pub(super) fn is_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Waits for the next list to end. Call it only while one is in flight, then pass a response to
    /// [`Self::mark_applied`] or [`Self::hold_differences`].
    pub(super) async fn next(&mut self) -> (Kind, Result<Listed, EngineError>) {
        let (kind, answer) = self.in_flight.next().await.expect("a list is in progress");
        let (reconcile_interval, cpus) = (self.reconcile_interval, self.cpus);
        let schedule = self.schedule_mut(kind);
        let mark = schedule.mark.expect("a list in progress has a mark");
        match answer {
            Ok(entities) => {
                schedule.backoff.reset();
                // A single list can be slow by chance: the faster of two in a row shows what lists cost.
                let took = schedule.began.elapsed();
                schedule.due = Instant::now() + interval(kind, reconcile_interval, took.min(schedule.took), cpus);
                schedule.took = took;
                (kind, Ok(Listed { kind, mark, entities }))
            }
            Err(error) => {
                schedule.due = Instant::now() + schedule.backoff.next_delay(rand::random());
                schedule.mark = None;
                (kind, Err(error))
            }
        }
    }

    pub(super) fn is_applied(&self, kind: Kind) -> bool {
        self.schedules.iter().any(|it| it.kind == kind && it.is_applied)
    }

    /// Marks the latest list of the kind as completely applied.
    pub(super) fn mark_applied(&mut self, kind: Kind) {
        let schedule = self.schedule_mut(kind);
        schedule.is_applied = true;
        schedule.mark = None;
    }

    /// Holds back what differs between the latest list of the kind and the state. These subjects are read unless an event for
    /// them arrives within [`EVENT_GRACE_PERIOD`].
    pub(super) fn hold_differences(&mut self, kind: Kind, subjects: Vec<Subject>) {
        let schedule = self.schedule_mut(kind);
        if subjects.is_empty() {
            schedule.mark = None;
        } else {
            schedule.differences = Some((Instant::now() + EVENT_GRACE_PERIOD, subjects));
        }
    }

    pub(super) fn differences_due(&self) -> Option<Instant> {
        self.schedules.iter().filter_map(|it| it.differences.as_ref()).map(|(due, _)| *due).min()
    }

    /// Reads the due differences for which no event arrived. Only what the read changes counts as drift.
    pub(super) fn read_differences(&mut self, reads: &mut Reads) {
        let now = Instant::now();
        for schedule in &mut self.schedules {
            let Some((_, subjects)) = schedule.differences.take_if(|(due, _)| *due <= now) else { continue };
            let mark = schedule.mark.take().expect("the mark is kept while there are differences");
            for subject in subjects {
                if !reads.is_newer_than(mark, &subject) {
                    reads.hint(subject, Cause::new(None, Origin::Reconcile), false);
                }
            }
        }
    }

    fn schedule_mut(&mut self, kind: Kind) -> &mut Schedule {
        self.schedules.iter_mut().find(|it| it.kind == kind).expect("every listed kind has a schedule")
    }
}

/// Interval from the end of a list that took `duration` to the beginning of the next one.
fn interval(kind: Kind, reconcile_interval: Duration, duration: Duration, cpus: u32) -> Duration {
    let factor = if kind == Kind::Image { IMAGES_INTERVAL_FACTOR.saturating_mul(cpus.max(1)) } else { INTERVAL_FACTOR };
    reconcile_interval.max(duration.saturating_mul(factor).min(LONGEST_DERIVED_INTERVAL))
}

async fn list(engine: Engine, kind: Kind) -> (Kind, Answer) {
    fn entities<T>(listed: Vec<T>) -> Vec<Entity>
    where
        Entity: From<T>,
    {
        listed.into_iter().map(Entity::from).collect()
    }
    let answer = match kind {
        Kind::Host => Ok(Vec::new()),
        Kind::Container => engine.containers().await.map(entities),
        Kind::Image => engine.images().await.map(entities),
        Kind::Volume => engine.volumes().await.map(entities),
        Kind::Network => engine.networks().await.map(entities),
    };
    (kind, answer)
}

/// Entities whose list entry differs from the state (completed from the state), and known keys that are not listed.
pub(super) fn compare(kind: Kind, listed: Vec<Entity>, host: &HostId, state: &EngineState) -> (Vec<Entity>, Vec<Key>) {
    let keys: BTreeSet<Key> = listed.iter().map(Entity::key).collect();
    let known = state.entities(kind).map(Entity::key);
    let missing = known.filter(|key| key.host() == host && !keys.contains(key)).collect();
    let differing = listed.into_iter().filter_map(|entity| {
        let known = state.get(&entity.key());
        let entity = completed(entity, known);
        (known != Some(&entity)).then_some(entity)
    });
    (differing.collect(), missing)
}

/// Copies from the state what the engine's lists lack: details of containers, and how many containers use an entity.
fn completed(mut listed: Entity, known: Option<&Entity>) -> Entity {
    let Some(known) = known else { return listed };
    if let (Entity::Container(listed), Entity::Container(known)) = (&listed, known) {
        return Entity::from(with_details_of(Container::clone(listed), known));
    }
    listed.set_usage(known.usage().unwrap_or_default());
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_interval_grows_with_the_duration_of_the_list() {
        let usual = Duration::from_secs(30);
        for (kind, cpus, milliseconds, seconds) in [
            (Kind::Image, 1, 0, 30),
            (Kind::Image, 1, 200, 30),
            (Kind::Image, 1, 800, 120),
            (Kind::Image, 2, 800, 240),
            (Kind::Image, 0, 800, 120),
            (Kind::Image, 1, 4_500, 675),
            (Kind::Image, 1, 60_000, 900),
            (Kind::Container, 1, 1_000, 30),
            (Kind::Container, 8, 4_000, 80),
        ] {
            let interval = interval(kind, usual, Duration::from_millis(milliseconds), cpus);
            assert_eq!(interval, Duration::from_secs(seconds), "{kind:?} {milliseconds} ms on {cpus} CPUs");
        }
        let rare = Duration::from_secs(3_600);
        assert_eq!(interval(Kind::Image, rare, Duration::from_secs(60), 2), rare);
    }
}
