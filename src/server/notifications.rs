//! Notification center: alerts, lost notifications, and failed actions of users. Entries stay readable after their popup has
//! closed, and for users who were not connected.

use super::{
    auth::{ALERT, Caller},
    history::{Cursor, History, Unavailable},
};
use crate::model::{AlertState, Event, EventQuery, Timestamp};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::time::sleep;

/// Number of entries kept; the history has them all.
const MOST: usize = 50;

/// Number of user actions searched for failed ones when the server starts.
const MAX_USER_ACTIONS: usize = 500;

/// Time between two attempts to read the history.
const RETRY: Duration = Duration::from_secs(1);

/// Newest first. Cheap to clone.
#[derive(Clone, Default)]
pub struct Notifications(Arc<Mutex<VecDeque<Event>>>);

impl Notifications {
    /// Loads the entries from before the server's start. Returns after the first attempt; later ones run in the background.
    pub async fn load(history: &History) -> Self {
        let notifications = Self::default();
        if let Err(off) = notifications.read(history).await {
            tracing::warn!(%off, "cannot read earlier notifications yet");
            let (weak, history) = (Arc::downgrade(&notifications.0), history.clone());
            tokio::spawn(async move {
                loop {
                    sleep(RETRY).await;
                    let Some(notifications) = weak.upgrade().map(Self) else { return };
                    if notifications.read(&history).await.is_ok() {
                        return;
                    }
                }
            });
        }
        notifications
    }

    async fn read(&self, history: &History) -> Result<(), Unavailable> {
        if !history.has_folder() {
            return Ok(());
        }
        let kinds = [ALERT, NOTIFICATION].map(str::to_owned).to_vec();
        let alerts = EventQuery { kinds, ..EventQuery::default() };
        let deeds = EventQuery { by_users: true, ..EventQuery::default() };
        let alerts = history.find(alerts, Cursor::Before(None), MOST).await?;
        let deeds = history.find(deeds, Cursor::Before(None), MAX_USER_ACTIONS).await?;
        let failed = deeds.into_iter().filter(|event| event.error.is_some());
        let mut all = self.all();
        // Entries since the start are present already, without the number that the history assigned.
        let is_new = |event: &Event| !all.iter().any(|known| Event { seq: known.seq, ..event.clone() } == *known);
        let earlier: Vec<Event> = alerts.into_iter().chain(failed).filter(is_new).collect();
        all.extend(earlier);
        all.make_contiguous().sort_by_key(|event| std::cmp::Reverse(event.time));
        all.truncate(MOST);
        Ok(())
    }

    /// Adds an event if it is an alert or an error; most are neither.
    pub fn add(&self, event: &Event) {
        if event.kind != ALERT && event.error.is_none() {
            return;
        }
        let mut all = self.all();
        all.push_front(event.clone());
        all.truncate(MOST);
    }

    /// The entries for a user, as the user may see them.
    pub fn of(&self, caller: &Caller) -> Vec<Event> {
        self.all().iter().filter(|event| concerns(event, caller)).filter_map(|event| caller.see(event)).collect()
    }

    /// The number of entries after `since`. A resolved alert needs no attention, so it does not count.
    pub fn unread(&self, caller: &Caller, since: Timestamp) -> u32 {
        let is_new = |event: &&Event| {
            event.time > since && event.action != AlertState::Resolved.as_str() && concerns(event, caller)
        };
        u32::try_from(self.all().iter().filter(is_new).count()).unwrap_or(u32::MAX)
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.0.lock().expect("the lock isn't poisoned")
    }
}

/// The event kind of a lost notification.
pub const NOTIFICATION: &str = "notification";

fn concerns(event: &Event, caller: &Caller) -> bool {
    event.actor.as_deref().is_none_or(|actor| actor == caller.name()) && caller.may_see(event)
}
