//! Supervised tasks: they run as long as the server does. One that panics is restarted and named in `/healthz`; if the server
//! can't run without it, the server exits.

use super::{clock::Clock, metrics::Counter};
use crate::model::Timestamp;
use futures::FutureExt;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    future::Future,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

/// Restart backoff after a panic: doubles with each panic that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A task that has run for this long has recovered.
const RECOVERED: Duration = Duration::from_secs(60);

/// Cheap to clone.
#[derive(Clone)]
pub struct Supervisor(Arc<Shared>);

struct Shared {
    clock: Clock,
    parts: Mutex<BTreeMap<&'static str, Part>>,
    /// The vital task that has panicked, if any.
    lost: watch::Sender<Option<&'static str>>,
}

#[derive(Default)]
struct Part {
    panics: Arc<Counter>,
    /// Set from the latest panic until the task has recovered.
    failed: Option<Failed>,
}

/// A task that has panicked and has not recovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    pub task: &'static str,
    /// Time of the latest panic.
    pub since: Timestamp,
    /// Whether it is restarted; if not, its part of the server stays down.
    pub restarts: bool,
}

impl Supervisor {
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared { clock, parts: Mutex::default(), lost: watch::Sender::new(None) }))
    }

    /// Runs the future that `start` returns, and restarts it whenever it panics.
    pub fn restarting<F>(&self, task: &'static str, start: impl Fn() -> F + Send + 'static) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let supervisor = self.clone();
        supervisor.parts().entry(task).or_default();
        tokio::spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let began = Instant::now();
                if supervisor.ends_well(task, true, start()).await {
                    return;
                }
                if began.elapsed() > RECOVERED {
                    pause = FIRST_PAUSE;
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        })
    }

    /// Runs a task that can't be restarted. If it panics its part of the server stays down, which `/healthz` reports.
    pub fn once(&self, task: &'static str, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let supervisor = self.clone();
        supervisor.parts().entry(task).or_default();
        tokio::spawn(async move {
            supervisor.ends_well(task, false, work).await;
        })
    }

    /// Runs a task that the server can't run without: see [`Self::lost`].
    pub fn vital(&self, task: &'static str, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let supervisor = self.clone();
        supervisor.parts().entry(task).or_default();
        tokio::spawn(async move {
            if !supervisor.ends_well(task, false, work).await {
                supervisor.0.lost.send_replace(Some(task));
            }
        })
    }

    /// Completes with the name of a vital task when it has panicked.
    pub async fn lost(&self) -> &'static str {
        let mut lost = self.0.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|lost| *lost) {
            Ok(Some(task)) => task,
            // Unreachable: the sender is in `self`.
            _ => std::future::pending().await,
        }
    }

    /// Tasks that have panicked and not recovered, sorted by name.
    pub fn failed(&self) -> Vec<Failed> {
        self.parts().values().filter_map(|it| it.failed.clone()).collect()
    }

    /// The number of panics of each task, sorted by name.
    pub fn panics(&self) -> Vec<(&'static str, u64)> {
        self.parts().iter().map(|(task, part)| (*task, part.panics.get())).collect()
    }

    /// Returns whether the work ended without a panic.
    async fn ends_well(&self, task: &'static str, restarts: bool, work: impl Future<Output = ()> + Send) -> bool {
        // Unwind safe: state left inconsistent by a panic is dropped, and a restarted task starts from scratch.
        let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
        let ended = tokio::select! {
            ended = &mut work => ended,
            () = sleep(RECOVERED) => {
                self.parts().entry(task).or_default().failed = None;
                work.await
            }
        };
        if ended.is_ok() {
            return true;
        }
        // The panic hook has logged its message and location.
        tracing::error!(task, restarts, "server task panicked");
        let failed = Failed { task, since: self.0.clock.now(), restarts };
        let mut parts = self.parts();
        let part = parts.entry(task).or_default();
        part.panics.add(1);
        part.failed = Some(failed);
        false
    }

    fn parts(&self) -> MutexGuard<'_, BTreeMap<&'static str, Part>> {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn supervisor() -> Supervisor {
        Supervisor::new(Clock::SYSTEM)
    }

    #[tokio::test(start_paused = true)]
    async fn panicked_task_is_restarted_and_reported_until_it_recovers() {
        let supervisor = supervisor();
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        let _task = supervisor.restarting("stats", move || {
            let start = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                assert!(start >= 2, "the first two starts fail");
                std::future::pending().await
            }
        });
        sleep(Duration::from_secs(5)).await;
        assert_eq!((starts.load(Ordering::SeqCst), supervisor.panics()), (3, vec![("stats", 2)]));
        let failed = supervisor.failed();
        assert_eq!(failed.iter().map(|it| (it.task, it.restarts)).collect::<Vec<_>>(), [("stats", true)]);
        sleep(RECOVERED).await;
        assert_eq!(supervisor.failed(), []);
    }

    #[tokio::test]
    async fn panic_of_a_vital_task_stops_the_server() {
        let supervisor = supervisor();
        let _ends = supervisor.vital("sweeper", async {});
        let _panics = supervisor.vital("state", async { panic!("a bug") });
        assert_eq!(supervisor.lost().await, "state");
    }
}
