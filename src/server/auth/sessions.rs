//! Sessions: a cookie holds a random token, and the history its hash. Ends of sessions reach open connections at once.

use crate::{
    model::Timestamp,
    server::{
        clock::Clock,
        history::{Collection, History, Off},
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Mutex as Turn, watch};

/// The kind of the documents.
const KIND: &str = "sessions";

/// In seconds: unused for this long, or this long after the sign-in, a session is over.
const LONGEST_IDLE: i64 = 7 * 24 * 3_600;
pub const LONGEST: i64 = 30 * 24 * 3_600;

/// In seconds. Less precise, so that each request needs no write.
const USE_IS_STORED_EVERY: i64 = 300;

/// An open connection uses its session.
const CONNECTION_USES_EVERY: Duration = Duration::from_secs(3_600);

/// Sessions of one user. A further sign-in ends the one unused for the longest time.
const MOST_OF_USER: usize = 100;

/// A session, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Public: names the session, but doesn't prove it.
    pub id: String,
    pub user: String,
    pub created: Timestamp,
    pub used: Timestamp,
    /// Of the browser that signed in, for display.
    pub device: String,
    pub address: String,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Shared>);

struct Shared {
    /// By the hash of the token.
    stored: Collection<Session>,
    /// Of sessions in use, by the hash of the token. Dropped when the session ends.
    ends: Mutex<HashMap<String, watch::Sender<()>>>,
    /// Serializes changes: a use must not store a session that has ended meanwhile.
    turn: Turn<()>,
    clock: Clock,
}

/// A valid session, held by the caller of a request.
#[derive(Clone)]
pub struct OpenSession {
    pub session: Arc<Session>,
    hash: String,
    end: watch::Receiver<()>,
    sessions: Sessions,
}

impl Sessions {
    /// Until the stored sessions are loaded, no session is valid.
    pub async fn load(history: History, clock: Clock) -> Self {
        let stored = Collection::open(history, KIND);
        if let Err(off) = stored.load().await {
            tracing::warn!(%off, "can't read stored sessions yet");
        }
        Self(Arc::new(Shared { stored, ends: Mutex::default(), turn: Turn::default(), clock }))
    }

    /// Starts a session. Returns its token: the only copy.
    pub async fn start(&self, user: &str, device: String, address: String) -> Result<String, Off> {
        self.0.stored.load().await?;
        self.make_room(user).await;
        let token = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let now = self.0.clock.now();
        let id = format!("{:016x}", rand::random::<u64>());
        let session = Session { id, user: user.to_owned(), created: now, used: now, device, address };
        self.0.stored.set(&hash_of(&token), session).await;
        Ok(token)
    }

    /// The session of a token, unless it is over.
    pub fn find(&self, token: &str) -> Option<OpenSession> {
        let hash = hash_of(token);
        self.0.stored.get(&hash)?;
        let end = self.ends().entry(hash.clone()).or_insert_with(|| watch::Sender::new(())).subscribe();
        // Read after that: a session that ends from here on has its sender.
        let Some(session) = self.0.stored.get(&hash).filter(|it| !self.is_over(it)) else {
            self.ends().remove(&hash);
            return None;
        };
        let found = OpenSession { session: session.into(), hash, end, sessions: self.clone() };
        found.use_now();
        Some(found)
    }

    /// The sessions of a user, the latest used first.
    pub fn of(&self, user: &str) -> Vec<Session> {
        let all = self.0.stored.all().into_values();
        let mut sessions: Vec<_> = all.filter(|it| it.user == user && !self.is_over(it)).collect();
        sessions.sort_by_key(|it| std::cmp::Reverse(it.used));
        sessions
    }

    /// Ends the sessions that match. Returns how many.
    pub async fn end(&self, matches: impl Fn(&Session) -> bool) -> usize {
        let _turn = self.0.turn.lock().await;
        let all = self.0.stored.all();
        let ended: Vec<_> = all.into_iter().filter(|(_, it)| matches(it)).map(|(hash, _)| hash).collect();
        for hash in &ended {
            self.0.stored.unset(hash).await;
            self.ends().remove(hash);
        }
        ended.len()
    }

    /// Ends the sessions that are over, and those for which `is_revoked` returns true.
    pub async fn sweep(&self, is_revoked: impl Fn(&Session) -> bool) {
        self.end(|it| self.is_over(it) || is_revoked(it)).await;
    }

    fn is_over(&self, session: &Session) -> bool {
        let now = self.0.clock.now().seconds();
        now - session.used.seconds() > LONGEST_IDLE || now - session.created.seconds() > LONGEST
    }

    async fn make_room(&self, user: &str) {
        let sessions = self.of(user);
        for oldest in sessions.iter().skip(MOST_OF_USER - 1) {
            self.end(|it| it.id == oldest.id).await;
        }
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenSession {
    /// Returns when the session has ended. Meanwhile it is in use.
    pub async fn ended(mut self) {
        // Fails when the sender is dropped.
        while let Err(_still_open) = tokio::time::timeout(CONNECTION_USES_EVERY, self.end.changed()).await {
            self.use_now();
        }
    }

    fn use_now(&self) {
        let Shared { stored, clock, .. } = &*self.sessions.0;
        let now = clock.now();
        let Some(session) = stored.get(&self.hash) else { return };
        if now.seconds() - session.used.seconds() < USE_IS_STORED_EVERY {
            return;
        }
        let (sessions, hash) = (self.sessions.clone(), self.hash.clone());
        tokio::spawn(async move {
            let _turn = sessions.0.turn.lock().await;
            if sessions.0.stored.get(&hash).is_some() {
                sessions.0.stored.set(&hash, Session { used: now, ..session }).await;
            }
        });
    }
}

fn hash_of(token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::history::{Limits, Settings};
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    static NOW: AtomicI64 = AtomicI64::new(0);

    async fn sessions(folder: &std::path::Path) -> (History, Sessions) {
        let settings = Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry: Settings::RETRY };
        let clock = Clock::new(|| Timestamp::from_seconds(NOW.load(Relaxed)));
        let history = History::start(settings, clock).await;
        (history.clone(), Sessions::load(history, clock).await)
    }

    #[tokio::test]
    async fn session_outlives_a_restart_and_ends_when_unused_or_old() {
        let folder = tempfile::tempdir().unwrap();
        let (history, before) = sessions(folder.path()).await;
        let token = before.start("anna", "Firefox".into(), "192.0.2.1".into()).await.unwrap();
        drop(before);
        history.close().await;
        let (_history, sessions) = sessions(folder.path()).await;
        assert_eq!(sessions.find(&token).unwrap().session.user, "anna");
        assert!(sessions.find("other").is_none());
        for _ in 0..4 {
            NOW.fetch_add(LONGEST_IDLE - 1, Relaxed);
            assert!(sessions.find(&token).is_some(), "in use");
            // The use is stored by a task.
            while sessions.of("anna")[0].used.seconds() != NOW.load(Relaxed) {
                tokio::task::yield_now().await;
            }
        }
        let open = sessions.find(&token).unwrap();
        NOW.fetch_add(LONGEST_IDLE - 1, Relaxed);
        assert!(sessions.find(&token).is_none(), "older than {LONGEST} s");
        sessions.sweep(|_| false).await;
        open.ended().await;
        assert!(sessions.of("anna").is_empty());
    }

    #[tokio::test]
    async fn further_sign_ins_end_the_sessions_unused_for_the_longest_time() {
        let folder = tempfile::tempdir().unwrap();
        let (_history, sessions) = sessions(folder.path()).await;
        let first = sessions.start("ben", String::new(), String::new()).await.unwrap();
        NOW.fetch_add(1, Relaxed);
        for _ in 0..MOST_OF_USER {
            sessions.start("ben", String::new(), String::new()).await.unwrap();
        }
        assert_eq!(sessions.of("ben").len(), MOST_OF_USER);
        assert!(sessions.find(&first).is_none());
    }
}
