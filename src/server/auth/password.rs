//! Passwords: which new ones are accepted, and their hashes: argon2id with OWASP's parameters, computed outside the async threads, at
//! most two at a time.

use crate::{message, model::Message};
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash::SaltString,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::{sync::Semaphore, task::spawn_blocking};
use zxcvbn::{Score, zxcvbn};

/// Each needs [`MEMORY`].
const AT_ONCE: usize = 2;

/// Of these, for addresses that have failed before: a guesser never keeps both from everyone else.
const OF_SUSPECTS: usize = 1;

/// Waiting requests, of addresses that have failed before and of all.
const MOST_SUSPECTS: usize = 16;
const MOST_WAITING: usize = 256;

/// In KiB.
const MEMORY: u32 = 19 * 1024;
const ITERATIONS: u32 = 2;
const LANES: u32 = 1;

/// In characters.
const SHORTEST: usize = 12;
pub const LONGEST: usize = 256;

/// At least 10⁸ guesses by the estimate.
const LOWEST_SCORE: Score = Score::Three;

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum Unacceptable {
    Length,
    Guessable,
}

impl Unacceptable {
    pub fn message(self) -> Message {
        match self {
            Self::Length => message!("Passwords must have {min} to {max} characters.", min = SHORTEST, max = LONGEST),
            Self::Guessable => {
                message!("This password is easy to guess. Use several words that have nothing in common.")
            }
        }
    }
}

/// Too many password checks are waiting.
#[derive(Debug)]
pub struct Busy;

/// Limits how many hashes are computed. Cheap to clone.
#[derive(Clone)]
pub struct Hasher(Arc<Shared>);

struct Shared {
    all: Semaphore,
    suspects: Semaphore,
    waiting: AtomicUsize,
    waiting_suspects: AtomicUsize,
}

impl Default for Hasher {
    fn default() -> Self {
        Self(Arc::new(Shared {
            all: Semaphore::new(AT_ONCE),
            suspects: Semaphore::new(OF_SUSPECTS),
            waiting: AtomicUsize::new(0),
            waiting_suspects: AtomicUsize::new(0),
        }))
    }
}

/// One of those waiting, until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize, most: usize) -> Result<Self, Busy> {
        let waiting = Self(count);
        if count.fetch_add(1, Relaxed) < most { Ok(waiting) } else { Err(Busy) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Hasher {
    /// Whether the password is correct. Without a stored hash, since there is no such user, it takes as long and is not.
    pub async fn verify(&self, stored: Option<String>, password: String, is_suspect: bool) -> Result<bool, Busy> {
        let Shared { all, suspects, waiting, waiting_suspects } = &*self.0;
        let _waiting = Waiting::join(waiting, MOST_WAITING)?;
        let _suspect = if is_suspect {
            let waiting = Waiting::join(waiting_suspects, MOST_SUSPECTS)?;
            Some((suspects.acquire().await.map_err(|_| Busy)?, waiting))
        } else {
            None
        };
        let _permit = all.acquire().await.map_err(|_| Busy)?;
        // Users of an OpenID provider have none.
        let stored = stored.filter(|it| !it.is_empty());
        let verified = spawn_blocking(move || match stored {
            Some(stored) => verify(&stored, &password),
            None => {
                verify(&UNKNOWN, &password);
                false
            }
        });
        Ok(verified.await.unwrap_or_default())
    }

    /// Computes the hash to store.
    pub async fn hash(&self, password: String) -> Result<String, Busy> {
        let _waiting = Waiting::join(&self.0.waiting, MOST_WAITING)?;
        let _permit = self.0.all.acquire().await.map_err(|_| Busy)?;
        spawn_blocking(move || hash(&password)).await.map_err(|_| Busy)
    }
}

/// The hash of no password.
static UNKNOWN: LazyLock<String> = LazyLock::new(|| hash(""));

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY, ITERATIONS, LANES, None).expect("the parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// In PHC string format, with a random salt. Takes about 30 ms.
pub fn hash(password: &str) -> String {
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).expect("a salt of 16 bytes is valid");
    argon2().hash_password(password.as_bytes(), &salt).expect("the parameters are valid").to_string()
}

/// Checks the length of a new password, and how easily it is guessed by common passwords, words, names, dates and the user's name.
pub fn check_new(password: &str, user: &str) -> Result<(), Unacceptable> {
    if !(SHORTEST..=LONGEST).contains(&password.chars().count()) {
        return Err(Unacceptable::Length);
    }
    if zxcvbn(password, &[user, "quaylight", "docker", "container"]).score() < LOWEST_SCORE {
        return Err(Unacceptable::Guessable);
    }
    Ok(())
}

/// A random password with 128 bits.
pub fn generated() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

fn verify(stored: &str, password: &str) -> bool {
    // With the parameters of the stored hash.
    PasswordHash::new(stored).is_ok_and(|it| argon2().verify_password(password.as_bytes(), &it).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_verifies() {
        let hasher = Hasher::default();
        let stored = hasher.hash("correct horse battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(hasher.verify(Some(stored.clone()), "correct horse battery".into(), false).await.unwrap());
        assert!(!hasher.verify(Some(stored), "correct horse".into(), false).await.unwrap());
        assert!(!hasher.verify(None, String::new(), false).await.unwrap());
        assert!(!hasher.verify(Some("damaged".into()), String::new(), false).await.unwrap());
    }

    #[test]
    fn guessable_passwords_are_refused() {
        for accepted in [
            "correct horse battery",
            "another long password",
            "vq7Lk2mZp0xs",
            "나는 매일 아침 커피를 마신다",
            &generated(),
        ] {
            assert_eq!(check_new(accepted, "anna"), Ok(()), "{accepted}");
        }
        for (length, reason) in [(11, Unacceptable::Length), (12, Unacceptable::Guessable), (257, Unacceptable::Length)]
        {
            assert_eq!(check_new(&"a".repeat(length), "anna"), Err(reason));
        }
        let guessable =
            ["password1234", "123456789012", "qwertyuiop[]", "Passw0rd!2026", "annaannaanna", "quaylightadmin"];
        for refused in guessable {
            assert_eq!(check_new(refused, "anna"), Err(Unacceptable::Guessable), "{refused}");
        }
    }

    #[tokio::test]
    async fn guesses_wait_behind_first_attempts_and_are_refused_when_too_many() {
        let hasher = Hasher::default();
        let finished = Arc::new(AtomicUsize::new(0));
        let guesses: Vec<_> = (0..100)
            .map(|_| {
                let (hasher, finished) = (hasher.clone(), finished.clone());
                tokio::spawn(async move {
                    let is_refused = hasher.verify(None, "guess".into(), true).await.is_err();
                    finished.fetch_add(usize::from(!is_refused), Relaxed);
                    is_refused
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(!hasher.verify(None, "first".into(), false).await.unwrap());
        // Of the guesses, one is computed at a time.
        assert!(finished.load(Relaxed) <= 3, "{finished:?} guesses came first");
        let mut refused = 0;
        for guess in guesses {
            refused += usize::from(guess.await.unwrap());
        }
        assert_eq!(refused, 100 - MOST_SUSPECTS);
    }
}
