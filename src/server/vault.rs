//! Encrypted secret store: secrets are sealed with a key in a separate file, beside the history.
//!
//! A copy of the database alone, such as a backup, reveals no secret. A copy of the whole data folder does.

use super::private_files;
use crate::wire::{ActionError, ErrorKind};
use crate::{message, model::Message};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fmt, fs, io,
    marker::PhantomData,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

const KEY_FILE: &str = "secrets.key";

const KEY_LEN: usize = 32;

type Key = [u8; KEY_LEN];

/// Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Shared>);

struct Shared {
    folder: Option<PathBuf>,
    /// `None` until the file could be read or created.
    key: Mutex<Option<Arc<LessSafeKey>>>,
}

/// A sealed secret, as stored: only the vault opens it, and only with the context it was sealed with.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed<T> {
    text: String,
    #[serde(skip)]
    opens_as: PhantomData<fn() -> T>,
}

#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub enum VaultError {
    /// The file's length in bytes.
    Damaged(usize),
    File(#[from] io::Error),
    /// The secret was encrypted with another key.
    OtherKey,
}

impl VaultError {
    pub fn message(&self) -> Message {
        let file = KEY_FILE;
        match self {
            Self::Damaged(length) => message!(
                "the key file {file} is damaged: it has {length} bytes instead of {expected}",
                file,
                length,
                expected = KEY_LEN
            ),
            Self::File(error) => message!("the key file {file} couldn't be read or created: {error}", file, error),
            Self::OtherKey => {
                message!("the secret was encrypted with a different key than the one in {file}", file)
            }
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Message {
        match self {
            Self::Damaged(_) => message!(
                "Restore secrets.key in the data directory from a backup. If you don't have one, delete the file and enter the secrets again."
            ),
            Self::File(_) => message!("Free up space in the data directory, and check that Quaylight can write to it."),
            Self::OtherKey => {
                message!("Restore the original secrets.key of this data directory, or enter the secret again.")
            }
        }
    }
}

impl VaultError {
    /// The error for an action that needed to store or use a secret.
    pub fn to_action_error(&self) -> ActionError {
        ActionError::new(ErrorKind::Unavailable, message!("Secrets are unavailable: {reason}", reason = self.message()))
            .hint(self.hint())
    }
}

impl Vault {
    /// Opens the vault with the key in the folder, and creates the key if there is none. Without a folder the key lasts as long
    /// as the server, like everything stored then. A key that can't be read now is retried when it is needed.
    pub fn open(folder: Option<&Path>) -> Self {
        let key = folder.is_none().then(|| Arc::new(aead(&rand::random())));
        let vault = Self(Arc::new(Shared { folder: folder.map(Path::to_owned), key: Mutex::new(key) }));
        if let Err(error) = vault.key() {
            tracing::warn!(%error, "cannot use stored secrets: {}", error.hint());
        }
        vault
    }

    pub fn seal<T: Serialize>(&self, what: &str, secret: &T) -> Result<Sealed<T>, VaultError> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = serde_json::to_vec(secret).expect("secrets serialize to JSON");
        let (key, aad) = (self.key()?, Aad::from(what.as_bytes()));
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).expect("secrets are short");
        Ok(Sealed { text: BASE64_STANDARD.encode([&nonce[..], &sealed].concat()), opens_as: PhantomData })
    }

    pub fn open_sealed<T: DeserializeOwned>(&self, what: &str, sealed: &Sealed<T>) -> Result<T, VaultError> {
        let key = self.key()?;
        let open = || {
            let bytes = BASE64_STANDARD.decode(&sealed.text).ok()?;
            let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let open = key.open_in_place(nonce, Aad::from(what.as_bytes()), &mut sealed).ok()?;
            serde_json::from_slice(open).ok()
        };
        open().ok_or(VaultError::OtherKey)
    }

    fn key(&self) -> Result<Arc<LessSafeKey>, VaultError> {
        let mut known = self.0.key.lock().expect("the lock isn't poisoned");
        if let (None, Some(folder)) = (&*known, &self.0.folder) {
            *known = Some(Arc::new(aead(&key_in(folder)?)));
        }
        Ok(known.clone().expect("without a folder the key is always set"))
    }
}

fn aead(key: &Key) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has the required length"))
}

/// Reads or creates the key. A key file of another length was truncated: it is never used, and never replaced, since what was
/// sealed with it would be lost for good.
fn key_in(folder: &Path) -> Result<Key, VaultError> {
    let path = folder.join(KEY_FILE);
    match fs::read(&path) {
        Ok(bytes) => {
            private_files::restrict(&path);
            bytes.try_into().map_err(|bytes: Vec<u8>| VaultError::Damaged(bytes.len()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: Key = rand::random();
            private_files::create_whole(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

impl<T> Sealed<T> {
    /// For a client that returns it later.
    pub fn into_text(self) -> String {
        self.text
    }

    pub fn from_text(text: String) -> Self {
        Self { text, opens_as: PhantomData }
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), opens_as: PhantomData }
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    fn key_of(folder: &TempDir) -> PathBuf {
        folder.path().join(KEY_FILE)
    }

    #[test]
    fn secret_opens_only_with_its_key_and_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(Some(folder.path()));
        let sealed = vault.seal("registry", &"hunter2".to_owned()).unwrap();
        let text = serde_json::to_string(&sealed).unwrap();
        assert!(!text.contains("hunter2") && sealed != vault.seal("registry", &"hunter2".to_owned()).unwrap());
        let again = Vault::open(Some(folder.path()));
        let stored: Sealed<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(again.open_sealed("registry", &stored).unwrap(), "hunter2");
        let broken: Sealed<String> = serde_json::from_str("\"AAAA\"").unwrap();
        for other in [
            again.open_sealed("channel", &stored),
            again.open_sealed("registry", &broken),
            Vault::open(None).open_sealed("registry", &stored),
        ] {
            assert!(matches!(other, Err(VaultError::OtherKey)), "{other:?}");
        }
        let mode = fs::metadata(key_of(&folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left in the folder");
    }

    /// Bug: a temporary key was used until the server stopped, and what it had sealed could never be opened again.
    #[test]
    fn damaged_key_is_neither_used_nor_replaced_until_it_is_restored() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = Vault::open(Some(folder.path())).seal("registry", &1).unwrap();
        let whole = fs::read(key_of(&folder)).unwrap();
        for half in [&whole[..0], &whole[..31], &[&whole[..], &whole[..1]].concat()] {
            fs::write(key_of(&folder), half).unwrap();
            let vault = Vault::open(Some(folder.path()));
            let error = vault.open_sealed("registry", &sealed).unwrap_err();
            assert!(error.to_string().contains(&format!("has {} bytes", half.len())), "{error}");
            assert!(matches!(vault.seal("registry", &2), Err(VaultError::Damaged(_))));
            assert_eq!(fs::read(key_of(&folder)).unwrap(), half);
            fs::write(key_of(&folder), &whole).unwrap();
            assert_eq!(vault.open_sealed("registry", &sealed).unwrap(), 1, "the restored key works without a restart");
        }
    }

    #[test]
    fn key_file_readable_by_others_becomes_private() {
        let folder = tempfile::tempdir().unwrap();
        Vault::open(Some(folder.path()));
        fs::set_permissions(key_of(&folder), fs::Permissions::from_mode(0o644)).unwrap();
        Vault::open(Some(folder.path()));
        assert_eq!(fs::metadata(key_of(&folder)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
