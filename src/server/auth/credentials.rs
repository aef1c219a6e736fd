//! Credentials: sessions, whose token is in a cookie, and API tokens. The history stores only the token's hash. The end of a
//! credential reaches open connections at once.

use super::users::User;
use crate::{
    model::{AccessScope, Role, Timestamp},
    server::{
        clock::Clock,
        history::{Collection, History, Unavailable},
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
use tokio::sync::{Mutex as AsyncMutex, watch};

/// The kind of the documents.
const KIND: &str = "credentials";

/// In seconds: unused for this long, or this long after the sign-in, a session is over.
const LONGEST_IDLE: i64 = 7 * 24 * 3_600;
pub const LONGEST: i64 = 30 * 24 * 3_600;

/// In milliseconds: until then, the browser has the token of the session that replaces this one.
const REPLACED_ENDS_AFTER: i64 = 2_000;

/// In seconds. Less precise, so that each request needs no write.
const USE_IS_STORED_EVERY: i64 = 300;

/// An open connection uses its credential.
const CONNECTION_USES_EVERY: Duration = Duration::from_secs(3_600);

/// Sessions of one user. A further sign-in ends the one unused for the longest time.
const MOST_OF_USER: usize = 100;

/// By which an API token is recognized, also by tools that search for leaked ones.
pub const API_TOKEN_PREFIX: &str = "qlt_";

/// A credential, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Public: names the credential, but doesn't prove it.
    pub id: String,
    pub user: String,
    pub created: Timestamp,
    pub used: Timestamp,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Session {
        /// `User-Agent` of the browser that signed in, for display.
        device: String,
        address: String,
        /// Of the user at the sign-in.
        #[serde(default)]
        fingerprint: String,
        /// When a session that another one replaces ends, whatever happens to its user.
        #[serde(default)]
        ends: Option<Timestamp>,
    },
    ApiToken {
        name: String,
        role: Role,
        /// Of the user when it was created. With another one, the token is revoked.
        #[serde(default)]
        scope: Option<AccessScope>,
        expires: Option<Timestamp>,
    },
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Credentials(Arc<Shared>);

struct Shared {
    /// By the hash of the token.
    stored: Collection<Credential>,
    /// Of credentials in use, by the hash of the token. Dropped when the credential ends.
    ends: Mutex<HashMap<String, watch::Sender<()>>>,
    /// Serializes changes: a use must not store a credential that has ended meanwhile.
    changing: AsyncMutex<()>,
    clock: Clock,
}

/// A valid credential, held by the caller of a request.
#[derive(Clone)]
pub struct Presented {
    pub credential: Arc<Credential>,
    hash: String,
    end: watch::Receiver<()>,
    credentials: Credentials,
}

impl Credentials {
    /// Until the stored credentials are loaded, none is valid.
    pub async fn load(history: History, clock: Clock) -> Self {
        let stored = Collection::open(history, KIND);
        if let Err(off) = stored.load().await {
            tracing::warn!(%off, "can't read stored sessions and API tokens yet");
        }
        Self(Arc::new(Shared { stored, ends: Mutex::default(), changing: AsyncMutex::default(), clock }))
    }

    /// Whether the stored credentials are loaded: until then, a valid one isn't known.
    pub fn are_loaded(&self) -> bool {
        self.0.stored.is_loaded()
    }

    /// Starts a session. Returns its token: the only copy.
    pub async fn start(&self, user: &User, device: String, address: String) -> Result<String, Unavailable> {
        self.0.stored.load().await?;
        self.make_room(&user.name).await;
        let token = random_token();
        let session = What::Session { device, address, fingerprint: user.fingerprint(), ends: None };
        self.add(&token, &user.name, session).await;
        Ok(token)
    }

    /// Creates an API token. Returns the only copy.
    pub async fn create_api_token(
        &self,
        user: &str,
        name: String,
        (role, scope): (Role, Option<AccessScope>),
        expires: Option<Timestamp>,
    ) -> Result<String, Unavailable> {
        self.0.stored.load().await?;
        let token = format!("{API_TOKEN_PREFIX}{}", random_token());
        self.add(&token, user, What::ApiToken { name, role, scope, expires }).await;
        Ok(token)
    }

    async fn add(&self, token: &str, user: &str, what: What) {
        let now = self.0.clock.now();
        let id = format!("{:016x}", rand::random::<u64>());
        let credential = Credential { id, user: user.to_owned(), created: now, used: now, what };
        self.0.stored.insert(&hash_of(token), credential).await;
    }

    /// The credential of a token, unless it is over.
    pub fn find(&self, token: &str) -> Option<Presented> {
        let hash = hash_of(token);
        self.0.stored.get(&hash)?;
        let end = self.ends().entry(hash.clone()).or_insert_with(|| watch::Sender::new(())).subscribe();
        // Read after that: a credential that ends from here on has its sender.
        let Some(credential) = self.0.stored.get(&hash).filter(|it| !self.is_over(it)) else {
            self.ends().remove(&hash);
            return None;
        };
        let found = Presented { credential: credential.into(), hash, end, credentials: self.clone() };
        found.use_now();
        Some(found)
    }

    /// The credentials of a user, the latest used first, without replaced sessions.
    pub fn of(&self, user: &str) -> Vec<Credential> {
        let is_replaced = |it: &Credential| matches!(it.what, What::Session { ends: Some(_), .. });
        let all = self.0.stored.all().into_values();
        let mut credentials: Vec<_> =
            all.filter(|it| it.user == user && !is_replaced(it) && !self.is_over(it)).collect();
        credentials.sort_by_key(|it| std::cmp::Reverse(it.used));
        credentials
    }

    /// Starts a session on the device of another one. Returns its token.
    pub async fn renew(&self, presented: &Presented, user: &User, address: String) -> Result<String, Unavailable> {
        let device = match &presented.credential.what {
            What::Session { device, .. } => device.clone(),
            What::ApiToken { .. } => String::new(),
        };
        self.start(user, device, address).await
    }

    /// Ends a session soon, since the browser gets the token of another one.
    pub async fn replace(&self, presented: &Presented) {
        self.set_end(presented, Some(Timestamp::from_millis(self.0.clock.now().millis() + REPLACED_ENDS_AFTER))).await;
    }

    /// Undoes [`Self::replace`].
    pub async fn keep(&self, presented: &Presented) {
        self.set_end(presented, None).await;
    }

    async fn set_end(&self, presented: &Presented, end: Option<Timestamp>) {
        let _changing = self.0.changing.lock().await;
        if let Some(mut credential) = self.0.stored.get(&presented.hash)
            && let What::Session { ends, .. } = &mut credential.what
        {
            *ends = end;
            self.0.stored.insert(&presented.hash, credential).await;
        }
    }

    /// Ends the credentials that match. Returns how many.
    pub async fn end(&self, matches: impl Fn(&Credential) -> bool) -> usize {
        let _changing = self.0.changing.lock().await;
        let all = self.0.stored.all();
        let ended: Vec<_> = all.into_iter().filter(|(_, it)| matches(it)).map(|(hash, _)| hash).collect();
        for hash in &ended {
            self.0.stored.remove(hash).await;
            self.ends().remove(hash);
        }
        ended.len()
    }

    /// Ends the credentials that are over, and those for which `is_revoked` returns true.
    pub async fn sweep(&self, is_revoked: impl Fn(&Credential) -> bool) {
        self.end(|it| self.is_over(it) || is_revoked(it)).await;
    }

    fn is_over(&self, credential: &Credential) -> bool {
        let now = self.0.clock.now();
        match &credential.what {
            What::Session { ends, .. } => {
                let (unused, age) =
                    (now.seconds() - credential.used.seconds(), now.seconds() - credential.created.seconds());
                unused > LONGEST_IDLE || age > LONGEST || ends.is_some_and(|ends| ends <= now)
            }
            What::ApiToken { expires, .. } => expires.is_some_and(|expires| expires <= now),
        }
    }

    async fn make_room(&self, user: &str) {
        let sessions = self.of(user).into_iter().filter(|it| matches!(it.what, What::Session { .. }));
        for oldest in sessions.skip(MOST_OF_USER - 1) {
            self.end(|it| it.id == oldest.id).await;
        }
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presented {
    /// Returns when the credential has ended. Meanwhile it is in use.
    pub async fn ended(mut self) {
        // Fails when the sender is dropped.
        while let Err(_still_open) = tokio::time::timeout(CONNECTION_USES_EVERY, self.end.changed()).await {
            self.use_now();
        }
    }

    fn use_now(&self) {
        let Shared { stored, clock, .. } = &*self.credentials.0;
        let now = clock.now();
        let Some(credential) = stored.get(&self.hash) else { return };
        if now.seconds() - credential.used.seconds() < USE_IS_STORED_EVERY {
            return;
        }
        let (credentials, hash) = (self.credentials.clone(), self.hash.clone());
        tokio::spawn(async move {
            let _changing = credentials.0.changing.lock().await;
            if let Some(credential) = credentials.0.stored.get(&hash) {
                credentials.0.stored.insert(&hash, Credential { used: now, ..credential }).await;
            }
        });
    }
}

/// With 256 random bits.
fn random_token() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn hash_of(token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::history::{Limits, Settings};
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    fn user(name: &str) -> User {
        User::with_password(name.into(), Role::Viewer, None, String::new(), Timestamp::from_seconds(0))
    }

    static NOW: AtomicI64 = AtomicI64::new(0);

    async fn credentials(folder: &std::path::Path) -> (History, Credentials) {
        let settings = Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry: Settings::RETRY };
        let clock = Clock::new(|| Timestamp::from_seconds(NOW.load(Relaxed)));
        let history = History::start(settings, clock).await;
        (history.clone(), Credentials::load(history, clock).await)
    }

    #[tokio::test]
    async fn session_outlives_a_restart_and_ends_when_unused_or_old() {
        let folder = tempfile::tempdir().unwrap();
        let (history, before) = credentials(folder.path()).await;
        let token = before.start(&user("anna"), "Firefox".into(), "192.0.2.1".into()).await.unwrap();
        drop(before);
        history.close().await;
        let (_history, credentials) = credentials(folder.path()).await;
        assert_eq!(credentials.find(&token).unwrap().credential.user, "anna");
        assert!(credentials.find("other").is_none());
        for _ in 0..4 {
            NOW.fetch_add(LONGEST_IDLE - 1, Relaxed);
            assert!(credentials.find(&token).is_some(), "in use");
            // The use is stored by a task.
            while credentials.of("anna")[0].used.seconds() != NOW.load(Relaxed) {
                tokio::task::yield_now().await;
            }
        }
        let open = credentials.find(&token).unwrap();
        NOW.fetch_add(LONGEST_IDLE - 1, Relaxed);
        assert!(credentials.find(&token).is_none(), "older than {LONGEST} s");
        credentials.sweep(|_| false).await;
        open.ended().await;
        assert!(credentials.of("anna").is_empty());
    }

    #[tokio::test]
    async fn further_sign_ins_end_the_sessions_unused_for_the_longest_time() {
        let folder = tempfile::tempdir().unwrap();
        let (_history, credentials) = credentials(folder.path()).await;
        let first = credentials.start(&user("ben"), String::new(), String::new()).await.unwrap();
        NOW.fetch_add(1, Relaxed);
        for _ in 0..MOST_OF_USER {
            credentials.start(&user("ben"), String::new(), String::new()).await.unwrap();
        }
        assert_eq!(credentials.of("ben").len(), MOST_OF_USER);
        assert!(credentials.find(&first).is_none());
    }

    #[tokio::test]
    async fn api_token_expires_at_its_time_and_is_no_session() {
        let folder = tempfile::tempdir().unwrap();
        let (_history, credentials) = credentials(folder.path()).await;
        let now = NOW.load(Relaxed);
        let create = async |name: &str, expires| {
            credentials.create_api_token("cleo", name.into(), (Role::Viewer, None), expires).await.unwrap()
        };
        let brief = create("brief", Some(Timestamp::from_seconds(now + 10))).await;
        let lasting = create("lasting", None).await;
        assert!(lasting.starts_with(API_TOKEN_PREFIX) && credentials.find(&brief).is_some());
        for _ in 0..MOST_OF_USER {
            credentials.start(&user("cleo"), String::new(), String::new()).await.unwrap();
        }
        NOW.fetch_add(LONGEST + 1, Relaxed);
        assert!(credentials.find(&brief).is_none());
        assert_eq!(credentials.find(&lasting).unwrap().credential.user, "cleo", "sessions make no room");
    }
}
