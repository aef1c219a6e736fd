//! The notification centre: what alerts said, and what users did and failed. It stays readable after it has popped up, and
//! for those who were not there.

use super::history::{History, Place};
use crate::model::{AlertState, Event, EventQuery, Timestamp};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

/// The latest so many; the history has them all.
const MOST: usize = 50;

/// Among so many deeds those that failed are looked for when the server starts.
const DEEDS: usize = 500;

/// Newest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct Noticed(Arc<Mutex<VecDeque<Event>>>);

impl Noticed {
    /// With what was noticed before the server's start.
    pub async fn load(history: &History) -> Self {
        let alerts = EventQuery { kinds: vec![ALERT.to_owned()], ..EventQuery::default() };
        let deeds = EventQuery { by_users: true, ..EventQuery::default() };
        let alerts = history.page(alerts, Place::Before(None), MOST).await.events;
        let deeds = history.page(deeds, Place::Before(None), DEEDS).await.events;
        let failed = deeds.into_iter().filter(|event| event.error.is_some());
        let mut all: Vec<Event> = alerts.into_iter().chain(failed).collect();
        all.sort_by_key(|event| std::cmp::Reverse(event.time));
        all.truncate(MOST);
        Self(Arc::new(Mutex::new(all.into())))
    }

    /// Takes what belongs here; most does not.
    pub fn add(&self, event: &Event) {
        if event.kind != ALERT && event.error.is_none() {
            return;
        }
        let mut all = self.all();
        all.push_front(event.clone());
        all.truncate(MOST);
    }

    /// What a user finds there.
    pub fn of(&self, user: &str) -> Vec<Event> {
        self.all().iter().filter(|event| concerns(event, user)).cloned().collect()
    }

    /// How much of it came after a moment. That something is over asks for nobody's attention.
    pub fn unread(&self, user: &str, since: Timestamp) -> u32 {
        let is_new = |event: &&Event| {
            event.time > since && event.action != AlertState::Resolved.as_str() && concerns(event, user)
        };
        u32::try_from(self.all().iter().filter(is_new).count()).unwrap_or(u32::MAX)
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.0.lock().expect("nobody panics while holding the notices")
    }
}

const ALERT: &str = "alert";

fn concerns(event: &Event, user: &str) -> bool {
    event.actor.as_deref().is_none_or(|actor| actor == user)
}
