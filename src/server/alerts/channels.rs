//! Stored notification channels, with their settings encrypted, since even a URL may be as good as a password.

use super::{NamedChannel, notify::Channel};
use crate::{
    model::{ChannelInfo, ChannelKind},
    server::{
        history::{Collection, History, Unavailable},
        vault::{Sealed, Vault, VaultError},
    },
};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

/// The kind of the documents, and the context they are sealed with.
const KIND: &str = "alert_channel";

pub(super) struct Channels {
    vault: Vault,
    stored: Collection<Stored>,
    /// Set once no settings are stored in plain text any more.
    are_sealed: OnceCell<()>,
}

/// What lists show is in plain text: a channel is listed even while its settings can't be decrypted.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Sealed {
        id: String,
        name: String,
        kind: ChannelKind,
        place: String,
        sealed: Sealed<Channel>,
    },
    /// The format of earlier releases.
    Clear(NamedChannel),
}

/// Why a channel was not stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    History(#[from] Unavailable),
}

impl Channels {
    pub(super) fn open(history: History, vault: Vault) -> Self {
        Self { vault, stored: Collection::open(history, KIND), are_sealed: OnceCell::new() }
    }

    /// Returns when they are loaded, or why the latest attempt failed. Seals settings stored in plain text first.
    pub(super) async fn load(&self) -> Result<(), Unavailable> {
        self.stored.load().await?;
        let sealed = self.are_sealed.get_or_try_init(|| self.seal_all()).await;
        if let Err(error) = sealed {
            tracing::warn!(%error, "can't encrypt the channels' secrets: they stay stored in plain text");
        }
        Ok(())
    }

    async fn seal_all(&self) -> Result<(), VaultError> {
        for (id, stored) in self.stored.all() {
            if let Stored::Clear(channel) = stored {
                self.stored.insert(&id, self.sealed(&channel)?).await;
            }
        }
        Ok(())
    }

    pub(super) fn are_loaded(&self) -> bool {
        self.stored.is_loaded()
    }

    /// `None` if there is no such channel, an error if it can't be decrypted.
    pub(super) fn get(&self, id: &str) -> Option<Result<NamedChannel, VaultError>> {
        self.stored.get(id).map(|stored| self.opened(stored))
    }

    /// The channels that can be decrypted, by id.
    pub(super) fn all(&self) -> Vec<NamedChannel> {
        self.stored.all().into_values().filter_map(|stored| self.opened(stored).ok()).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.stored.all().len()
    }

    pub(super) fn name_of(&self, id: &str) -> Option<String> {
        self.stored.get(id).map(|it| it.name().to_owned())
    }

    /// Whether a channel other than `id` has this name.
    pub(super) fn has_namesake(&self, name: &str, id: &str) -> bool {
        self.stored.all().iter().any(|(its_id, it)| its_id != id && it.name() == name)
    }

    pub(super) async fn put(&self, channel: &NamedChannel) -> Result<(), PutError> {
        let sealed = self.sealed(channel)?;
        Ok(self.stored.save(&channel.id, sealed).await?)
    }

    pub(super) async fn remove(&self, id: &str) -> Result<(), Unavailable> {
        self.stored.delete(id).await
    }

    /// Sorted by name. Settings, with their secrets masked, are included only if the user may see them and they can be
    /// decrypted.
    pub(super) fn list(&self, with_settings: bool) -> Vec<ChannelInfo> {
        let info = |stored: Stored| {
            let settings = self.opened(stored.clone()).ok().filter(|_| with_settings).map(|it| it.settings.form());
            let (id, name, kind, place) = match stored {
                Stored::Sealed { id, name, kind, place, .. } => (id, name, kind, place),
                Stored::Clear(it) => (it.id, it.name, it.settings.kind(), it.settings.place()),
            };
            ChannelInfo { id, name, place, kind, settings }
        };
        let mut list: Vec<ChannelInfo> = self.stored.all().into_values().map(info).collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list
    }

    fn sealed(&self, channel: &NamedChannel) -> Result<Stored, VaultError> {
        let NamedChannel { id, name, settings } = channel;
        let sealed = self.vault.seal(KIND, settings)?;
        let (id, name, place) = (id.clone(), name.clone(), settings.place());
        Ok(Stored::Sealed { id, name, kind: settings.kind(), place, sealed })
    }

    fn opened(&self, stored: Stored) -> Result<NamedChannel, VaultError> {
        match stored {
            Stored::Clear(channel) => Ok(channel),
            Stored::Sealed { id, name, sealed, .. } => {
                let settings = self.vault.open_sealed(KIND, &sealed)?;
                Ok(NamedChannel { id, name, settings })
            }
        }
    }
}

impl Stored {
    fn name(&self) -> &str {
        match self {
            Self::Sealed { name, .. } => name,
            Self::Clear(channel) => &channel.name,
        }
    }
}
