//! What happened, kept in an embedded database under the data folder: events, what users did, what containers used, and
//! small documents of other parts. The only SQL user.
//!
//! Who has something to tell never waits: it goes into a bounded queue, and one writer takes it from there in batches.
//! Without a folder that can be written to, all goes on with the latest events in memory alone.

mod documents;
mod events;
mod recent;
mod schema;
mod store;
mod usage;
mod writer;

pub use events::Place;
pub use store::Limits;

use super::{clock::Clock, config::Config, engine::EngineEvent};
use crate::model::{
    ContainerId, Event, EventPage, EventQuery, HistoryStatus, HostId, Timestamp, UsagePoint, UsageStretch,
};
use recent::{Recent, fingerprint_of};
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, broadcast, mpsc, oneshot, watch},
    task::spawn_blocking,
};
use writer::{Job, Writer};

/// What waits to be written at most; what comes while it is full is lost, and counted.
const QUEUE: usize = 8_192;

/// What waits for a listener at most; who is later skips.
const UNHEARD: usize = 1_024;

/// Questions answered at once: each has a connection and a thread of its own.
const READERS: usize = 4;

/// Where and how much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// None where the system names no place.
    pub folder: Option<PathBuf>,
    pub limits: Limits,
    /// Between two tries to open a file that could not be.
    pub retry: Duration,
}

impl Settings {
    pub const RETRY: Duration = Duration::from_secs(15);
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Self { folder: config.data_dir.clone(), limits: config.history, retry: Self::RETRY }
    }
}

/// It is not kept now, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the history is off: {reason}")]
pub struct Off {
    pub reason: String,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct History(Arc<Shared>);

struct Shared {
    clock: Clock,
    settings: Settings,
    /// Locked for moments only.
    recent: Mutex<Recent>,
    live: broadcast::Sender<Arc<Event>>,
    jobs: mpsc::Sender<Job>,
    /// What the queue had no room for.
    lost: AtomicU64,
    status: watch::Sender<HistoryStatus>,
    readers: Semaphore,
}

impl History {
    /// Returns when the file is open, or known not to be.
    pub async fn start(settings: Settings, clock: Clock) -> Self {
        let (history, writer) = Self::prepare(settings, clock);
        tokio::spawn(writer.opened().await.run());
        history
    }

    fn prepare(settings: Settings, clock: Clock) -> (Self, Writer) {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let reason = "it has not been opened yet".to_owned();
        // Above what any file of ours holds, and no repetition after a start without one.
        let first = u64::try_from(clock.now().millis()).unwrap_or_default();
        let history = Self(Arc::new(Shared {
            clock,
            settings,
            recent: Mutex::new(Recent::new(first)),
            live: broadcast::Sender::new(UNHEARD),
            jobs,
            lost: AtomicU64::new(0),
            status: watch::Sender::new(HistoryStatus::Off { reason }),
            readers: Semaphore::new(READERS),
        }));
        let writer = Writer::new(history.clone(), waiting);
        (history, writer)
    }

    /// What an engine told. What it repeats is known already.
    pub fn record_engine(&self, host: &HostId, told: &EngineEvent) {
        let EngineEvent { kind, action, actor, .. } = told;
        let parts = [host.as_str(), kind, action, &actor.id].map(str::as_bytes);
        let nanos = told.nanos().to_le_bytes();
        let fingerprint = fingerprint_of(&[&parts[..], &[&nanos[..]]].concat());
        self.take(told.of(host), Some(fingerprint));
    }

    /// What a user did. Its number is given here.
    pub fn record(&self, event: Event) {
        self.take(event, None);
    }

    fn take(&self, event: Event, fingerprint: Option<i64>) {
        // Told and queued under the lock: in the order of the numbers.
        let mut recent = self.recent();
        if let Some(numbered) = recent.take(event, fingerprint) {
            let _ = self.0.live.send(numbered.event.clone());
            if self.0.jobs.try_send(Job::Event(numbered)).is_err() {
                self.0.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What containers used until `at`: once a minute is often enough.
    pub fn record_usage(&self, at: Timestamp, points: Vec<UsagePoint>) {
        if self.0.jobs.try_send(Job::Usage(at, points)).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each event from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.live.subscribe()
    }

    pub fn status(&self) -> HistoryStatus {
        self.0.status.borrow().clone()
    }

    /// Events and points that were not written because the queue was full.
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// The latest in memory, newest first.
    pub fn newest(&self, count: usize) -> Vec<Arc<Event>> {
        self.recent().newest().take(count).cloned().collect()
    }

    /// At most `limit` events, with all that were told before. Where nothing can be read: of those in memory.
    pub async fn page(&self, query: EventQuery, place: Place, limit: usize) -> EventPage {
        let asked = query.clone();
        let read = self.ask(move |connection| events::find(connection, &asked, place, limit + 1)).await;
        let (mut events, history) = match read {
            Ok(events) => (events, self.status()),
            Err(Off { reason }) => (self.remembered(&query, place), HistoryStatus::Off { reason }),
        };
        let more = events.len() > limit;
        events.truncate(limit);
        EventPage { events, more, history }
    }

    fn remembered(&self, query: &EventQuery, place: Place) -> Vec<Event> {
        let recent = self.recent();
        let those = |wanted: &dyn Fn(u64) -> bool| {
            let chosen = recent.newest().filter(|it| wanted(it.seq) && query.matches(it));
            chosen.map(|it| Event::clone(it)).collect::<Vec<_>>()
        };
        match place {
            Place::Before(before) => those(&|seq| before.is_none_or(|before| seq < before)),
            Place::After(after) => {
                let mut those = those(&|seq| seq > after);
                those.reverse();
                those
            }
        }
    }

    /// What a container, or all of a host, used between two times, oldest first, in stretches of a minute, a quarter of an hour or an hour.
    pub async fn usage(
        &self,
        host: HostId,
        container: Option<ContainerId>,
        range: (Timestamp, Timestamp),
    ) -> Result<Vec<UsageStretch>, Off> {
        let now = self.0.clock.now();
        self.ask(move |connection| usage::read(connection, &host, container.as_ref(), range, now)).await
    }

    /// The document of this kind and id, as it was put.
    pub async fn document(&self, kind: &'static str, id: &str) -> Result<Option<String>, Off> {
        let id = id.to_owned();
        self.ask(move |connection| documents::get(connection, kind, &id)).await
    }

    /// Ids and documents of a kind, by id.
    pub async fn documents(&self, kind: &'static str) -> Result<Vec<(String, String)>, Off> {
        self.ask(move |connection| documents::list(connection, kind)).await
    }

    /// Returns when it is written.
    pub async fn put_document(&self, kind: &'static str, id: &str, json: String) -> Result<(), Off> {
        self.write(documents::Document { kind, id: id.to_owned(), json: Some(json) }).await
    }

    pub async fn delete_document(&self, kind: &'static str, id: &str) -> Result<(), Off> {
        self.write(documents::Document { kind, id: id.to_owned(), json: None }).await
    }

    async fn write(&self, document: documents::Document) -> Result<(), Off> {
        let (done, answer) = oneshot::channel();
        let _ = self.0.jobs.send(Job::Document(document, done)).await;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Writes what waits, and ends. What is told later is lost.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        let _ = self.0.jobs.send(Job::Close(done)).await;
        let _ = answer.await;
    }

    /// An answer that knows all that was recorded before the question.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Off> {
        let Some(folder) = self.0.settings.folder.clone() else { return Err(nowhere()) };
        let (done, written) = oneshot::channel();
        let _ = self.0.jobs.send(Job::Flush(done)).await;
        written.await.unwrap_or_else(|_| Err(gone()))?;
        let _place = self.0.readers.acquire().await.expect("never closed");
        let answer = spawn_blocking(move || question(&store::reader(&folder)?));
        let answer = answer.await.map_err(|_| gone())?.map_err(store::StoreError::from);
        answer.map_err(|error| {
            tracing::warn!(%error, "the history can't be read");
            if error.is_corrupt() {
                let _ = self.0.jobs.try_send(Job::Damaged);
            }
            Off { reason: error.words() }
        })
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.recent.lock().expect("nobody panics while numbering events")
    }
}

fn nowhere() -> Off {
    Off { reason: "there is no data folder: say one with --data-dir".into() }
}

fn gone() -> Off {
    Off { reason: "the server is going away".into() }
}
