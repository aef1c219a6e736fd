//! Changes of the state: an entity is put or removed.

use super::{
    Container, ContainerId, Host, HostId, Image, ImageId, Network, NetworkId, Usage, Used, Volume, VolumeName,
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Replaces the entity of the same key, or adds it.
    Put(Entity),
    Gone(Key),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entity {
    Host(Arc<Host>),
    Container(Arc<Container>),
    Image(Arc<Image>),
    Volume(Arc<Volume>),
    Network(Arc<Network>),
}

/// The key of an entity, unique over all hosts and kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    Host(HostId),
    Container(HostId, ContainerId),
    Image(HostId, ImageId),
    Volume(HostId, VolumeName),
    Network(HostId, NetworkId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Host,
    Container,
    Image,
    Volume,
    Network,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Host, Self::Container, Self::Image, Self::Volume, Self::Network];
}

impl Change {
    pub fn key(&self) -> Key {
        match self {
            Self::Put(entity) => entity.key(),
            Self::Gone(key) => key.clone(),
        }
    }
}

impl Entity {
    /// The name shown to users.
    pub fn name(&self) -> &str {
        match self {
            Self::Host(host) => &host.name,
            Self::Container(container) => &container.name,
            Self::Image(image) => image.name(),
            Self::Volume(volume) => volume.id.as_str(),
            Self::Network(network) => &network.name,
        }
    }

    pub fn key(&self) -> Key {
        match self {
            Self::Host(host) => Key::Host(host.id.clone()),
            Self::Container(it) => Key::Container(it.host.clone(), it.id.clone()),
            Self::Image(it) => Key::Image(it.host.clone(), it.id.clone()),
            Self::Volume(it) => Key::Volume(it.host.clone(), it.id.clone()),
            Self::Network(it) => Key::Network(it.host.clone(), it.id.clone()),
        }
    }

    pub fn as_host(&self) -> Option<&Arc<Host>> {
        if let Self::Host(it) = self { Some(it) } else { None }
    }

    pub fn as_container(&self) -> Option<&Arc<Container>> {
        if let Self::Container(it) = self { Some(it) } else { None }
    }

    pub fn as_image(&self) -> Option<&Arc<Image>> {
        if let Self::Image(it) = self { Some(it) } else { None }
    }

    pub fn as_volume(&self) -> Option<&Arc<Volume>> {
        if let Self::Volume(it) = self { Some(it) } else { None }
    }

    pub fn as_network(&self) -> Option<&Arc<Network>> {
        if let Self::Network(it) = self { Some(it) } else { None }
    }

    /// The reference that containers use for it, or `None` for kinds that containers don't use.
    pub fn as_used(&self) -> Option<Used> {
        match self {
            Self::Host(_) | Self::Container(_) => None,
            Self::Image(it) => Some(Used::Image(it.host.clone(), it.id.clone())),
            Self::Volume(it) => Some(Used::Volume(it.host.clone(), it.id.clone())),
            Self::Network(it) => Some(Used::Network(it.host.clone(), it.name.clone())),
        }
    }

    /// Sets the usage of the kinds that have one. Shared data is copied only if the usage differs.
    pub fn set_usage(&mut self, usage: Usage) {
        match self {
            Self::Host(_) | Self::Container(_) => {}
            Self::Image(it) if it.usage == usage => {}
            Self::Image(it) => Arc::make_mut(it).usage = usage,
            Self::Volume(it) if it.usage == usage => {}
            Self::Volume(it) => Arc::make_mut(it).usage = usage,
            Self::Network(it) if it.usage == usage => {}
            Self::Network(it) => Arc::make_mut(it).usage = usage,
        }
    }

    /// The usage, or `None` for kinds without one.
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::Host(_) | Self::Container(_) => None,
            Self::Image(it) => Some(it.usage),
            Self::Volume(it) => Some(it.usage),
            Self::Network(it) => Some(it.usage),
        }
    }
}

impl From<Host> for Entity {
    fn from(host: Host) -> Self {
        Self::Host(Arc::new(host))
    }
}

impl From<Container> for Entity {
    fn from(container: Container) -> Self {
        Self::Container(Arc::new(container))
    }
}

impl From<Image> for Entity {
    fn from(image: Image) -> Self {
        Self::Image(Arc::new(image))
    }
}

impl From<Volume> for Entity {
    fn from(volume: Volume) -> Self {
        Self::Volume(Arc::new(volume))
    }
}

impl From<Network> for Entity {
    fn from(network: Network) -> Self {
        Self::Network(Arc::new(network))
    }
}

impl Key {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Host(_) => Kind::Host,
            Self::Container(..) => Kind::Container,
            Self::Image(..) => Kind::Image,
            Self::Volume(..) => Kind::Volume,
            Self::Network(..) => Kind::Network,
        }
    }

    pub fn host(&self) -> &HostId {
        match self {
            Self::Host(host)
            | Self::Container(host, _)
            | Self::Image(host, _)
            | Self::Volume(host, _)
            | Self::Network(host, _) => host,
        }
    }

    /// The entity's own id, as text.
    pub fn id(&self) -> &str {
        match self {
            Self::Host(id) => id.as_str(),
            Self::Container(_, id) => id.as_str(),
            Self::Image(_, id) => id.as_str(),
            Self::Volume(_, id) => id.as_str(),
            Self::Network(_, id) => id.as_str(),
        }
    }
}

/// The protocol's JSON form, `{op, kind, value}` or `{op, kind, host, id}`. The binary encoding has a separate form.
impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Put(entity) => {
                let mut put = serializer.serialize_struct("Put", 3)?;
                put.serialize_field("op", "put")?;
                put.serialize_field("kind", &entity.key().kind())?;
                match entity {
                    Entity::Host(value) => put.serialize_field("value", value)?,
                    Entity::Container(value) => put.serialize_field("value", value)?,
                    Entity::Image(value) => put.serialize_field("value", value)?,
                    Entity::Volume(value) => put.serialize_field("value", value)?,
                    Entity::Network(value) => put.serialize_field("value", value)?,
                }
                put.end()
            }
            Self::Gone(key) => {
                let mut gone = serializer.serialize_struct("Gone", 4)?;
                gone.serialize_field("op", "gone")?;
                gone.serialize_field("kind", &key.kind())?;
                gone.serialize_field("host", key.host())?;
                gone.serialize_field("id", key.id())?;
                gone.end()
            }
        }
    }
}
