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
use std::collections::HashMap;

/// Containers that die together block their reads together; the facts show meanwhile.
const AT_ONCE: usize = 32;

/// Why it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause {
    pub(super) event: Option<EventTimes>,
    pub(super) origin: Origin,
}

type Answer = Result<Option<Entity>, EngineError>;

pub(super) struct Reads {
    engine: Engine,
    pending: Coalesce<Subject, Cause>,
    under_way: FuturesUnordered<BoxFuture<'static, (Subject, Cause, Answer)>>,
    /// When each subject last had a hint or an answer, counted in steps: a list begun before that is older.
    touched: HashMap<Subject, u64>,
    step: u64,
}

impl Reads {
    pub(super) fn new(engine: Engine) -> Self {
        let (pending, under_way) = (Coalesce::new(AT_ONCE), FuturesUnordered::new());
        Self { engine, pending, under_way, touched: HashMap::new(), step: 0 }
    }

    pub(super) fn hint(&mut self, subject: Subject, cause: Cause, is_fact: bool) {
        self.touch(&subject);
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
        self.pending.is_pending(subject) || self.touched.get(subject).is_some_and(|step| *step >= mark)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// The next read to end. Only when not idle.
    pub(super) async fn next(&mut self) -> Result<Option<(Subject, Updates)>, EngineError> {
        let Some((subject, cause, answer)) = self.under_way.next().await else {
            return Ok(None);
        };
        let answered = self.pending.finish(&subject);
        self.touch(&subject);
        self.start();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error @ (EngineError::Unreachable(_) | EngineError::Timeout)) => return Err(error),
            Err(error) => {
                tracing::warn!(?subject, %error, "a read failed; the reconcile will repeat it");
                return Ok(None);
            }
        };
        if answered.overtaken {
            return Ok(None);
        }
        let update = match (answer, &subject) {
            (Some(entity), _) => Update::Put(entity),
            (None, Subject::Container(id)) => Update::Gone(Key::Container(self.engine.host().clone(), id.clone())),
            (None, Subject::Volume(id)) => Update::Gone(Key::Volume(self.engine.host().clone(), id.clone())),
            (None, Subject::Network(id)) => Update::Gone(Key::Network(self.engine.host().clone(), id.clone())),
            (None, Subject::Image(reference)) => match ImageId::new(reference) {
                Ok(id) => Update::Gone(Key::Image(self.engine.host().clone(), id)),
                // A tag that names nothing: whichever image it named has been read by its id.
                Err(_) => return Ok(None),
            },
        };
        let updates = Updates { updates: vec![update], event: cause.event, origin: cause.origin };
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
    Ok(match subject {
        Subject::Container(id) => engine.container(id).await?.map(Entity::from),
        Subject::Image(reference) => engine.image(reference).await?.map(Entity::from),
        Subject::Volume(name) => engine.volume(name).await?.map(Entity::from),
        Subject::Network(id) => engine.network(id).await?.map(Entity::from),
    })
}
