//! The reads that hints cause: side by side with a bound, so that one blocked read holds up no other.

use super::{coalesce::Coalesce, hints::Subject};
use crate::{
    model::{Entity, ImageId, Key},
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

/// Containers that die together block their reads together; the facts show meanwhile.
const AT_ONCE: usize = 32;

/// What an event has told too early is true by then.
const SOON: Duration = Duration::from_millis(500);

/// How often a read that fails is repeated before it is left to the reconcile.
const REPEATS: u8 = 3;

/// Why it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    event: Option<EventTimes>,
    origin: Origin,
    /// How often this was tried in vain.
    failed: u8,
}

impl Cause {
    pub(super) fn new(event: Option<EventTimes>, origin: Origin) -> Self {
        Self { event, origin, failed: 0 }
    }
}

/// Of all images, or networks, every one that is listed, known or not.
type Answer = Result<Vec<Update>, EngineError>;

pub(super) struct Reads {
    engine: Engine,
    pending: Coalesce<Subject, Cause>,
    under_way: FuturesUnordered<BoxFuture<'static, (Subject, Cause, Answer)>>,
    /// Hints that wait for their moment, the next one first.
    early: VecDeque<(Instant, Subject, Cause)>,
    /// When each subject last had a hint or an answer, counted in steps: a list begun before that is older.
    touched: HashMap<Subject, u64>,
    step: u64,
    /// What an event told of while a read of it was waiting or under way, or could not be read: whatever the next read
    /// finds is no drift.
    told: HashSet<Subject>,
}

impl Reads {
    pub(super) fn new(engine: Engine) -> Self {
        let (pending, under_way) = (Coalesce::new(AT_ONCE), FuturesUnordered::new());
        Self {
            engine,
            pending,
            under_way,
            early: VecDeque::new(),
            touched: HashMap::new(),
            step: 0,
            told: HashSet::new(),
        }
    }

    /// A hint that comes before what it tells of is so.
    pub(super) fn hint_soon(&mut self, subject: Subject, cause: Cause) {
        self.early.push_back((Instant::now() + SOON, subject, cause));
    }

    pub(super) fn hint(&mut self, subject: Subject, cause: Cause, is_fact: bool) {
        self.touch(&subject);
        if cause.event.is_some() && self.pending.is_pending(&subject) {
            self.told.insert(subject.clone());
        }
        self.pending.hint(subject, cause, is_fact);
        self.start();
    }

    /// A mark for [`Self::is_newer_than`].
    pub(super) fn mark(&mut self) -> u64 {
        self.touched.retain(|subject, _| self.pending.is_pending(subject));
        self.step += 1;
        self.step
    }

    /// Whether more is known of it, or about to be, than a list begun at `mark` can say.
    pub(super) fn is_newer_than(&self, mark: u64, subject: &Subject) -> bool {
        let is_early = self.early.iter().any(|(_, early, _)| early == subject);
        is_early || self.pending.is_pending(subject) || self.touched.get(subject).is_some_and(|step| *step >= mark)
    }

    pub(super) fn is_pending(&self, subject: &Subject) -> bool {
        self.pending.is_pending(subject)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.early.is_empty()
    }

    /// The next read to end. Only when not idle.
    pub(super) async fn next(&mut self) -> Result<Option<(Subject, Updates)>, EngineError> {
        let moment = self.early.front().map_or_else(Instant::now, |(moment, ..)| *moment);
        let (subject, cause, answer) = tokio::select! {
            Some(ended) = self.under_way.next() => ended,
            () = sleep_until(moment), if !self.early.is_empty() => {
                let (_, subject, cause) = self.early.pop_front().expect("checked");
                self.hint(subject, cause, false);
                return Ok(None);
            }
            else => return Ok(None),
        };
        let answered = self.pending.finish(&subject);
        let origin = if self.told.remove(&subject) { Origin::Engine } else { cause.origin };
        self.touch(&subject);
        self.start();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.is_away() => return Err(error),
            // One answer can fail or get lost alone: half a minute until the reconcile would be long to be wrong.
            Err(error) => {
                tracing::warn!(?subject, %error, failed = cause.failed, "a read failed");
                if cause.failed < REPEATS {
                    self.hint_soon(subject, Cause { failed: cause.failed + 1, ..cause });
                } else if origin == Origin::Engine {
                    // The reconcile will find what was told and could not be read.
                    self.told.insert(subject);
                }
                return if matches!(error, EngineError::Timeout) { Err(error) } else { Ok(None) };
            }
        };
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
        while let Some((subject, cause)) = self.pending.start() {
            let engine = self.engine.clone();
            let read = async move {
                let answer = read(&engine, &subject).await;
                (subject, cause, answer)
            };
            self.under_way.push(read.boxed());
        }
    }
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
            // A tag that names nothing: whichever image it named has been read by its id.
            (None, Err(_)) => return Ok(Vec::new()),
        },
        // Of one that nothing names an inspect knows even when it is a step of a build and hidden behind the next one.
        Subject::Unlisted(id) => {
            let found = engine.image(id.as_str()).await?.filter(|image| !image.is_dangling());
            (found.map(Entity::from), Key::Image(host(), id.clone()))
        }
        Subject::Images => return Ok(engine.images().await?.into_iter().map(|it| Update::Put(it.into())).collect()),
        Subject::Networks => {
            return Ok(engine.networks().await?.into_iter().map(|it| Update::Put(it.into())).collect());
        }
    };
    Ok(vec![found.map_or(Update::Gone(key), Update::Put)])
}
