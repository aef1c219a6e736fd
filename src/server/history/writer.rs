//! History writer: takes jobs from the queue, batches them briefly, and commits. Cleans up in small steps while it is idle.

use super::{
    History, Unavailable,
    clock_trust::ClockTrust,
    documents::Document,
    events, nowhere,
    recent::{Numbered, Recent},
    store::{Batch, Store, StoreError},
};
use crate::{
    message,
    model::{HistoryStatus, Message, Timestamp, UsagePoint},
};
use std::{sync::PoisonError, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::{Instant, sleep_until, timeout_at},
};

/// How long jobs are batched. A killed server loses at most the last second: this and the commit.
const GATHER: Duration = Duration::from_millis(300);

/// Largest batch, in jobs.
const LARGE: usize = 2_000;

const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Time between two cleanup steps, while there is more to do.
const BREATH: Duration = Duration::from_millis(50);

type Done = oneshot::Sender<Result<(), Unavailable>>;

#[derive(Debug)]
pub(super) enum Job {
    Event(Numbered),
    Usage(Timestamp, Vec<UsagePoint>),
    Document(Document, Done),
    /// Confirmed when all jobs before it are written.
    Flush(Done),
    /// A reader found the file damaged.
    Damaged,
    Close(Done),
}

pub(super) struct Writer {
    history: History,
    jobs: mpsc::Receiver<Job>,
    store: Option<Store>,
    /// The file has to be moved aside: opening it succeeds, but everything else fails.
    is_damaged: bool,
    /// The latest events of a file that could not be opened for writing are loaded into memory.
    has_remembered: bool,
    /// When to retry opening the file.
    retry_at: Instant,
    tidy_at: Instant,
    clock_trust: ClockTrust,
    /// Something was written since the last cleanup.
    untidy: bool,
}

impl Writer {
    pub(super) fn new(history: History, jobs: mpsc::Receiver<Job>) -> Self {
        let (now, clock_trust) = (Instant::now(), ClockTrust::new(history.0.clock.moment()));
        Self {
            history,
            jobs,
            store: None,
            is_damaged: false,
            has_remembered: false,
            retry_at: now,
            tidy_at: now + TIDY_EVERY,
            clock_trust,
            untidy: true,
        }
    }

    pub(super) async fn opened(mut self) -> Self {
        self.open().await;
        self
    }

    /// Runs until it is closed, or all handles are dropped.
    pub(super) async fn run(mut self) {
        loop {
            let has_store = self.store.is_some();
            let can_open = self.history.0.settings.folder.is_some();
            tokio::select! {
                biased;
                job = self.jobs.recv() => {
                    let Some(job) = job else { return };
                    if self.take(job).await.is_break() {
                        return;
                    }
                }
                // Retry after the file could not be opened or written.
                () = sleep_until(self.retry_at), if !has_store && can_open => self.open().await,
                // Clean up.
                () = sleep_until(self.tidy_at), if has_store && self.untidy => self.tidy().await,
            }
        }
    }

    /// Writes the job in a batch with those that follow shortly.
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
                // Takes jobs that are already queued, but lets no caller wait for more.
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

    async fn write(&mut self, batch: Batch) -> Result<(), Unavailable> {
        if batch.is_empty() && self.store.is_some() {
            return Ok(());
        }
        self.untidy = true;
        self.with_store(move |store| store.write(&batch)).await
    }

    async fn tidy(&mut self) {
        let moment = self.history.0.clock.moment();
        let now = self.clock_trust.is_trusted(moment).then_some(moment.at);
        let more = self.with_store(move |store| store.tidy(now)).await;
        let more = more.unwrap_or_default();
        // Checks for old data again once the clock is trusted.
        self.untidy = more || now.is_none();
        self.tidy_at = Instant::now() + if more { BREATH } else { TIDY_EVERY };
    }

    /// Runs `work` on a blocking thread. An error turns the history off until the next retry.
    async fn with_store<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let Some(mut store) = self.store.take() else {
            return Err(match self.history.status() {
                HistoryStatus::Off { reason } => Unavailable { reason },
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
                // A damaged file is moved aside by the next attempt, at once.
                self.is_damaged = error.is_corrupt();
                let wait = if self.is_damaged { Duration::ZERO } else { self.history.0.settings.retry };
                Err(self.turn_off(error.message(), wait))
            }
            Err(_) => Err(self.turn_off(message!("writing failed"), self.history.0.settings.retry)),
        }
    }

    fn turn_off(&mut self, reason: Message, wait: Duration) -> Unavailable {
        self.retry_at = Instant::now() + wait;
        let off = HistoryStatus::Off { reason: reason.clone() };
        let changed = self.history.0.status.send_if_modified(|status| {
            let changed = *status != off;
            *status = off;
            changed
        });
        if changed {
            tracing::warn!(%reason, "history is off");
        }
        Unavailable { reason }
    }

    /// Loads the stored events into memory, before new ones, even if the file can't be written.
    async fn remember_stored(&mut self) {
        if self.has_remembered {
            return;
        }
        let latest = self.history.read(|connection| events::latest(connection, Recent::KEPT)).await;
        if let Ok((kept, last)) = latest {
            self.history.recent().behind(kept, last);
            self.has_remembered = true;
        }
    }

    /// Opens the file and writes the events that arrived without one, as far as they are still in memory.
    async fn open(&mut self) {
        let settings = self.history.0.settings.clone();
        let Some(folder) = settings.folder else {
            self.turn_off(nowhere().reason, settings.retry);
            return;
        };
        let is_damaged = std::mem::take(&mut self.is_damaged);
        let shared = self.history.0.clone();
        let opened = spawn_blocking(move || {
            let _opening = shared.opening.write().unwrap_or_else(PoisonError::into_inner);
            let store = Store::open(&folder, settings.limits, is_damaged)?;
            let latest = store.latest()?;
            Ok::<_, StoreError>((store, latest))
        });
        let (mut store, (kept, last)) = match opened.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => {
                self.turn_off(error.message(), settings.retry);
                self.remember_stored().await;
                return;
            }
            Err(_) => {
                self.turn_off(message!("its file couldn't be opened"), settings.retry);
                return;
            }
        };
        let newest = kept.iter().map(|it| it.event.time).max();
        self.clock_trust.opened(self.history.0.clock.moment(), newest);
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
            Ok(Err(error)) => drop(self.turn_off(error.message(), settings.retry)),
            Err(_) => drop(self.turn_off(message!("writing failed"), settings.retry)),
        }
    }
}
