//! Lists of an engine: containers, images, volumes and networks, each with its own schedule, backoff and errors.
//!
//! A list is outdated by the time it arrives: what an event or a read reported since the list began is newer.

use super::{
    backoff::Backoff,
    hints::Subject,
    reads::{Cause, Reads},
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

/// Containers are last: they use images, volumes and networks, and in this order each usage is counted once.
pub(super) const LISTED: [Kind; 4] = [Kind::Image, Kind::Volume, Kind::Network, Kind::Container];

/// Events for changes that a list already contains may still be in transit: a difference counts only if no event arrived within
/// this time.
const EVENTS_MAY_TAKE: Duration = Duration::from_secs(1);

/// Minimum interval between two lists of a kind, as a multiple of the list's duration.
const INTERVAL_PER_DURATION: u32 = 20;

/// The same for images: with containerd's image store a list of a hundred takes one second of the engine's CPU, and lists
/// should use at most 1 % of it.
const IMAGES_INTERVAL_PER_DURATION: u32 = 100;

const LONGEST_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// Retry delays for a list that fails.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

pub(super) struct Lists {
    engine: Engine,
    /// Minimum interval between two lists of a kind.
    reconcile: Duration,
    schedules: [Schedule; LISTED.len()],
    under_way: FuturesUnordered<BoxFuture<'static, (Kind, Answer)>>,
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
    /// Whether a list has been applied since the engine was reached.
    is_shown: bool,
    /// Where list and state differ, and when the difference counts.
    suspects: Option<(Instant, Vec<Subject>)>,
}

impl Lists {
    /// Creates the schedules. All lists are due at once.
    pub(super) fn new(engine: Engine, reconcile: Duration) -> Self {
        let schedule = |kind| Schedule {
            kind,
            due: Instant::now(),
            began: Instant::now(),
            took: Duration::ZERO,
            backoff: Backoff::new(FIRST_RETRY, LONGEST_RETRY),
            mark: None,
            is_shown: false,
            suspects: None,
        };
        Self { engine, reconcile, schedules: LISTED.map(schedule), under_way: FuturesUnordered::new() }
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
            self.under_way.push(list(self.engine.clone(), schedule.kind).boxed());
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Waits for the next list to end. Call it only while one is under way, then pass the result to [`Self::shown`] or
    /// [`Self::suspect`].
    pub(super) async fn next(&mut self) -> (Kind, Result<Listed, EngineError>) {
        let (kind, answer) = self.under_way.next().await.expect("a list is in progress");
        let reconcile = self.reconcile;
        let schedule = self.of(kind);
        let mark = schedule.mark.expect("a list in progress has a mark");
        match answer {
            Ok(entities) => {
                schedule.backoff.forget();
                // A single list can be slow by chance: the faster of two in a row shows what lists cost.
                let took = schedule.began.elapsed();
                schedule.due = Instant::now() + interval(kind, reconcile, took.min(schedule.took));
                schedule.took = took;
                (kind, Ok(Listed { kind, mark, entities }))
            }
            Err(error) => {
                schedule.due = Instant::now() + schedule.backoff.next(rand::random());
                schedule.mark = None;
                (kind, Err(error))
            }
        }
    }

    pub(super) fn is_shown(&self, kind: Kind) -> bool {
        self.schedules.iter().any(|it| it.kind == kind && it.is_shown)
    }

    /// Marks the latest list of the kind as completely applied.
    pub(super) fn shown(&mut self, kind: Kind) {
        let schedule = self.of(kind);
        schedule.is_shown = true;
        schedule.mark = None;
    }

    /// Notes where the latest list of the kind differs from the state. These subjects are read unless an event explains them
    /// soon.
    pub(super) fn suspect(&mut self, kind: Kind, subjects: Vec<Subject>) {
        let schedule = self.of(kind);
        if subjects.is_empty() {
            schedule.mark = None;
        } else {
            schedule.suspects = Some((Instant::now() + EVENTS_MAY_TAKE, subjects));
        }
    }

    pub(super) fn suspects_due(&self) -> Option<Instant> {
        self.schedules.iter().filter_map(|it| it.suspects.as_ref()).map(|(due, _)| *due).min()
    }

    /// Reads suspects that no event explained. Only what the read changes counts as drift.
    pub(super) fn read_suspects(&mut self, reads: &mut Reads) {
        let now = Instant::now();
        for schedule in &mut self.schedules {
            let Some((_, subjects)) = schedule.suspects.take_if(|(due, _)| *due <= now) else { continue };
            let mark = schedule.mark.take().expect("the mark is kept while there are suspects");
            for subject in subjects {
                if !reads.is_newer_than(mark, &subject) {
                    reads.hint(subject, Cause::new(None, Origin::Reconcile), false);
                }
            }
        }
    }

    fn of(&mut self, kind: Kind) -> &mut Schedule {
        self.schedules.iter_mut().find(|it| it.kind == kind).expect("every listed kind has a schedule")
    }
}

/// Interval from the end of a list that took `duration` to the beginning of the next one.
fn interval(kind: Kind, reconcile: Duration, duration: Duration) -> Duration {
    let factor = if kind == Kind::Image { IMAGES_INTERVAL_PER_DURATION } else { INTERVAL_PER_DURATION };
    reconcile.max(duration.saturating_mul(factor).min(LONGEST_INTERVAL))
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

/// Takes over from the state what lists never contain.
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
        for (kind, milliseconds, seconds) in [
            (Kind::Image, 0, 30),
            (Kind::Image, 300, 30),
            (Kind::Image, 800, 80),
            (Kind::Image, 4_500, 450),
            (Kind::Image, 60_000, 900),
            (Kind::Container, 1_000, 30),
            (Kind::Container, 4_000, 80),
        ] {
            let interval = interval(kind, usual, Duration::from_millis(milliseconds));
            assert_eq!(interval, Duration::from_secs(seconds), "{kind:?} {milliseconds} ms");
        }
        let rare = Duration::from_secs(3_600);
        assert_eq!(interval(Kind::Image, rare, Duration::from_secs(60)), rare);
    }
}
