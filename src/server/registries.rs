//! Registry credentials: stored encrypted, or read from Docker's own config. They are passed to the engine, and never shown.

use super::{
    engine::{Credentials, DOCKER_HUB, registry_of},
    history::{Collection, History, Unavailable},
    vault::{Sealed, Vault},
};
use crate::{
    message,
    model::{ImageName, Message, RegistryInfo, RegistryLogin},
    wire::{ActionError, ErrorKind},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// The kind of the documents, and the context they are sealed with.
const KIND: &str = "registry";

/// Common names of Docker Hub.
const HUB_NAMES: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"];

/// Cheap to clone.
#[derive(Clone)]
pub struct Registries(Arc<Shared>);

struct Shared {
    vault: Vault,
    /// Path of Docker's config, if there is one.
    config: Option<PathBuf>,
    /// By registry.
    stored: Collection<Sealed<Login>>,
}

/// Username and password.
type Login = (String, String);

impl Registries {
    /// Returns after the first attempt to load the stored credentials; later ones run in the background.
    pub async fn load(history: History, vault: Vault, config: Option<PathBuf>) -> Self {
        let stored = Collection::open(history, KIND);
        if let Err(off) = stored.load().await {
            tracing::warn!(%off, "cannot read saved registry credentials yet");
        }
        Self(Arc::new(Shared { vault, config, stored }))
    }

    /// The credentials for the registry in an image's name.
    pub async fn of(&self, name: &ImageName) -> Option<Credentials> {
        let registry = registry_of(name);
        self.all().await.into_iter().find(|it| it.registry == registry)
    }

    /// All credentials, sorted by registry. Stored ones override those in Docker's config.
    pub async fn all(&self) -> Vec<Credentials> {
        let mut all = self.dockers().await;
        all.extend(self.stored());
        let credentials = |(registry, (username, password))| Credentials { registry, username, password };
        all.into_iter().map(credentials).collect()
    }

    /// Fails while the stored credentials can't be read.
    pub async fn list(&self) -> Result<Vec<RegistryInfo>, ActionError> {
        self.0.stored.load().await.map_err(|off| unread(&off))?;
        let info = |registry: &String, username: &String, is_dockers| RegistryInfo {
            registry: registry.clone(),
            username: username.clone(),
            is_dockers,
        };
        let dockers = self.dockers().await;
        let kept = self.stored();
        let mut list: Vec<_> = kept.iter().map(|(registry, (username, _))| info(registry, username, false)).collect();
        let others = dockers.iter().filter(|(registry, _)| !kept.contains_key(*registry));
        list.extend(others.map(|(registry, (username, _))| info(registry, username, true)));
        list.sort_by(|a, b| a.registry.cmp(&b.registry));
        Ok(list)
    }

    /// Stores credentials that the registry has accepted. They are effective at once, and persisted as soon as possible; those
    /// of other registries stay unchanged, even if they can't be read yet. Fails while nothing can be sealed.
    pub async fn keep(&self, credentials: Credentials) -> Result<(), ActionError> {
        let Credentials { registry, username, password } = credentials;
        let sealed = self.0.vault.seal(KIND, &(username, password)).map_err(|error| error.to_action_error())?;
        self.0.stored.insert(&registry, sealed).await;
        Ok(())
    }

    /// Deletes stored credentials. Fails if the deletion can't be persisted: they must not return with the next start.
    pub async fn forget(&self, registry: &str) -> Result<(), ActionError> {
        let stored = &self.0.stored;
        stored.load().await.map_err(|off| unread(&off))?;
        if stored.get(registry).is_none() {
            return Err(ActionError::new(
                ErrorKind::NotFound,
                message!("No saved credentials for {registry}", registry),
            )
            .hint(message!("To remove credentials from Docker's config, run docker logout.")));
        }
        if !stored.lasts() {
            stored.remove(registry).await;
            return Ok(());
        }
        stored
            .delete(registry)
            .await
            .map_err(|off| unavailable(message!("Couldn't remove the saved credentials"), &off))
    }

    /// Credentials in Docker's config, without those in credential helpers.
    async fn dockers(&self) -> BTreeMap<String, (String, String)> {
        #[derive(Deserialize)]
        struct Config {
            #[serde(default)]
            auths: BTreeMap<String, Auth>,
        }
        #[derive(Deserialize)]
        struct Auth {
            #[serde(default)]
            auth: String,
        }
        let Some(path) = self.0.config.clone() else { return BTreeMap::new() };
        let Ok(Ok(text)) = tokio::task::spawn_blocking(move || std::fs::read(path)).await else {
            return BTreeMap::new();
        };
        let Ok(Config { auths }) = serde_json::from_slice(&text) else {
            tracing::debug!("cannot parse Docker's config");
            return BTreeMap::new();
        };
        let pair = |auth: &str| {
            let text = String::from_utf8(BASE64_STANDARD.decode(auth).ok()?).ok()?;
            let (username, password) = text.split_once(':')?;
            Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
        };
        auths.into_iter().filter_map(|(registry, Auth { auth })| Some((named(&registry), pair(&auth)?))).collect()
    }

    /// Username and password by registry, for the stored credentials that can be decrypted.
    fn stored(&self) -> BTreeMap<String, (String, String)> {
        let open = |(registry, sealed): (String, Sealed<Login>)| match self.0.vault.open_sealed(KIND, &sealed) {
            Ok(login) => Some((registry, login)),
            Err(error) => {
                tracing::warn!(registry, %error, "cannot use saved registry credentials");
                None
            }
        };
        self.0.stored.all().into_iter().filter_map(open).collect()
    }
}

fn unread(off: &Unavailable) -> ActionError {
    unavailable(message!("Couldn't read the saved credentials"), off)
}

fn unavailable(what: Message, off: &Unavailable) -> ActionError {
    ActionError::new(ErrorKind::Unavailable, what)
        .hint(message!("Try again after this is resolved: {reason}.", reason = off.message()))
}

/// Validates and normalizes the credentials that a user has entered.
pub fn credentials(sign_in: RegistryLogin) -> Result<Credentials, ActionError> {
    let RegistryLogin { registry, username, password } = sign_in;
    let registry = named(registry.trim());
    let is_sound = registry == DOCKER_HUB
        || (!registry.is_empty()
            && ImageName::new(&format!("{registry}/x")).is_ok_and(|it| registry_of(&it) == registry));
    if !is_sound {
        return Err(ActionError::new(ErrorKind::Invalid, message!("Not a registry"))
            .hint(message!("Enter the registry as host or host:port. Use docker.io for Docker Hub.")));
    }
    if username.is_empty() || password.is_empty() {
        return Err(ActionError::new(ErrorKind::Invalid, message!("Enter a username and a password or token")));
    }
    Ok(Credentials { registry, username, password })
}

/// Normalizes a registry's name to that used by engines.
fn named(registry: &str) -> String {
    if registry == DOCKER_HUB {
        return registry.to_owned();
    }
    let bare = registry.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    if HUB_NAMES.contains(&bare) { DOCKER_HUB.to_owned() } else { bare.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        clock::Clock,
        history::{Limits, Settings},
    };

    async fn history() -> History {
        let limits = Limits::default();
        History::start(Settings { folder: None, limits, retry: Settings::RETRY }, Clock::SYSTEM).await
    }

    fn sign_in(registry: &str) -> RegistryLogin {
        RegistryLogin { registry: registry.into(), username: "ada".into(), password: "hunter2".into() }
    }

    #[test]
    fn registry_names_are_normalized_for_engines() {
        let named = |registry| credentials(sign_in(registry)).map(|it| it.registry).ok();
        assert_eq!(named("docker.io").as_deref(), Some(DOCKER_HUB));
        assert_eq!(named(" https://ghcr.io/ ").as_deref(), Some("ghcr.io"));
        assert_eq!(named("127.0.0.1:5000").as_deref(), Some("127.0.0.1:5000"));
        for registry in ["", "team", "../x", "a b.c", "ghcr.io/team"] {
            assert_eq!(named(registry), None, "{registry:?}");
        }
    }

    #[tokio::test]
    async fn stored_credentials_override_docker_config_and_list_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.json");
        let auth = BASE64_STANDARD.encode("bob:swordfish");
        std::fs::write(&config, format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{auth}"}}, "r.example": {{}}}}}}"#))
            .unwrap();
        let registries = Registries::load(history().await, Vault::open(None), Some(config)).await;
        let image = ImageName::new("ghcr.io/team/web").unwrap();
        let password = async || registries.of(&image).await.map(|it| it.password);
        assert_eq!(password().await.as_deref(), Some("swordfish"));
        registries.keep(credentials(sign_in("ghcr.io")).unwrap()).await.unwrap();
        assert_eq!(password().await.as_deref(), Some("hunter2"));
        let list = registries.list().await.unwrap();
        assert_eq!(list, [RegistryInfo { registry: "ghcr.io".into(), username: "ada".into(), is_dockers: false }]);
        registries.forget("ghcr.io").await.unwrap();
        assert_eq!(password().await.as_deref(), Some("swordfish"));
        assert!(registries.forget("ghcr.io").await.is_err());
    }
}
