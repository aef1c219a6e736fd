//! Preferences of each user, cached in memory and persisted in the history.

use super::{
    clock::Clock,
    history::{Collection, History},
};
use crate::model::{Preferences, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::Mutex as AsyncMutex;

/// The kind of the documents.
const KIND: &str = "preferences";

/// Cheap to clone.
#[derive(Clone)]
pub struct AllPreferences(Arc<Shared>);

struct Shared {
    /// By user.
    stored: Collection<Preferences>,
    /// Changes made before the stored preferences could be read. They are merged as soon as those are loaded.
    early: Mutex<BTreeMap<String, Change>>,
    /// Serializes changes: each is applied to the result of the one before.
    changing: AsyncMutex<()>,
}

/// A client's change: the preferences it started from, and the result.
#[derive(Clone)]
struct Change {
    before: Preferences,
    after: Preferences,
}

impl AllPreferences {
    /// Returns after the first attempt to load the stored preferences; later ones run in the background. Without a data folder
    /// all users start with the defaults, and changes last until the server stops.
    pub async fn load(history: History, clock: Clock) -> Self {
        let stored = Collection::open(history, KIND);
        if let Err(off) = stored.load().await {
            tracing::warn!(%off, "cannot read stored preferences yet: using defaults");
        }
        let mut load = stored.watch_load();
        let shared = Arc::new(Shared { stored, early: Mutex::default(), changing: AsyncMutex::default() });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            if load.wait_for(|is_loaded| *is_loaded).await.is_ok()
                && let Some(shared) = weak.upgrade()
            {
                let _changing = shared.changing.lock().await;
                shared.merge_early(clock).await;
            }
        });
        Self(shared)
    }

    /// The server's preferences, or the browser's own if they are newer: it may have changed them while it was offline.
    pub fn of(&self, user: &str, browsers: Option<Preferences>) -> Preferences {
        let stored = self.0.stored.get(user);
        let kept = match self.0.early().get(user) {
            Some(change) => Some(change.on(stored.unwrap_or_default(), change.after.changed)),
            None => stored,
        };
        kept.into_iter().chain(browsers).max_by_key(|it| it.changed).unwrap_or_default()
    }

    /// Applies what a browser changed between `before` and `after` to the stored preferences, and returns the result. `before`
    /// is the version that the browser started from.
    pub async fn change(&self, user: &str, before: &Preferences, after: Preferences, clock: Clock) -> Preferences {
        let _changing = self.0.changing.lock().await;
        if let Err(off) = self.0.stored.load().await {
            tracing::debug!(%off, "changing preferences before the stored ones are loaded");
            return self.0.change_early(user, before, after, clock);
        }
        self.0.merge_early(clock).await;
        let kept = self.0.stored.get(user).unwrap_or_default();
        let later = Timestamp::from_micros(kept.changed.micros() + 1).max(clock.now());
        // A browser that started from something newer made that change while it was offline.
        let changed = if before.changed > kept.changed { after } else { kept.with_change(before, after) };
        let changed = Preferences { changed: later, ..changed };
        self.0.stored.insert(user, changed.clone()).await;
        changed
    }
}

impl Shared {
    fn change_early(&self, user: &str, before: &Preferences, after: Preferences, clock: Clock) -> Preferences {
        let mut early = self.early();
        let earlier = early.get(user).cloned();
        let first = earlier.as_ref().map_or(before, |it| &it.before).clone();
        let kept = earlier.map_or_else(|| before.clone(), |it| it.after);
        let later = Timestamp::from_micros(kept.changed.micros() + 1).max(clock.now());
        let after = Preferences { changed: later, ..kept.with_change(before, after) };
        early.insert(user.to_owned(), Change { before: first, after: after.clone() });
        after
    }

    /// Merges early changes into the loaded preferences: only the fields that were changed.
    async fn merge_early(&self, clock: Clock) {
        let early = std::mem::take(&mut *self.early());
        for (user, change) in early {
            let kept = self.stored.get(&user).unwrap_or_default();
            // Later than the browser's version: the browser takes the later of the two.
            let later = change.after.changed.max(kept.changed).micros() + 1;
            let merged = change.on(kept, Timestamp::from_micros(later).max(clock.now()));
            self.stored.insert(&user, merged).await;
        }
    }

    fn early(&self) -> MutexGuard<'_, BTreeMap<String, Change>> {
        self.early.lock().expect("the lock isn't poisoned")
    }
}

impl Change {
    fn on(&self, kept: Preferences, changed: Timestamp) -> Preferences {
        Preferences { changed, ..kept.with_change(&self.before, self.after.clone()) }
    }
}
