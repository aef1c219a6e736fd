//! How each user wants things shown: at hand, and in the history store.

use super::{clock::Clock, history::History};
use crate::model::{Preferences, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// The kind of their documents.
const KIND: &str = "preferences";

/// Cheap to clone.
#[derive(Clone)]
pub struct AllPreferences(Arc<Shared>);

struct Shared {
    history: History,
    /// By user.
    known: Mutex<BTreeMap<String, Preferences>>,
}

impl AllPreferences {
    /// With those that were kept. Without a store everybody begins anew, and what they choose lasts until the server ends.
    pub async fn load(history: History) -> Self {
        let kept = history.documents(KIND).await.unwrap_or_default();
        let known = kept.into_iter().filter_map(|(user, json)| match serde_json::from_str(&json) {
            Ok(preferences) => Some((user, preferences)),
            Err(error) => {
                tracing::warn!(user, %error, "passed over preferences that can't be read");
                None
            }
        });
        Self(Arc::new(Shared { known: Mutex::new(known.collect()), history }))
    }

    /// The server's, or the browser's own where those are newer: it may have changed them while no server heard it.
    pub fn of(&self, user: &str, browsers: Option<Preferences>) -> Preferences {
        let kept = self.known().get(user).cloned();
        kept.into_iter().chain(browsers).max_by_key(|it| it.changed).unwrap_or_default()
    }

    /// What a browser made of `before`, which it had from here or from its cookie. Gives what they are now.
    pub async fn change(&self, user: &str, before: &Preferences, after: Preferences, clock: Clock) -> Preferences {
        let changed = {
            let mut known = self.known();
            let kept = known.get(user).cloned().unwrap_or_default();
            let later = Timestamp::from_micros(kept.changed.micros() + 1).max(clock.now());
            // A browser that began with something newer chose it while no server heard.
            let changed = if before.changed > kept.changed { after } else { kept.with_change(before, after) };
            let changed = Preferences { changed: later, ..changed };
            known.insert(user.to_owned(), changed.clone());
            changed
        };
        let json = serde_json::to_string(&changed).expect("preferences are JSON");
        if let Err(off) = self.0.history.put_document(KIND, user, json).await {
            tracing::debug!(%off, "preferences last until the server ends");
        }
        changed
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Preferences>> {
        self.0.known.lock().expect("nobody panics while holding the preferences")
    }
}
