//! Rate limiter for one-shot readings of one engine: it bounds the engine's work, however many containers there are to read.

use std::time::Duration;
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::{Interval, MissedTickBehavior, interval},
};

/// Maximum concurrent readings: Docker 20.10 takes a second for each, and is idle for most of it.
const AT_ONCE: usize = 4;

/// Minimum interval between two quick readings. Eighty containers are read every two seconds, a thousand every 25.
const MIN_INTERVAL: Duration = Duration::from_millis(25);

pub(super) struct OneShotLimiter {
    places: Semaphore,
    ticks: Mutex<Interval>,
}

impl Default for OneShotLimiter {
    fn default() -> Self {
        let mut ticks = interval(MIN_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { places: Semaphore::new(AT_ONCE), ticks: Mutex::new(ticks) }
    }
}

impl OneShotLimiter {
    /// Waits for the caller's turn, which lasts until the returned permit is dropped.
    pub(super) async fn take(&self) -> SemaphorePermit<'_> {
        let place = self.places.acquire().await.expect("the semaphore is never closed");
        self.ticks.lock().await.tick().await;
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::{task::JoinSet, time::Instant};

    #[tokio::test(start_paused = true)]
    async fn a_hundred_concurrent_readings_are_rate_limited() {
        let (limiter, begun) = (Arc::new(OneShotLimiter::default()), Instant::now());
        let mut all = JoinSet::new();
        for _ in 0..100 {
            let limiter = limiter.clone();
            all.spawn(async move { drop(limiter.take().await) });
        }
        all.join_all().await;
        assert_eq!(begun.elapsed(), MIN_INTERVAL * 99);
    }
}
