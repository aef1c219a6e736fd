//! Single readings of one engine, in turn: whatever there is to read, the engine has no more work with it than this.

use std::time::Duration;
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::{Interval, MissedTickBehavior, interval},
};

/// At once: Docker 20.10 takes a second for each, and does nothing for most of it.
const AT_ONCE: usize = 4;

/// Between two, where they are quick. Eighty containers are read every two seconds, a thousand every 25.
const APART: Duration = Duration::from_millis(25);

pub(super) struct Turns {
    places: Semaphore,
    ticks: Mutex<Interval>,
}

impl Default for Turns {
    fn default() -> Self {
        let mut ticks = interval(APART);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { places: Semaphore::new(AT_ONCE), ticks: Mutex::new(ticks) }
    }
}

impl Turns {
    /// Returns when it is the caller's turn, which lasts until what it gives is dropped.
    pub(super) async fn take(&self) -> SemaphorePermit<'_> {
        let place = self.places.acquire().await.expect("places are never closed");
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
    async fn a_hundred_that_are_read_at_once_take_their_time() {
        let (turns, begun) = (Arc::new(Turns::default()), Instant::now());
        let mut all = JoinSet::new();
        for _ in 0..100 {
            let turns = turns.clone();
            all.spawn(async move { drop(turns.take().await) });
        }
        all.join_all().await;
        assert_eq!(begun.elapsed(), APART * 99);
    }
}
