//! What registries ask for: kept sealed, or as Docker's own config has it. Given to the engine, and shown to nobody.

use super::{
    engine::{Credentials, DOCKER_HUB, registry_of},
    history::History,
    vault::Vault,
};
use crate::{
    model::{ImageName, RegistryInfo, RegistryLogin},
    wire::{ActionError, ErrorKind},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

/// The kind of their documents, and what they are sealed as.
const KIND: &str = "registry";

/// As Docker Hub is called by people.
const HUB_NAMES: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com"];

/// Cheap to clone.
#[derive(Clone)]
pub struct Registries(Arc<Shared>);

struct Shared {
    history: History,
    vault: Vault,
    /// Docker's config, if there is one.
    config: Option<PathBuf>,
    /// By registry: the name, and the password.
    kept: Mutex<BTreeMap<String, (String, String)>>,
}

impl Registries {
    pub async fn load(history: History, vault: Vault, config: Option<PathBuf>) -> Self {
        let documents = history.documents(KIND).await.unwrap_or_default();
        let kept = documents.into_iter().filter_map(|(registry, json)| {
            let sealed: String = serde_json::from_str(&json).ok()?;
            let Some(open) = vault.open_sealed(KIND, &sealed) else {
                tracing::warn!(registry, "what is kept for this registry was sealed with another key");
                return None;
            };
            Some((registry, serde_json::from_str(&open).ok()?))
        });
        let kept = Mutex::new(kept.collect());
        Self(Arc::new(Shared { history, vault, config, kept }))
    }

    /// For the registry that an image's name begins with.
    pub async fn of(&self, name: &ImageName) -> Option<Credentials> {
        let registry = registry_of(name);
        self.all().await.into_iter().find(|it| it.registry == registry)
    }

    /// By registry. What is kept here goes before what Docker's config has.
    pub async fn all(&self) -> Vec<Credentials> {
        let mut all = self.dockers().await;
        all.extend(self.kept().iter().map(|(registry, it)| (registry.clone(), it.clone())));
        let credentials = |(registry, (username, password))| Credentials { registry, username, password };
        all.into_iter().map(credentials).collect()
    }

    pub async fn list(&self) -> Vec<RegistryInfo> {
        let info = |registry: &String, username: &String, is_dockers| RegistryInfo {
            registry: registry.clone(),
            username: username.clone(),
            is_dockers,
        };
        let dockers = self.dockers().await;
        let kept = self.kept();
        let mut list: Vec<_> = kept.iter().map(|(registry, (username, _))| info(registry, username, false)).collect();
        let others = dockers.iter().filter(|(registry, _)| !kept.contains_key(*registry));
        list.extend(others.map(|(registry, (username, _))| info(registry, username, true)));
        list.sort_by(|a, b| a.registry.cmp(&b.registry));
        list
    }

    /// The engine has found that the registry takes it.
    pub async fn keep(&self, credentials: Credentials) {
        let Credentials { registry, username, password } = credentials;
        let pair = (username, password);
        let sealed = self.0.vault.seal(KIND, &serde_json::to_string(&pair).expect("texts"));
        self.kept().insert(registry.clone(), pair);
        let json = serde_json::to_string(&sealed).expect("a text");
        if let Err(off) = self.0.history.put_document(KIND, &registry, json).await {
            tracing::debug!(%off, "a sign-in lasts until the server ends");
        }
    }

    pub async fn forget(&self, registry: &str) -> Result<(), ActionError> {
        if self.kept().remove(registry).is_none() {
            return Err(ActionError::new(ErrorKind::NotFound, format!("Nothing is kept here for {registry}"))
                .hint("What Docker's own config has is changed with docker logout."));
        }
        if let Err(off) = self.0.history.delete_document(KIND, registry).await {
            tracing::debug!(%off, "nothing was stored either");
        }
        Ok(())
    }

    /// What `docker login` has left, without what it left to other programs.
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
            tracing::debug!("Docker's config can't be read");
            return BTreeMap::new();
        };
        let pair = |auth: &str| {
            let text = String::from_utf8(BASE64_STANDARD.decode(auth).ok()?).ok()?;
            let (username, password) = text.split_once(':')?;
            Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
        };
        auths.into_iter().filter_map(|(registry, Auth { auth })| Some((named(&registry), pair(&auth)?))).collect()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, (String, String)>> {
        self.0.kept.lock().expect("nobody panics while holding the sign-ins")
    }
}

/// As a user fills them in, or what is wrong with that.
pub fn credentials(sign_in: RegistryLogin) -> Result<Credentials, ActionError> {
    let RegistryLogin { registry, username, password } = sign_in;
    let registry = named(registry.trim());
    let is_sound = registry == DOCKER_HUB
        || (!registry.is_empty()
            && ImageName::new(&format!("{registry}/x")).is_ok_and(|it| registry_of(&it) == registry));
    if !is_sound {
        return Err(ActionError::new(ErrorKind::Invalid, "This is no registry")
            .hint("A registry is a host and, after a colon, its port; docker.io is Docker Hub."));
    }
    if username.is_empty() || password.is_empty() {
        return Err(ActionError::new(ErrorKind::Invalid, "A name and a password or token are needed"));
    }
    Ok(Credentials { registry, username, password })
}

/// As engines name it.
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
    fn registries_go_by_the_names_that_engines_know() {
        let named = |registry| credentials(sign_in(registry)).map(|it| it.registry).ok();
        assert_eq!(named("docker.io").as_deref(), Some(DOCKER_HUB));
        assert_eq!(named(" https://ghcr.io/ ").as_deref(), Some("ghcr.io"));
        assert_eq!(named("127.0.0.1:5000").as_deref(), Some("127.0.0.1:5000"));
        for registry in ["", "team", "../x", "a b.c", "ghcr.io/team"] {
            assert_eq!(named(registry), None, "{registry:?}");
        }
    }

    #[tokio::test]
    async fn what_is_kept_goes_before_dockers_config_and_is_not_listed_with_its_password() {
        let config = std::env::temp_dir().join(format!("quaylight-docker-{}.json", std::process::id()));
        let auth = BASE64_STANDARD.encode("bob:swordfish");
        std::fs::write(&config, format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{auth}"}}, "r.example": {{}}}}}}"#))
            .unwrap();
        let registries = Registries::load(history().await, Vault::open(None), Some(config.clone())).await;
        let image = ImageName::new("ghcr.io/team/web").unwrap();
        let password = async || registries.of(&image).await.map(|it| it.password);
        assert_eq!(password().await.as_deref(), Some("swordfish"));
        registries.keep(credentials(sign_in("ghcr.io")).unwrap()).await;
        assert_eq!(password().await.as_deref(), Some("hunter2"));
        let list = registries.list().await;
        assert_eq!(list, [RegistryInfo { registry: "ghcr.io".into(), username: "ada".into(), is_dockers: false }]);
        registries.forget("ghcr.io").await.unwrap();
        assert_eq!(password().await.as_deref(), Some("swordfish"));
        assert!(registries.forget("ghcr.io").await.is_err());
        std::fs::remove_file(config).unwrap();
    }
}
