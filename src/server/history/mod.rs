//! History: an embedded database in the data folder with events, user actions, usage of containers, and small documents of
//! other parts. The only user of SQL.
//!
//! Producers never wait: they push to a bounded queue, and a single writer takes batches from it. Without a writable folder the
//! server runs on with only the latest events in memory.

mod clock_trust;
mod collection;
mod documents;
mod events;
mod interrupt;
mod recent;
mod schema;
mod store;
mod usage;
mod writer;

pub use collection::Collection;
pub use events::Cursor;
pub use store::Limits;

use super::{clock::Clock, engine::EngineEvent};
use crate::{
    message,
    model::{
        ContainerId, Event, EventPage, EventQuery, HistoryStatus, HostId, Message, Timestamp, UsageBucket, UsagePoint,
    },
};
use interrupt::Interrupt;
use recent::{Recent, fingerprint_of};
use rusqlite::Connection;
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, broadcast, mpsc, oneshot, watch},
    task::spawn_blocking,
};
use writer::{Job, Writer};

/// Size of the write queue. While it is full, new jobs are dropped and counted.
const QUEUE: usize = 8_192;

/// Events buffered for a slow subscriber. A subscriber further behind skips events.
const UNHEARD: usize = 1_024;

/// Concurrent queries: each has its own connection and thread.
const READERS: usize = 4;

/// Where the history is stored, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `None` if the system names no folder.
    pub folder: Option<PathBuf>,
    pub limits: Limits,
    /// Time between two attempts to open the file.
    pub retry: Duration,
}

impl Settings {
    pub const RETRY: Duration = Duration::from_secs(15);
}

/// The history is unavailable, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Unavailable {
    pub reason: Message,
}

impl Unavailable {
    pub fn message(&self) -> Message {
        message!("history is off: {reason}", reason = self.reason)
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct History(Arc<Shared>);

struct Shared {
    clock: Clock,
    settings: Settings,
    /// Only ever locked briefly.
    recent: Mutex<Recent>,
    live: broadcast::Sender<Arc<Event>>,
    jobs: mpsc::Sender<Job>,
    /// Jobs dropped because the queue was full.
    lost: AtomicU64,
    status: watch::Sender<HistoryStatus>,
    readers: Arc<Semaphore>,
    /// Locked by the writer while it opens the file, and by readers that bypass SQLite's locks.
    opening: RwLock<()>,
}

impl History {
    /// Returns when the file is open, or opening it has failed.
    pub async fn start(settings: Settings, clock: Clock) -> Self {
        let (history, writer) = Self::prepare(settings, clock);
        tokio::spawn(writer.opened().await.run());
        history
    }

    fn prepare(settings: Settings, clock: Clock) -> (Self, Writer) {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let reason = message!("it hasn't been opened yet");
        // Above the numbers in any file of ours, and unique even after a run without a file.
        let first = u64::try_from(clock.now().millis()).unwrap_or_default();
        let history = Self(Arc::new(Shared {
            clock,
            settings,
            recent: Mutex::new(Recent::new(first)),
            live: broadcast::Sender::new(UNHEARD),
            jobs,
            lost: AtomicU64::new(0),
            status: watch::Sender::new(HistoryStatus::Off { reason }),
            readers: Arc::new(Semaphore::new(READERS)),
            opening: RwLock::default(),
        }));
        let writer = Writer::new(history.clone(), waiting);
        (history, writer)
    }

    /// Records an event of an engine. Drops repeated events.
    pub fn record_engine(&self, host: &HostId, event: &EngineEvent) {
        let EngineEvent { kind, action, actor, .. } = event;
        let parts = [host.as_str(), kind, action, &actor.id].map(str::as_bytes);
        let nanos = event.nanos().to_le_bytes();
        let fingerprint = fingerprint_of(&[&parts[..], &[&nanos[..]]].concat());
        self.take(event.of(host), Some(fingerprint));
    }

    /// Records a user action. Its number is assigned here.
    pub fn record(&self, event: Event) {
        self.take(event, None);
    }

    fn take(&self, event: Event, fingerprint: Option<i64>) {
        // Sent and queued under the lock, so that the order is that of the numbers.
        let mut recent = self.recent();
        if let Some(numbered) = recent.take(event, fingerprint) {
            let _ = self.0.live.send(numbered.event.clone());
            if self.0.jobs.try_send(Job::Event(numbered)).is_err() {
                self.0.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Records the usage up to `at`. Once a minute is enough.
    pub fn record_usage(&self, at: Timestamp, points: Vec<UsagePoint>) {
        if self.0.jobs.try_send(Job::Usage(at, points)).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Subscribes to events from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.live.subscribe()
    }

    pub fn status(&self) -> HistoryStatus {
        self.0.status.borrow().clone()
    }

    /// Events and usage points that were not written because the queue was full.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// The sequence number of the latest event, and the latest ones in memory as `see` returns them, newest first.
    pub fn newest(&self, count: usize, see: impl Fn(&Event) -> Option<Event>) -> (u64, Vec<Event>) {
        let recent = self.recent();
        let latest = recent.newest().next().map_or(0, |event| event.seq);
        (latest, recent.newest().filter_map(|event| see(event)).take(count).collect())
    }

    /// At most `limit` events, including all recorded before the call. If the file can't be read, events in memory.
    pub async fn page(&self, query: EventQuery, place: Cursor, limit: usize) -> EventPage {
        let (mut events, history) = match self.find(query.clone(), place, limit + 1).await {
            Ok(events) => (events, self.status()),
            Err(Unavailable { reason }) => (self.remembered(&query, place), HistoryStatus::Off { reason }),
        };
        let more = events.len() > limit;
        events.truncate(limit);
        EventPage { events, more, history }
    }

    /// At most `limit` events from the file, and from memory those that could not be written to it.
    pub async fn find(&self, query: EventQuery, place: Cursor, limit: usize) -> Result<Vec<Event>, Unavailable> {
        let asked = query.clone();
        let written = self.flush().await;
        let mut events = self.read(move |connection| events::find(connection, &asked, place, limit)).await?;
        if written.is_err() {
            let stored: HashSet<u64> = events.iter().map(|it| it.seq).collect();
            events.extend(self.remembered(&query, place).into_iter().filter(|it| !stored.contains(&it.seq)));
            events.sort_by_key(|it| it.seq);
            if let Cursor::Before(_) = place {
                events.reverse();
            }
            events.truncate(limit);
        }
        Ok(events)
    }

    fn remembered(&self, query: &EventQuery, place: Cursor) -> Vec<Event> {
        let recent = self.recent();
        let those = |wanted: &dyn Fn(u64) -> bool| {
            let chosen = recent.newest().filter(|it| wanted(it.seq) && query.matches(it));
            chosen.map(|it| Event::clone(it)).collect::<Vec<_>>()
        };
        match place {
            Cursor::Before(before) => those(&|seq| before.is_none_or(|before| seq < before)),
            Cursor::After(after) => {
                let mut those = those(&|seq| seq > after);
                those.reverse();
                those
            }
        }
    }

    /// Usage of a container, or of a whole host, between two times, oldest first, in buckets of a minute, a quarter of an hour
    /// or an hour.
    pub async fn usage(
        &self,
        host: HostId,
        container: Option<ContainerId>,
        range: (Timestamp, Timestamp),
    ) -> Result<Vec<UsageBucket>, Unavailable> {
        let now = self.0.clock.now();
        self.ask(move |connection| usage::read(connection, &host, container.as_ref(), range, now)).await
    }

    /// Without a folder nothing is ever stored.
    pub fn has_folder(&self) -> bool {
        self.0.settings.folder.is_some()
    }

    /// The document with this kind and id, as it was stored.
    pub async fn document(&self, kind: &'static str, id: &str) -> Result<Option<String>, Unavailable> {
        let id = id.to_owned();
        self.ask(move |connection| documents::get(connection, kind, &id)).await
    }

    /// Ids and documents of a kind, sorted by id.
    pub async fn documents(&self, kind: &'static str) -> Result<Vec<(String, String)>, Unavailable> {
        self.ask(move |connection| documents::list(connection, kind)).await
    }

    /// Returns when it is stored.
    pub async fn put_document(&self, kind: &'static str, id: &str, json: String) -> Result<(), Unavailable> {
        self.write(documents::Document { kind, id: id.to_owned(), json: Some(json) }).await
    }

    pub async fn delete_document(&self, kind: &'static str, id: &str) -> Result<(), Unavailable> {
        self.write(documents::Document { kind, id: id.to_owned(), json: None }).await
    }

    async fn write(&self, document: documents::Document) -> Result<(), Unavailable> {
        let (done, answer) = oneshot::channel();
        let _ = self.0.jobs.send(Job::Document(document, done)).await;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Writes the queued jobs and closes the file. Anything recorded later is lost.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        let _ = self.0.jobs.send(Job::Close(done)).await;
        let _ = answer.await;
    }

    /// Runs a query that sees everything that was recorded before and could be written. The file is read even if it can't be
    /// written, as on a full disk or while another program locks it.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let _ = self.flush().await;
        self.read(question).await
    }

    /// Returns when everything recorded before is written, or could not be.
    async fn flush(&self) -> Result<(), Unavailable> {
        let (done, written) = oneshot::channel();
        let _ = self.0.jobs.send(Job::Flush(done)).await;
        written.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let Some(folder) = self.0.settings.folder.clone() else { return Err(nowhere()) };
        let (shared, is_writing) = (self.0.clone(), self.status() == HistoryStatus::Recording);
        let place = self.0.readers.clone().acquire_owned().await.expect("the semaphore is never closed");
        // Dropped with this future, which interrupts the query: otherwise the thread would keep running.
        let interrupt = Interrupt::default();
        let interruptible = interrupt.interruptible();
        let answer = spawn_blocking(move || {
            // Held until the thread is free again, even if the future was dropped.
            let _place = place;
            store::read(&folder, &shared.opening, is_writing, |connection| {
                interruptible.watch(connection)?;
                question(connection)
            })
        });
        let answer = answer.await.map_err(|_| gone())?;
        drop(interrupt);
        answer.map_err(|error| {
            match self.status() {
                HistoryStatus::Recording => tracing::warn!(%error, "can't read the history"),
                // Logged as a warning when the history was turned off.
                HistoryStatus::Off { .. } => tracing::debug!(%error, "can't read the history"),
            }
            if error.is_corrupt() {
                let _ = self.0.jobs.try_send(Job::Damaged);
            }
            Unavailable { reason: error.message() }
        })
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.recent.lock().expect("the lock isn't poisoned")
    }
}

fn nowhere() -> Unavailable {
    Unavailable { reason: message!("no data directory is set. Use --data-dir") }
}

fn gone() -> Unavailable {
    Unavailable { reason: message!("the server is shutting down") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    /// Bug: 57 threads ran where four were allowed. The permit of a dropped query was released while its thread still ran.
    #[tokio::test(flavor = "multi_thread")]
    async fn dropped_query_is_interrupted_and_holds_its_permit_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            Settings { folder: Some(folder.path().to_owned()), limits: Limits::default(), retry: Settings::RETRY };
        let history = History::start(settings, Clock::SYSTEM).await;
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..5 * READERS {
            let (begins, ends, most) = (running.clone(), running.clone(), most.clone());
            let begun = Arc::new(tokio::sync::Notify::new());
            let has_begun = begun.clone();
            let asked = history.ask(move |connection| {
                most.fetch_max(begins.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                has_begun.notify_one();
                let answer = connection.query_one(ENDLESS, [], |row| row.get::<_, i64>(0));
                ends.fetch_sub(1, Ordering::Relaxed);
                answer
            });
            tokio::select! {
                answer = asked => panic!("{answer:?}"),
                () = begun.notified() => {}
            }
        }
        assert!(most.load(Ordering::Relaxed) <= READERS, "{most:?} at once");
        let answer = history.page(EventQuery::default(), Cursor::Before(None), 1);
        tokio::time::timeout(Duration::from_secs(10), answer).await.expect("a permit is released soon");
        history.close().await;
    }
}
