//! A look at everything: what the engine lists, and how it differs from what is known.

use crate::{
    model::{Container, EngineState, Entity, HostId, Key},
    server::engine::{Engine, EngineError, with_details_of},
};

/// Everything an engine lists. Containers lack what only an inspect tells.
pub(super) struct Listing {
    entities: Vec<Entity>,
}

impl Listing {
    pub(super) async fn read(engine: &Engine) -> Result<Self, EngineError> {
        let (containers, images, volumes, networks) =
            tokio::try_join!(engine.containers(), engine.images(), engine.volumes(), engine.networks())?;
        let containers = containers.into_iter().map(Entity::from);
        let images = images.into_iter().map(Entity::from);
        let volumes = volumes.into_iter().map(Entity::from);
        let networks = networks.into_iter().map(Entity::from);
        // What is used before what uses it: usage is counted once.
        Ok(Self { entities: images.chain(volumes).chain(networks).chain(containers).collect() })
    }

    /// A part of everything.
    pub(super) fn of(entities: impl Iterator<Item = Entity>) -> Self {
        Self { entities: entities.collect() }
    }

    /// Entities listed other than known (completed from what is known), and keys known that are not listed.
    pub(super) fn compare(self, host: &HostId, state: &EngineState) -> (Vec<Entity>, Vec<Key>) {
        let listed: std::collections::BTreeSet<Key> = self.entities.iter().map(Entity::key).collect();
        let is_ours = |key: &Key| key.host() == host && !matches!(key, Key::Host(_));
        let missing = state.keys().filter(|key| is_ours(key) && !listed.contains(key)).cloned().collect();
        let differing = self.entities.into_iter().filter_map(|entity| {
            let known = state.get(&entity.key());
            let entity = completed(entity, known);
            (known != Some(&entity)).then_some(entity)
        });
        (differing.collect(), missing)
    }
}

/// With what lists never say taken over from what is known.
fn completed(mut listed: Entity, known: Option<&Entity>) -> Entity {
    let Some(known) = known else { return listed };
    if let (Entity::Container(listed), Entity::Container(known)) = (&listed, known) {
        return Entity::from(with_details_of(Container::clone(listed), known));
    }
    listed.set_usage(known.usage().unwrap_or_default());
    listed
}
