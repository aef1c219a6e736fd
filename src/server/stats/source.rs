//! Source of readings for one run of a container: the kernel's files, a stream from the engine, or rate-limited one-shot
//! readings.

use super::{
    cgroup::{Group, Kernel},
    one_shot_limiter::OneShotLimiter,
};
use crate::{
    model::{Container, ContainerId, Rates, Sample, Timestamp},
    server::engine::{Engine, EngineError, Reading},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{task::AbortHandle, time::sleep};

/// Interval between two one-shot readings of one container, if there are few enough containers.
const TURN: Duration = Duration::from_secs(2);

/// Sampling tier of a container. Determines the interval between samples, in rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SamplingTier {
    /// For the history, if files provide it.
    Recorded,
    /// Not on a screen, but part of a total that is.
    Other,
    /// On a screen.
    Close,
}

impl SamplingTier {
    pub(super) fn rounds(self) -> u64 {
        match self {
            Self::Recorded => 10,
            Self::Other => 2,
            Self::Close => 1,
        }
    }
}

pub(super) struct Source {
    /// Distinguishes one run of a container from the next; unknown until the container has been inspected.
    started_at: Option<Timestamp>,
    origin: Origin,
    before: Option<Reading>,
    latest: Option<(Sample, Rates)>,
}

enum Origin {
    Files(Group),
    /// `latest` is the reading that a task stored, until it is taken.
    Engine {
        latest: Arc<Mutex<Option<Reading>>>,
        reading: AbortHandle,
        is_stream: bool,
    },
}

impl Source {
    /// Opens a source. `is_local`: the engine runs on this machine. `limiter` is shared by all one-shot readings of one engine,
    /// and limits their concurrency and rate. None if only the engine could provide readings, and the tier doesn't justify
    /// asking it.
    pub(super) fn open(
        container: &Container,
        engine: &Engine,
        is_local: bool,
        kernel: &Kernel,
        tier: SamplingTier,
        limiter: &Arc<OneShotLimiter>,
    ) -> Option<Self> {
        let group = is_local.then(|| kernel.find(container)).flatten();
        let origin = match (group, tier) {
            (Some(group), _) => Origin::Files(group),
            (None, SamplingTier::Recorded) => return None,
            (None, tier) => {
                let limiter = (tier == SamplingTier::Other).then(|| limiter.clone());
                Origin::engine(engine.clone(), container.id.clone(), limiter)
            }
        };
        Some(Self { started_at: container.started_at, origin, before: None, latest: None })
    }

    /// Whether it still reads, at the wanted tier, and from the container's current run.
    pub(super) fn still_serves(&mut self, container: &Container, tier: SamplingTier) -> bool {
        let serves = match &self.origin {
            Origin::Files(group) => !group.is_outdated(container),
            Origin::Engine { reading, is_stream, .. } => {
                let wanted = if *is_stream { SamplingTier::Close } else { SamplingTier::Other };
                !reading.is_finished() && tier == wanted
            }
        };
        self.started_at = self.started_at.or(container.started_at);
        serves && self.started_at == container.started_at
    }

    /// Whether it queries the engine.
    pub(super) fn asks(&self) -> bool {
        matches!(self.origin, Origin::Engine { .. })
    }

    /// Whether it has no sample yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.latest.is_none()
    }

    pub(super) fn is_due(&self, tier: SamplingTier, round: u64) -> bool {
        !matches!(self.origin, Origin::Files(_)) || self.is_fresh() || round.is_multiple_of(tier.rounds())
    }

    /// The previous reading and a new one; none if there is no new one.
    pub(super) fn next(&mut self, kernel: &Kernel, now: Timestamp) -> Option<(Reading, Reading)> {
        let reading = match &self.origin {
            Origin::Files(group) => kernel.read(group, now),
            Origin::Engine { latest, .. } => latest.lock().expect("the lock isn't poisoned").take(),
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
    fn engine(engine: Engine, id: ContainerId, limiter: Option<Arc<OneShotLimiter>>) -> Self {
        let latest = Arc::new(Mutex::new(None));
        let slot = latest.clone();
        let is_stream = limiter.is_none();
        let put = move |reading| *slot.lock().expect("the lock isn't poisoned") = Some(reading);
        let reading = tokio::spawn(async move {
            let read = async {
                match limiter {
                    None => stream(&engine, &id, put).await,
                    Some(limiter) => singly(&engine, &id, &limiter, put).await,
                }
            };
            if let Err(error) = read.await {
                tracing::debug!(container.id = %id, %error, "failed to read container stats");
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

async fn singly(
    engine: &Engine,
    id: &ContainerId,
    limiter: &OneShotLimiter,
    put: impl Fn(Reading),
) -> Result<(), EngineError> {
    loop {
        {
            let _turn = limiter.take().await;
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
