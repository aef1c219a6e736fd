//! The one who writes: takes from the queue, gathers for a moment, commits. Tidies in small steps when nothing waits.

use super::{
    History, Off,
    documents::Document,
    nowhere,
    recent::Numbered,
    store::{Batch, Store, StoreError},
};
use crate::model::{HistoryStatus, Timestamp, UsagePoint};
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::{Instant, sleep_until, timeout_at},
};

/// Whoever is killed loses at most the last second: what is gathered for so long, and the commit.
const GATHER: Duration = Duration::from_millis(300);

/// A batch of so many jobs is large enough.
const LARGE: usize = 2_000;

const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Between two steps of tidying, while there is more to do.
const BREATH: Duration = Duration::from_millis(50);

type Done = oneshot::Sender<Result<(), Off>>;

#[derive(Debug)]
pub(super) enum Job {
    Event(Numbered),
    Usage(Timestamp, Vec<UsagePoint>),
    Document(Document, Done),
    /// Somebody waits until all before it is written.
    Flush(Done),
    /// Somebody who read the file found it so.
    Damaged,
    Close(Done),
}

pub(super) struct Writer {
    history: History,
    jobs: mpsc::Receiver<Job>,
    store: Option<Store>,
    /// The file has to be set aside: to open it succeeds, and all else fails.
    is_damaged: bool,
    /// When to open it again, where it could not be.
    retry_at: Instant,
    tidy_at: Instant,
    /// Something was written since the last tidying.
    untidy: bool,
}

impl Writer {
    pub(super) fn new(history: History, jobs: mpsc::Receiver<Job>) -> Self {
        let now = Instant::now();
        Self { history, jobs, store: None, is_damaged: false, retry_at: now, tidy_at: now + TIDY_EVERY, untidy: true }
    }

    pub(super) async fn opened(mut self) -> Self {
        self.open().await;
        self
    }

    /// Until it is closed, or nobody is left who could tell anything.
    pub(super) async fn run(mut self) {
        loop {
            let has_store = self.store.is_some();
            let can_open = self.history.0.settings.folder.is_some();
            tokio::select! {
                biased;
                // Something to write.
                job = self.jobs.recv() => {
                    let Some(job) = job else { return };
                    if self.take(job).await.is_break() {
                        return;
                    }
                }
                // The file could not be opened or written a while ago.
                () = sleep_until(self.retry_at), if !has_store && can_open => self.open().await,
                // Old things have to go.
                () = sleep_until(self.tidy_at), if has_store && self.untidy => self.tidy().await,
            }
        }
    }

    /// Writes it, with what comes in the next moment.
    async fn take(&mut self, first: Job) -> std::ops::ControlFlow<()> {
        let due = Instant::now() + GATHER;
        let (mut batch, mut waiting, mut closing) = (Batch::default(), Vec::new(), false);
        let mut next = Some(first);
        let mut jobs = 0;
        while let Some(job) = next {
            jobs += 1;
            match job {
                Job::Event(numbered) => batch.events.push(numbered),
                Job::Usage(at, points) => batch.usage.push((at, points)),
                Job::Document(document, done) => {
                    batch.documents.push(document);
                    waiting.push(done);
                }
                Job::Flush(done) => waiting.push(done),
                Job::Damaged => {
                    let _ = self.with_store(|_| Err::<(), _>(StoreError::Damaged)).await;
                }
                Job::Close(done) => {
                    waiting.push(done);
                    closing = true;
                }
            }
            next = if jobs >= LARGE || closing {
                None
            } else if waiting.is_empty() {
                timeout_at(due, self.jobs.recv()).await.ok().flatten()
            } else {
                // What waits already comes along; for more nobody is kept waiting.
                self.jobs.try_recv().ok()
            };
        }
        let written = self.write(batch).await;
        if closing {
            self.store = None;
        }
        for done in waiting {
            let _ = done.send(written.clone());
        }
        if closing { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
    }

    async fn write(&mut self, batch: Batch) -> Result<(), Off> {
        if batch.is_empty() && self.store.is_some() {
            return Ok(());
        }
        self.untidy = true;
        self.with_store(move |store| store.write(&batch)).await
    }

    async fn tidy(&mut self) {
        let now = self.history.0.clock.now();
        let more = self.with_store(move |store| store.tidy(now)).await;
        let more = more.unwrap_or_default();
        self.untidy = more;
        self.tidy_at = Instant::now() + if more { BREATH } else { TIDY_EVERY };
    }

    /// On a thread that may wait for the disk. A failure turns the history off until the next try.
    async fn with_store<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Off> {
        let Some(mut store) = self.store.take() else {
            return Err(match self.history.status() {
                HistoryStatus::Off { reason } => Off { reason },
                HistoryStatus::Recording => nowhere(),
            });
        };
        let done = spawn_blocking(move || {
            let done = work(&mut store);
            (done, store)
        });
        match done.await {
            Ok((Ok(done), store)) => {
                self.store = Some(store);
                Ok(done)
            }
            Ok((Err(error), store)) => {
                drop(store);
                // A damaged file is set aside by the next try: at once.
                self.is_damaged = error.is_corrupt();
                let wait = if self.is_damaged { Duration::ZERO } else { self.history.0.settings.retry };
                Err(self.turn_off(error.words(), wait))
            }
            Err(_) => Err(self.turn_off("its writer failed".into(), self.history.0.settings.retry)),
        }
    }

    fn turn_off(&mut self, reason: String, wait: Duration) -> Off {
        self.retry_at = Instant::now() + wait;
        let off = HistoryStatus::Off { reason: reason.clone() };
        let changed = self.history.0.status.send_if_modified(|status| {
            let changed = *status != off;
            *status = off;
            changed
        });
        if changed {
            tracing::warn!(%reason, "the history is off");
        }
        Off { reason }
    }

    /// With what came up while there was no file, as far as memory reaches.
    async fn open(&mut self) {
        let settings = self.history.0.settings.clone();
        let Some(folder) = settings.folder else {
            self.turn_off(nowhere().reason, settings.retry);
            return;
        };
        let is_damaged = std::mem::take(&mut self.is_damaged);
        let opened = spawn_blocking(move || {
            let store = Store::open(&folder, settings.limits, is_damaged)?;
            let latest = store.latest()?;
            Ok::<_, StoreError>((store, latest))
        });
        let (mut store, (kept, last)) = match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                self.turn_off(error.words(), settings.retry);
                return;
            }
            Err(_) => {
                self.turn_off("its file could not be opened".into(), settings.retry);
                return;
            }
        };
        let events = self.history.recent().behind(kept, last);
        let written = spawn_blocking(move || {
            let written = store.write(&Batch { events, ..Batch::default() });
            written.map(|()| store)
        });
        match written.await {
            Ok(Ok(store)) => {
                self.store = Some(store);
                self.untidy = true;
                self.tidy_at = Instant::now() + TIDY_EVERY;
                self.history.0.status.send_replace(HistoryStatus::Recording);
            }
            Ok(Err(error)) => drop(self.turn_off(error.words(), settings.retry)),
            Err(_) => drop(self.turn_off("its writer failed".into(), settings.retry)),
        }
    }
}
