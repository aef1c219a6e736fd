//! Document collection: all documents of one kind, cached in memory and persisted in the history.
//!
//! Loading is retried until it succeeds, and nothing is written before. Otherwise a server that starts on a full or locked disk
//! would overwrite the stored documents with defaults. So a change before the load either is refused
//! ([`Collection::put`]), if it can't be validated without the stored documents, or is queued in memory and later overwrites
//! only its own document ([`Collection::set`]). A document that this version can't parse is never overwritten.

use super::{History, Unavailable};
use crate::message;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::Duration,
};
use tokio::{
    sync::{Mutex as AsyncMutex, Notify, watch},
    time::timeout,
};

/// Time between two attempts to load, or to save unsaved documents.
const RETRY: Duration = Duration::from_secs(1);

/// Cheap to clone.
pub struct Collection<T>(Arc<Shared<T>>);

struct Shared<T> {
    history: History,
    kind: &'static str,
    documents: Mutex<Documents<T>>,
    is_loaded: watch::Sender<bool>,
    /// Why the latest load failed. Requests return it instead of making their own attempt, since the next one follows soon.
    failure: Mutex<Option<Unavailable>>,
    /// Serializes loads and writes. Held during each access to the history.
    changing: AsyncMutex<()>,
    /// Wakes the saver: there is something to save, or the collection was dropped.
    unsaved: Arc<Notify>,
}

struct Documents<T> {
    /// By id.
    known: BTreeMap<String, T>,
    /// Ids whose stored document differs from the one in memory, or is to be deleted.
    unsaved: BTreeSet<String>,
    /// Ids whose stored document can't be parsed.
    unreadable: BTreeSet<String>,
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        self.unsaved.notify_one();
    }
}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Collection<T> {
    /// Spawns the task that loads the collection and retries failed saves.
    pub fn open(history: History, kind: &'static str) -> Self {
        let documents = Documents { known: BTreeMap::new(), unsaved: BTreeSet::new(), unreadable: BTreeSet::new() };
        // Without a data folder, `save` and `delete` always fail, and `insert` and `remove` affect memory only.
        let is_loaded = watch::Sender::new(!history.has_folder());
        let (documents, changing, unsaved) = (Mutex::new(documents), AsyncMutex::new(()), Arc::new(Notify::new()));
        let shared = Arc::new(Shared {
            history,
            kind,
            documents,
            is_loaded,
            failure: Mutex::default(),
            changing,
            unsaved: unsaved.clone(),
        });
        tokio::spawn(keep_saved(Arc::downgrade(&shared), unsaved));
        Self(shared)
    }

    /// Returns when it is loaded, or why the latest attempt failed.
    pub async fn load(&self) -> Result<(), Unavailable> {
        if let Some(off) = self.0.failure() {
            return Err(off);
        }
        let _changing = self.0.changing.lock().await;
        self.0.load().await
    }

    pub fn is_loaded(&self) -> bool {
        *self.0.is_loaded.borrow()
    }

    /// Becomes true when the collection is loaded; closes when it is dropped.
    pub fn watch_load(&self) -> watch::Receiver<bool> {
        self.0.is_loaded.subscribe()
    }

    /// False without a data folder: `save` and `delete` fail, and what `insert` stores lasts until the server stops.
    pub fn lasts(&self) -> bool {
        self.0.history.has_folder()
    }

    pub fn get(&self, id: &str) -> Option<T> {
        self.0.documents().known.get(id).cloned()
    }

    /// By id.
    pub fn all(&self) -> BTreeMap<String, T> {
        self.0.documents().known.clone()
    }

    /// Returns when the document is stored. Fails while the collection is not loaded or the history can't be written.
    pub async fn save(&self, id: &str, document: T) -> Result<(), Unavailable> {
        self.load().await?;
        let _changing = self.0.changing.lock().await;
        self.0.write(id, Some(&document)).await?;
        let mut documents = self.0.documents();
        documents.unsaved.remove(id);
        documents.known.insert(id.to_owned(), document);
        Ok(())
    }

    /// Like [`Self::save`], but deletes the document.
    pub async fn delete(&self, id: &str) -> Result<(), Unavailable> {
        self.load().await?;
        let _changing = self.0.changing.lock().await;
        self.0.write(id, None).await?;
        let mut documents = self.0.documents();
        documents.unsaved.remove(id);
        documents.known.remove(id);
        Ok(())
    }

    /// Updates memory at once, and the history as soon as it can be written. Returns after the first attempt.
    pub async fn insert(&self, id: &str, document: T) {
        self.0.note(id, Some(document));
        self.try_to_save().await;
    }

    /// Like [`Self::insert`], but deletes the document.
    pub async fn remove(&self, id: &str) {
        self.0.note(id, None);
        self.try_to_save().await;
    }

    async fn try_to_save(&self) {
        // Until it is loaded, the saver task retries.
        let saved = match self.load().await {
            Ok(()) => self.0.save().await,
            failed => failed,
        };
        if let Err(off) = saved {
            tracing::debug!(kind = self.0.kind, %off, "can't save a change yet: it is in memory only");
            self.0.unsaved.notify_one();
        }
    }
}

impl<T: Clone + Serialize + DeserializeOwned> Shared<T> {
    fn note(&self, id: &str, document: Option<T>) {
        let mut documents = self.documents();
        documents.unsaved.insert(id.to_owned());
        match document {
            Some(document) => drop(documents.known.insert(id.to_owned(), document)),
            None => drop(documents.known.remove(id)),
        }
    }

    async fn load(&self) -> Result<(), Unavailable> {
        if *self.is_loaded.borrow() {
            return Ok(());
        }
        let stored = self.history.documents(self.kind).await;
        let stored = stored.inspect_err(|off| *self.failures() = Some(off.clone()))?;
        let mut documents = self.documents();
        for (id, json) in stored {
            match serde_json::from_str(&json) {
                // The document in memory is newer.
                Ok(_) if documents.unsaved.contains(&id) => {}
                Ok(document) => drop(documents.known.insert(id, document)),
                Err(_) => {
                    // Neither the document nor the error's text is logged: they may contain secrets.
                    tracing::warn!(kind = self.kind, id, "can't parse a stored document: it is left unchanged");
                    documents.unreadable.insert(id);
                }
            }
        }
        drop(documents);
        *self.failures() = None;
        self.is_loaded.send_replace(true);
        Ok(())
    }

    /// Loads the collection if needed, and writes the unsaved documents.
    async fn save(&self) -> Result<(), Unavailable> {
        let _changing = self.changing.lock().await;
        self.load().await?;
        loop {
            let Some((id, document)) = self.next_unsaved() else { return Ok(()) };
            let is_lost = !self.history.has_folder() || self.documents().unreadable.contains(&id);
            if !is_lost && let Err(off) = self.write(&id, document.as_ref()).await {
                self.documents().unsaved.insert(id);
                return Err(off);
            }
        }
    }

    fn next_unsaved(&self) -> Option<(String, Option<T>)> {
        let mut documents = self.documents();
        let id = documents.unsaved.pop_first()?;
        let document = documents.known.get(&id).cloned();
        Some((id, document))
    }

    async fn write(&self, id: &str, document: Option<&T>) -> Result<(), Unavailable> {
        if self.documents().unreadable.contains(id) {
            return Err(Unavailable {
                reason: message!("the stored data was written by another version of Quaylight"),
            });
        }
        match document {
            Some(document) => {
                let json = serde_json::to_string(document).expect("documents serialize to JSON");
                self.history.put_document(self.kind, id, json).await
            }
            None => self.history.delete_document(self.kind, id).await,
        }
    }

    fn failure(&self) -> Option<Unavailable> {
        self.failures().clone()
    }

    fn failures(&self) -> MutexGuard<'_, Option<Unavailable>> {
        self.failure.lock().expect("the lock isn't poisoned")
    }

    fn documents(&self) -> MutexGuard<'_, Documents<T>> {
        self.documents.lock().expect("the lock isn't poisoned")
    }
}

/// Ends when the collection is dropped; holds only a weak reference.
async fn keep_saved<T>(collection: Weak<Shared<T>>, unsaved: Arc<Notify>)
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    loop {
        let Some(shared) = collection.upgrade() else { return };
        let saved = shared.save().await;
        drop(shared);
        match saved {
            Ok(()) => unsaved.notified().await,
            // A change in the meantime does not shorten the wait: its own write has just been tried.
            Err(_) => drop(timeout(RETRY, gone(&collection, &unsaved)).await),
        }
    }
}

/// Completes when the collection is dropped.
async fn gone<T>(collection: &Weak<Shared<T>>, unsaved: &Notify) {
    while collection.strong_count() > 0 {
        unsaved.notified().await;
    }
}
