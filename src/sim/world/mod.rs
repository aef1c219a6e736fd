//! State of the simulated engine: containers, images, volumes and networks with Docker's rules. Time and randomness are
//! passed in; changes queue events for the caller to take.

mod container;
mod containers;
mod creation;
mod images;
mod networks;
mod refusal;
mod volumes;

pub use container::{Container, Endpoint, Health, HealthCheck, Labels, Mount, Port, Publication, State};
pub use creation::Creation;
pub use images::{Image, Layer, Removed, familiar};
pub use networks::Network;
pub use refusal::Refusal;
pub use volumes::Volume;

use super::events::{Attributes, Event};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

pub struct World {
    /// Keyed by id. Shared, so that a long list can be serialized without holding the world's lock.
    containers: BTreeMap<String, Arc<Container>>,
    /// Ids by name.
    names: HashMap<String, String>,
    /// Keyed by id with its `sha256:` prefix.
    images: BTreeMap<String, Image>,
    volumes: BTreeMap<String, Volume>,
    /// Keyed by id.
    networks: BTreeMap<String, Network>,
    /// Pending events, not published yet.
    events: Vec<Event>,
    random: StdRng,
    next_pid: u32,
    next_subnet: u32,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            containers: BTreeMap::new(),
            names: HashMap::new(),
            images: BTreeMap::new(),
            volumes: BTreeMap::new(),
            networks: BTreeMap::new(),
            events: Vec::new(),
            random: StdRng::seed_from_u64(seed),
            next_pid: 1000,
            next_subnet: 0,
        }
    }

    /// Takes the events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// A new random id of 64 hex digits.
    pub fn new_id(&mut self) -> String {
        let digits: [u128; 2] = self.random.random();
        format!("{:032x}{:032x}", digits[0], digits[1])
    }

    pub fn tell(&mut self, kind: &'static str, action: impl Into<String>, id: &str, attributes: Attributes) {
        self.events.push(Event { kind, action: action.into(), id: id.to_owned(), attributes });
    }
}

fn attributes<const N: usize>(pairs: [(&str, &str); N]) -> Attributes {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Docker's grammar for names of containers and volumes.
fn is_name(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests;
