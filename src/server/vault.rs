//! What is kept for others and read by nobody else: sealed with a key in a file of its own, beside the history.
//!
//! Who has a copy of the database alone, from a backup say, has no secret. Who has the whole data folder has.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::{fs, io, path::Path, sync::Arc};

const KEY_FILE: &str = "secrets.key";

const KEY_LEN: usize = 32;

/// Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<LessSafeKey>);

impl Vault {
    /// With the key in the folder, made where there is none. Where there is no folder, or it can't be written to, the key
    /// lasts as long as the server: so does all that is kept then.
    pub fn open(folder: Option<&Path>) -> Self {
        let key = folder.and_then(|folder| match key_in(folder) {
            Ok(key) => Some(key),
            Err(error) => {
                tracing::warn!(%error, file = KEY_FILE, "secrets are kept until the server ends");
                None
            }
        });
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key.unwrap_or_else(rand::random::<[u8; KEY_LEN]>));
        Self(Arc::new(LessSafeKey::new(key.expect("a key of its length"))))
    }

    /// As text that can be kept anywhere. It can be opened only as what it is sealed as.
    pub fn seal(&self, what: &str, secret: &str) -> String {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = secret.as_bytes().to_vec();
        let aad = Aad::from(what.as_bytes());
        self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).expect("it is short");
        BASE64_STANDARD.encode([&nonce[..], &sealed].concat())
    }

    /// None for what was sealed with another key, or as something else.
    pub fn open_sealed(&self, what: &str, sealed: &str) -> Option<String> {
        let bytes = BASE64_STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let open = self.0.open_in_place(nonce, Aad::from(what.as_bytes()), &mut sealed).ok()?;
        String::from_utf8(open.to_vec()).ok()
    }
}

fn key_in(folder: &Path) -> io::Result<[u8; KEY_LEN]> {
    let path = folder.join(KEY_FILE);
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| io::Error::other("the key has another length")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key: [u8; KEY_LEN] = rand::random();
            write_for_owner(&path, &key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// Nobody else may read it, from its first moment on.
fn write_for_owner(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_comes_back_with_its_key_alone_and_as_what_it_was() {
        let folder = std::env::temp_dir().join(format!("quaylight-vault-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let vault = Vault::open(Some(&folder));
        let sealed = vault.seal("registry", "hunter2");
        assert!(!sealed.contains("hunter2") && sealed != vault.seal("registry", "hunter2"));
        let again = Vault::open(Some(&folder));
        assert_eq!(again.open_sealed("registry", &sealed).as_deref(), Some("hunter2"));
        assert_eq!(again.open_sealed("channel", &sealed), None);
        assert_eq!(again.open_sealed("registry", "AAAA"), None);
        assert_eq!(Vault::open(None).open_sealed("registry", &sealed), None);
        let mode = fs::metadata(folder.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(&folder).unwrap();
    }
}
