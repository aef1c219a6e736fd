//! Concurrent reads caused by hints, with a limit for each kind, so that one blocked read delays no other.

use super::{coalesce::Coalesce, lists::LISTED, subjects::Subject};
use crate::{
    model::{Entity, ImageId, Key, Kind},
    server::{
        engine::{Engine, EngineError},
        state::{Origin, Update, Updates},
    },
    wire::EventTimes,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// Maximum concurrent reads of containers. Reads of containers that die together block together; clients see the facts
/// meanwhile.
const CONTAINERS_AT_ONCE: usize = 32;

/// Maximum concurrent reads of each other kind. A volume plugin that hangs delays only reads of volumes.
const OTHERS_AT_ONCE: usize = 8;

/// Delay after which a change that an event reported too early can be read.
const SOON: Duration = Duration::from_millis(500);

/// Maximum retries of a failed read. After that it is left to the reconcile.
const REPEATS: u8 = 3;

/// Why a subject is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    event: Option<EventTimes>,
    origin: Origin,
    /// Number of failed attempts.
    failed: u8,
}

impl Cause {
    pub(super) fn new(event: Option<EventTimes>, origin: Origin) -> Self {
        Self { event, origin, failed: 0 }
    }
}

/// For all images or all networks: every one that is listed, known or not.
type Answer = Result<Vec<Update>, EngineError>;

pub(super) struct Reads {
    engine: Engine,
    /// Queues by kind, in the order of [`LISTED`].
    pending: [Coalesce<Subject, Cause>; LISTED.len()],
    in_flight: FuturesUnordered<BoxFuture<'static, (Subject, Cause, Answer)>>,
    /// Delayed hints, the next one first.
    early: VecDeque<(Instant, Subject, Cause)>,
    /// The step at which each subject last got a hint or an answer: a list that began before it is older.
    touched: HashMap<Subject, u64>,
    step: u64,
    /// Subjects that an event reported while a read of them was waiting or under way, or that could not be read: what the next
    /// read finds is not drift.
    reported: HashSet<Subject>,
}

impl Reads {
    pub(super) fn new(engine: Engine) -> Self {
        let pending =
            LISTED.map(|kind| Coalesce::new(if kind == Kind::Container { CONTAINERS_AT_ONCE } else { OTHERS_AT_ONCE }));
        Self {
            engine,
            pending,
            in_flight: FuturesUnordered::new(),
            early: VecDeque::new(),
            touched: HashMap::new(),
            step: 0,
            reported: HashSet::new(),
        }
    }

    /// Queues a hint with a delay: its event precedes the change, or the previous read failed.
    pub(super) fn hint_soon(&mut self, subject: Subject, cause: Cause) {
        self.early.push_back((Instant::now() + SOON, subject, cause));
    }

    pub(super) fn hint(&mut self, subject: Subject, cause: Cause, is_fact: bool) {
        self.touch(&subject);
        if cause.event.is_some() && self.is_pending(&subject) {
            self.reported.insert(subject.clone());
        }
        self.pending(&subject).hint(subject, cause, is_fact);
        self.start();
    }

    /// A mark for [`Self::is_newer_than`]. `oldest` is the oldest mark still in use: what was touched before it is forgotten.
    pub(super) fn mark(&mut self, oldest: Option<u64>) -> u64 {
        self.touched.retain(|_, step| oldest.is_some_and(|oldest| *step >= oldest));
        self.step += 1;
        self.step
    }

    /// Whether the state has, or is about to get, newer data of the subject than a list that began at `mark`.
    pub(super) fn is_newer_than(&self, mark: u64, subject: &Subject) -> bool {
        let subject = match subject {
            Subject::UnlistedImage(id) => &Subject::Image(id.to_string()),
            subject => subject,
        };
        let is_newer = |subject: &Subject| {
            let is_early = self.early.iter().any(|(_, early, _)| early == subject);
            is_early || self.is_pending(subject) || self.touched.get(subject).is_some_and(|step| *step >= mark)
        };
        let created = match subject {
            Subject::Image(reference) => ImageId::new(reference).ok().map(Subject::NewImage),
            _ => None,
        };
        is_newer(subject) || created.is_some_and(|created| is_newer(&created))
    }

    /// Whether anything of the kind is newer than a list that began at `mark`.
    pub(super) fn any_newer_than(&self, mark: u64, kind: Kind) -> bool {
        let touched = self.touched.iter().any(|(subject, step)| subject.kind() == kind && *step >= mark);
        touched || self.early.iter().any(|(_, subject, _)| subject.kind() == kind)
    }

    pub(super) fn is_pending(&self, subject: &Subject) -> bool {
        self.pending[place(subject.kind())].is_pending(subject)
    }

    fn pending(&mut self, subject: &Subject) -> &mut Coalesce<Subject, Cause> {
        &mut self.pending[place(subject.kind())]
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.early.is_empty()
    }

    /// Waits for the next read to end. Call it only if not idle. Fails when the engine is away: only reads of containers decide
    /// that, since each other kind can fail alone. A single container can hang too: a ping decides whether the engine hangs.
    pub(super) async fn next(&mut self) -> Result<Option<(Subject, Updates)>, EngineError> {
        let moment = self.early.front().map_or_else(Instant::now, |(moment, ..)| *moment);
        let (subject, cause, answer) = tokio::select! {
            Some(ended) = self.in_flight.next() => ended,
            () = sleep_until(moment), if !self.early.is_empty() => {
                let (_, subject, cause) = self.early.pop_front().expect("early isn't empty");
                self.hint(subject, cause, false);
                return Ok(None);
            }
            else => return Ok(None),
        };
        let decides = subject.kind() == Kind::Container;
        let answered = self.pending(&subject).finish(&subject);
        let origin = if self.reported.remove(&subject) { Origin::Engine } else { cause.origin };
        self.touch(&subject);
        self.start();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if decides && error.is_away() => return Err(error),
            // A single answer can fail or get lost: waiting half a minute for the reconcile would leave the state wrong for too
            // long.
            Err(error) => {
                tracing::warn!(?subject, %error, failed = cause.failed, "read failed");
                if cause.failed < REPEATS {
                    self.hint_soon(subject, Cause { failed: cause.failed + 1, ..cause });
                } else if origin == Origin::Engine {
                    // The reconcile will find the change that an event reported and that could not be read.
                    self.reported.insert(subject);
                }
                return Ok(None);
            }
        };
        // An image that was read by its name is stored under its id.
        if !matches!(subject, Subject::Images | Subject::Networks) {
            answer.iter().filter_map(Update::key).filter_map(|key| Subject::of(&key)).for_each(|it| self.touch(&it));
        }
        if answered.overtaken {
            return Ok(None);
        }
        let updates = Updates { updates: answer, event: cause.event, origin };
        Ok(Some((subject, updates)))
    }

    fn touch(&mut self, subject: &Subject) {
        self.step += 1;
        self.touched.insert(subject.clone(), self.step);
    }

    fn start(&mut self) {
        while let Some((subject, cause)) = self.pending.iter_mut().find_map(Coalesce::start) {
            let engine = self.engine.clone();
            let read = async move {
                let answer = read(&engine, &subject).await;
                (subject, cause, answer)
            };
            self.in_flight.push(read.boxed());
        }
    }
}

/// Index of a kind in [`LISTED`].
fn place(kind: Kind) -> usize {
    LISTED.iter().position(|it| *it == kind).expect("every subject is of a listed kind")
}

async fn read(engine: &Engine, subject: &Subject) -> Answer {
    let host = || engine.host().clone();
    let (found, key) = match subject {
        Subject::Container(id) => (engine.container(id).await?.map(Entity::from), Key::Container(host(), id.clone())),
        Subject::Volume(name) => (engine.volume(name).await?.map(Entity::from), Key::Volume(host(), name.clone())),
        Subject::Network(id) => (engine.network(id).await?.map(Entity::from), Key::Network(host(), id.clone())),
        Subject::Image(reference) => match (engine.image(reference).await?, ImageId::new(reference)) {
            (Some(image), _) => return Ok(vec![Update::Put(image.into())]),
            (None, Ok(id)) => (None, Key::Image(host(), id)),
            // The tag refers to no image: the image that it referred to has been read by its id.
            (None, Err(_)) => return Ok(Vec::new()),
        },
        // An inspect finds an untagged image even if it is a build step hidden behind the next one.
        Subject::UnlistedImage(id) => {
            let found = engine.image(id.as_str()).await?.filter(|image| !image.is_dangling());
            (found.map(Entity::from), Key::Image(host(), id.clone()))
        }
        // A build step returns nothing: it is not in the state, so nothing must be removed.
        Subject::NewImage(id) => {
            return Ok(engine.created_image(id).await?.into_iter().map(|it| Update::Put(it.into())).collect());
        }
        Subject::Images => return Ok(engine.images().await?.into_iter().map(|it| Update::Put(it.into())).collect()),
        Subject::Networks => {
            return Ok(engine.networks().await?.into_iter().map(|it| Update::Put(it.into())).collect());
        }
    };
    Ok(vec![found.map_or(Update::Gone(key), Update::Put)])
}
