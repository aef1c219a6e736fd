//! The second factor of a user: a code from an authenticator app (TOTP, RFC 6238), or a recovery code.
//!
//! Each code is accepted once. The key and the recovery codes are sealed: `users.json` alone reveals none of them.

use super::throttle::{TooMany, wait_after};
use crate::{
    model::{Enrollment, QrCode, Timestamp},
    server::{
        percent,
        vault::{Sealed, Vault, VaultError},
    },
};
use qrcode::{Color, EcLevel};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, sync::Mutex, time::Duration};
use totp_rs::{Algorithm, TOTP};

/// What authenticator apps support: SHA-1, six digits, a new code every 30 s.
const ALGORITHM: Algorithm = Algorithm::SHA1;
const DIGITS: usize = 6;
const STEP_SECONDS: u64 = 30;

/// In bytes, as RFC 4226 recommends.
const KEY_LENGTH: usize = 20;

/// Steps by which a device's clock may be early or late.
const SKEW: u64 = 1;

const RECOVERY_CODES: usize = 10;

/// Digits of a recovery code, in groups of four.
const RECOVERY_DIGITS: usize = 12;

/// Time within which the code of a new key must be entered.
const ENROLLMENT_ENDS_AFTER: Duration = Duration::from_secs(900);

/// In characters.
const LONGEST_HOST: usize = 253;

/// As stored with its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    secrets: Sealed<Secrets>,
    /// Of the last accepted code from an app.
    last_step: u64,
    /// Wrong codes since the last accepted one. They count from all addresses: who enters codes knows the password.
    failures: u32,
    last_failure: Timestamp,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Secrets {
    key: Key,
    recovery_codes: Vec<String>,
}

/// The key that an authenticator app shares with the server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key(Vec<u8>);

/// The result of an entered code.
#[derive(Debug, PartialEq, Eq)]
pub enum Entered {
    Accepted,
    Wrong,
    /// Not compared.
    TooMany(TooMany),
}

impl SecondFactor {
    /// Returns it with its recovery codes, if the code is the current one of the key's app.
    pub fn new(
        vault: &Vault,
        user: &str,
        key: Key,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<(Self, Vec<String>)>, VaultError> {
        let Some(last_step) = key.step_of(&digits(code), now) else { return Ok(None) };
        let recovery_codes: Vec<_> = std::iter::repeat_with(recovery_code).take(RECOVERY_CODES).collect();
        let shown = recovery_codes.iter().map(|code| grouped(code, "-")).collect();
        let secrets = vault.seal(&context(user), &Secrets { key, recovery_codes })?;
        Ok(Some((Self { secrets, last_step, failures: 0, last_failure: Timestamp::default() }, shown)))
    }

    /// Compares an entered code, and notes it.
    pub fn enter(&mut self, vault: &Vault, user: &str, code: &str, now: Timestamp) -> Result<Entered, VaultError> {
        if let Some(wait) = self.wait(now) {
            return Ok(Entered::TooMany(TooMany(wait)));
        }
        let (mut secrets, code) = (vault.open_sealed(&context(user), &self.secrets)?, digits(code));
        let current = step(now);
        // After a later step than now, the clock was wrong.
        let is_new = |step: &u64| *step > self.last_step || self.last_step > current + SKEW;
        if let Some(step) = secrets.key.step_of(&code, now).filter(is_new) {
            self.last_step = step;
        } else if let Some(at) = secrets.recovery_codes.iter().position(|it| is_equal(it, &code)) {
            secrets.recovery_codes.remove(at);
            self.secrets = vault.seal(&context(user), &secrets)?;
        } else {
            (self.failures, self.last_failure) = (self.failures.saturating_add(1), now);
            return Ok(Entered::Wrong);
        }
        self.failures = 0;
        Ok(Entered::Accepted)
    }

    /// The number of unused recovery codes.
    pub fn recovery_codes(&self, vault: &Vault, user: &str) -> Result<usize, VaultError> {
        Ok(vault.open_sealed(&context(user), &self.secrets)?.recovery_codes.len())
    }

    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let wait = wait_after(self.failures);
        // After a clock that was set back, nothing is known.
        let passed = u64::try_from(now.millis() - self.last_failure.millis()).unwrap_or(u64::MAX);
        wait.checked_sub(Duration::from_millis(passed)).filter(|it| !it.is_zero())
    }
}

impl Key {
    fn random() -> Self {
        Self(rand::random::<[u8; KEY_LENGTH]>().to_vec())
    }

    fn totp(&self) -> TOTP {
        TOTP::new_unchecked(ALGORITHM, DIGITS, 0, STEP_SECONDS, self.0.clone())
    }

    /// The step for which the code is the app's, around now.
    fn step_of(&self, code: &str, now: Timestamp) -> Option<u64> {
        let (totp, now) = (self.totp(), step(now));
        let steps = now.saturating_sub(SKEW)..=now + SKEW;
        steps.filter(|step| is_equal(&totp.generate(step * STEP_SECONDS), code)).max()
    }

    /// As an authenticator app reads it, for an account at this host.
    fn enrollment(&self, user: &str, host: &str) -> Enrollment {
        let secret = self.totp().get_secret_base32();
        let host: String = host.chars().filter(char::is_ascii).take(LONGEST_HOST).collect();
        let account = format!("{user}@{host}");
        let uri = format!("otpauth://totp/Quaylight:{}?secret={secret}&issuer=Quaylight", percent::component(&account));
        Enrollment { qr_code: qr_code(&uri), key: grouped(&secret, " ") }
    }
}

/// Keys that users are adding to their apps, by user.
#[derive(Default)]
pub struct Enrollments(Mutex<HashMap<String, (Key, Duration)>>);

impl Enrollments {
    /// Starts an enrollment with a new key, in place of an earlier one. Times are of the steady clock.
    pub fn start(&self, user: &str, host: &str, now: Duration) -> Enrollment {
        let key = Key::random();
        let enrollment = key.enrollment(user, host);
        self.0.lock().expect("the lock isn't poisoned").insert(user.to_owned(), (key, now));
        enrollment
    }

    pub fn key(&self, user: &str, now: Duration) -> Option<Key> {
        let mut keys = self.0.lock().expect("the lock isn't poisoned");
        keys.retain(|_, (_, began)| now < *began + ENROLLMENT_ENDS_AFTER);
        keys.get(user).map(|(key, _)| key.clone())
    }

    pub fn end(&self, user: &str) {
        self.0.lock().expect("the lock isn't poisoned").remove(user);
    }
}

fn context(user: &str) -> String {
    format!("second factor of {user}")
}

fn step(now: Timestamp) -> u64 {
    u64::try_from(now.seconds()).unwrap_or_default() / STEP_SECONDS
}

/// Compares hashes: how long that takes tells nothing about the code.
pub(super) fn is_equal(one: &str, other: &str) -> bool {
    let hash = |text: &str| digest(&SHA256, text.as_bytes());
    hash(one).as_ref() == hash(other).as_ref()
}

/// People enter codes with the spaces and dashes with which they are shown.
fn digits(code: &str) -> String {
    code.chars().filter(|it| !it.is_whitespace() && *it != '-').take(RECOVERY_DIGITS + 1).collect()
}

fn recovery_code() -> String {
    format!("{:0width$}", rand::random_range(0..10_u64.pow(RECOVERY_DIGITS as u32)), width = RECOVERY_DIGITS)
}

/// In groups of four characters.
fn grouped(text: &str, separator: &str) -> String {
    let characters: Vec<_> = text.chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(separator)
}

fn qr_code(text: &str) -> QrCode {
    let code = qrcode::QrCode::with_error_correction_level(text, EcLevel::M).expect("a short text fits");
    let (size, colors) = (code.width(), code.into_colors());
    let mut path = String::new();
    for (y, row) in colors.chunks(size).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(PartialEq::eq) {
            if run[0] == Color::Dark {
                path += &format!("M{x} {y}h{}v1h-{}z", run.len(), run.len());
            }
            x += run.len();
        }
    }
    QrCode { size, path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn code(key: &Key, seconds: u64) -> String {
        key.totp().generate(seconds)
    }

    fn enrolled(vault: &Vault, now: u64) -> (SecondFactor, Key, Vec<String>) {
        let key = Key::random();
        let (factor, codes) =
            SecondFactor::new(vault, "anna", key.clone(), &code(&key, now), at(now as i64)).unwrap().unwrap();
        (factor, key, codes)
    }

    /// RFC 6238, appendix B, with six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = Key(b"12345678901234567890".to_vec());
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code(&key, seconds), expected);
            assert_eq!(key.step_of(expected, at(seconds as i64)), Some(seconds / 30));
        }
    }

    #[test]
    fn code_is_accepted_once_and_only_around_its_time() {
        let vault = Vault::open(None);
        let (mut factor, key, _) = enrolled(&vault, 3_000);
        let mut enter = |text: &str, now: i64| factor.enter(&vault, "anna", text, at(now)).unwrap();
        assert_eq!(enter(&code(&key, 3_000), 3_010), Entered::Wrong, "the one of the enrollment");
        let next = code(&key, 3_030);
        assert_eq!(enter(&format!("{} {}", &next[..3], &next[3..]), 3_010), Entered::Accepted, "a clock that is early");
        assert_eq!(enter(&next, 3_031), Entered::Wrong);
        assert_eq!(enter(&code(&key, 3_060), 3_119), Entered::Accepted, "a clock that is late");
        assert_eq!(enter(&code(&key, 3_090), 3_150), Entered::Wrong, "later than that");
        assert_eq!(enter("", 3_150), Entered::Wrong);
        // The clock was wrong by a day, and is set back.
        assert_eq!(enter(&code(&key, 90_000), 90_000), Entered::Accepted);
        assert_eq!(enter(&code(&key, 3_600), 3_600), Entered::Accepted);
    }

    #[test]
    fn each_recovery_code_works_once() {
        let vault = Vault::open(None);
        let (mut factor, key, codes) = enrolled(&vault, 3_000);
        assert!(codes.len() == 10 && codes[0] != codes[1] && codes[0].len() == 14, "{codes:?}");
        for (number, recovery) in codes.iter().enumerate() {
            assert_eq!(factor.recovery_codes(&vault, "anna").unwrap(), 10 - number);
            assert_eq!(factor.enter(&vault, "anna", recovery, at(3_000)).unwrap(), Entered::Accepted);
            assert_eq!(factor.enter(&vault, "anna", recovery, at(3_000)).unwrap(), Entered::Wrong);
        }
        assert_eq!(factor.enter(&vault, "anna", &code(&key, 3_030), at(3_030)).unwrap(), Entered::Accepted);
        assert!(factor.enter(&vault, "ben", &code(&key, 3_060), at(3_060)).is_err(), "of another user");
    }

    #[test]
    fn wrong_codes_delay_the_next_one() {
        let vault = Vault::open(None);
        let (mut factor, key, _) = enrolled(&vault, 3_000);
        let mut guesses = 0;
        for now in 3_000..3_000 + 86_400 {
            match factor.enter(&vault, "anna", "x", at(now)).unwrap() {
                Entered::Wrong => guesses += 1,
                other => assert!(matches!(other, Entered::TooMany(_)), "{other:?}"),
            }
        }
        assert!((250..350).contains(&guesses), "{guesses} of a million in a day");
        let later = 3_000 + 86_400 + 300;
        assert_eq!(factor.enter(&vault, "anna", &code(&key, later), at(later as i64)).unwrap(), Entered::Accepted);
        assert_eq!(factor.enter(&vault, "anna", "x", at(later as i64)).unwrap(), Entered::Wrong, "forgiven");
    }

    /// The text of a QR code as a camera sees it, with 8 pixels for each module.
    fn read(QrCode { size, path }: &QrCode) -> String {
        let mut dark = vec![false; size * size];
        for run in path.split('M').skip(1) {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let start = y.parse::<usize>().unwrap() * size + x.parse::<usize>().unwrap();
            dark[start..][..rest.split_once('v').unwrap().0.parse().unwrap()].fill(true);
        }
        let module = |pixel: usize| (pixel / 8).checked_sub(4).filter(|it| it < size);
        let is_dark = |x, y| module(x).zip(module(y)).is_some_and(|(x, y)| dark[y * size + x]);
        let side = (size + 8) * 8;
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| if is_dark(x, y) { 0 } else { 255 });
        image.detect_grids()[0].decode().unwrap().1
    }

    #[test]
    fn enrollment_is_for_one_account_and_ends() {
        let enrollments = Enrollments::default();
        let begin = Duration::from_secs(1);
        let enrollment = enrollments.start("anna", "nas:7300/?a", begin);
        assert_eq!(enrollment.key.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
        let text = read(&enrollment.qr_code);
        let account = "otpauth://totp/Quaylight:anna%40nas%3A7300%2F%3Fa?secret=";
        assert_eq!(text, format!("{account}{}&issuer=Quaylight", enrollment.key.replace(' ', "")));
        assert!(enrollments.key("anna", begin).is_some() && enrollments.key("ben", begin).is_none());
        assert!(enrollments.key("anna", begin + ENROLLMENT_ENDS_AFTER).is_none());
    }
}
