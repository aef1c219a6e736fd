//! Where the readings of one container's run come from: the kernel's files, a stream of the engine's, or single readings
//! of its, taken in turn.

use super::{
    Reading,
    cgroup::{Group, Kernel},
    turns::Turns,
};
use crate::{
    model::{Container, ContainerId, Rates, Sample, Timestamp},
    server::engine::{Engine, EngineError, EngineUrl},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{task::AbortHandle, time::sleep};

/// Between two single readings of one container, where there are few enough to get there so soon.
const TURN: Duration = Duration::from_secs(2);

/// How often what is read is wanted: in rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    /// For the history, if files tell it.
    Recorded,
    /// On nobody's screen, but part of what is.
    Other,
    /// On the screen.
    Close,
}

impl Closeness {
    pub(super) fn rounds(self) -> u64 {
        match self {
            Self::Recorded => 10,
            Self::Other => 2,
            Self::Close => 1,
        }
    }
}

pub(super) struct Source {
    /// Tells one run of a container from the next; not known before the container was inspected.
    started_at: Option<Timestamp>,
    origin: Origin,
    before: Option<Reading>,
    latest: Option<(Sample, Rates)>,
}

enum Origin {
    Files(Group),
    /// What a task has put there and nobody has taken.
    Engine {
        latest: Arc<Mutex<Option<Reading>>>,
        reading: AbortHandle,
        is_stream: bool,
    },
}

impl Source {
    /// `turns` are shared by all that are read singly: of one engine so many at once, one after the other. None where only
    /// the engine could tell what is worth no question.
    pub(super) fn open(
        container: &Container,
        engine: &Engine,
        kernel: &Kernel,
        closeness: Closeness,
        turns: &Arc<Turns>,
    ) -> Option<Self> {
        let is_near = matches!(engine.url(), EngineUrl::Unix(_));
        let group = is_near.then(|| kernel.find(&container.id)).flatten();
        let origin = match (group, closeness) {
            (Some(group), _) => Origin::Files(group),
            (None, Closeness::Recorded) => return None,
            (None, closeness) => {
                let turns = (closeness == Closeness::Other).then(|| turns.clone());
                Origin::engine(engine.clone(), container.id.clone(), turns)
            }
        };
        Some(Self { started_at: container.started_at, origin, before: None, latest: None })
    }

    /// Whether it still reads, as closely as wanted, and of the run that the container is in now.
    pub(super) fn still_serves(&mut self, container: &Container, closeness: Closeness) -> bool {
        let serves = match &self.origin {
            Origin::Files(_) => true,
            Origin::Engine { reading, is_stream, .. } => {
                let wanted = if *is_stream { Closeness::Close } else { Closeness::Other };
                !reading.is_finished() && closeness == wanted
            }
        };
        self.started_at = self.started_at.or(container.started_at);
        serves && self.started_at == container.started_at
    }

    /// Whether the engine has work with it.
    pub(super) fn asks(&self) -> bool {
        matches!(self.origin, Origin::Engine { .. })
    }

    /// Whether it has never said anything.
    pub(super) fn is_fresh(&self) -> bool {
        self.latest.is_none()
    }

    pub(super) fn is_due(&self, closeness: Closeness, round: u64) -> bool {
        !matches!(self.origin, Origin::Files(_)) || self.is_fresh() || round.is_multiple_of(closeness.rounds())
    }

    /// A reading and the one before it; none while there is no new one.
    pub(super) fn next(&mut self, kernel: &Kernel, now: Timestamp) -> Option<(Reading, Reading)> {
        let reading = match &self.origin {
            Origin::Files(group) => kernel.read(group, now),
            Origin::Engine { latest, .. } => latest.lock().expect("nobody panics while taking a reading").take(),
        }?;
        let before = self.before.replace(reading)?;
        Some((before, reading))
    }

    pub(super) fn keep(&mut self, sample: &Sample) {
        let before = self.latest.as_ref().and_then(|(before, _)| Rates::between(before, sample));
        self.latest = Some((sample.clone(), before.unwrap_or_default()));
    }

    /// The latest counters.
    pub(super) fn reading(&self) -> Option<Reading> {
        self.before
    }

    pub(super) fn latest(&self) -> Option<(&Sample, &Rates)> {
        self.latest.as_ref().map(|(sample, rates)| (sample, rates))
    }
}

impl Origin {
    fn engine(engine: Engine, id: ContainerId, turns: Option<Arc<Turns>>) -> Self {
        let latest = Arc::new(Mutex::new(None));
        let slot = latest.clone();
        let is_stream = turns.is_none();
        let put = move |reading| *slot.lock().expect("nobody panics while putting a reading") = Some(reading);
        let reading = tokio::spawn(async move {
            let read = async {
                match turns {
                    None => stream(&engine, &id, put).await,
                    Some(turns) => singly(&engine, &id, &turns, put).await,
                }
            };
            if let Err(error) = read.await {
                tracing::debug!(container.id = %id, %error, "no stats of a container");
            }
        });
        Self::Engine { latest, reading: reading.abort_handle(), is_stream }
    }
}

async fn stream(engine: &Engine, id: &ContainerId, put: impl Fn(Reading)) -> Result<(), EngineError> {
    let mut readings = engine.readings(id).await?;
    while let Some(reading) = readings.next().await? {
        put(reading);
    }
    Ok(())
}

async fn singly(engine: &Engine, id: &ContainerId, turns: &Turns, put: impl Fn(Reading)) -> Result<(), EngineError> {
    loop {
        {
            let _turn = turns.take().await;
            if let Some(reading) = engine.reading(id).await? {
                put(reading);
            }
        }
        sleep(TURN).await;
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Self::Engine { reading, .. } = self {
            reading.abort();
        }
    }
}
