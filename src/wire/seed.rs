//! The seed in the server's HTML, which makes the browser's first render equal to the server's.

use super::{
    PackedTask,
    text::{from_text, to_text},
};
use crate::model::{ContainerState, EngineState, Entity, Kind, Preferences, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    pub epoch: u64,
    pub revision: u64,
    /// The server's clock: the `now` of every relative time in the first render.
    pub server_time: Timestamp,
    pub server_version: String,
    pub entities: Vec<Entity>,
    /// Totals of the complete state, if `entities` are only an excerpt of it for the first view.
    pub totals: Option<Totals>,
    /// The number of firing alerts.
    pub firing: u32,
    /// The user's preferences, and the number of unread entries in the notification center.
    pub preferences: Preferences,
    pub unread: u32,
    pub tasks: Vec<PackedTask>,
}

/// Totals that can't be derived from an excerpt of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Indexed by [`Kind`].
    pub entities: [u32; Kind::ALL.len()],
    /// Containers, indexed by [`ContainerState`].
    pub states: [u32; ContainerState::ALL.len()],
    /// Containers that exited with a failure code.
    pub failed: u32,
}

impl Totals {
    pub fn of(state: &EngineState) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            entities: Kind::ALL.map(|kind| count(state.count(kind))),
            states: ContainerState::ALL.map(|it| count(state.in_state(it))),
            failed: count(state.failed()),
        }
    }
}

impl Seed {
    /// The id of the HTML element that contains it.
    pub const ELEMENT: &'static str = "seed";

    /// Serializes to text that is safe in a script element.
    pub fn to_text(&self) -> String {
        to_text(&postcard::to_allocvec(self).expect("seeds contain no maps of unknown length"))
    }

    /// Returns `None` if the text is not a seed of this version.
    pub fn from_text(text: &str) -> Option<Self> {
        postcard::from_bytes(&from_text(text)?).ok()
    }
}

/// Data for a page that is not in the state. The server loads it before it renders the page, and the page's first
/// render takes it, on both sides. Only that page needs to understand its format.
#[derive(Debug, Clone, Default)]
pub struct PageSeed(Arc<Mutex<Option<String>>>);

impl PageSeed {
    pub const ELEMENT: &'static str = "page-seed";

    pub fn of(content: &impl Serialize) -> Self {
        Self::from_text(Some(to_text(&postcard::to_allocvec(content).expect("seeds have a known length"))))
    }

    pub fn from_text(text: Option<String>) -> Self {
        Self(Arc::new(Mutex::new(text)))
    }

    /// The contents of [`PageSeed::ELEMENT`]. `None` after it was taken.
    pub fn text(&self) -> Option<String> {
        self.0.lock().ok()?.clone()
    }

    pub fn take<T: DeserializeOwned>(&self) -> Option<T> {
        let text = self.0.lock().ok()?.take()?;
        postcard::from_bytes(&from_text(&text)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arbitrary::entity;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn seed_round_trips_through_text_and_never_closes_its_element(
            entities in proptest::collection::vec(entity(), 0..20),
            server_version in "\\PC{0,20}|</script><!--",
        ) {
            let totals = Some(Totals::default());
            let server_time = Timestamp::from_seconds(3);
            let seed = Seed { epoch: 1 << 50, revision: 9, server_time, server_version, entities, totals, firing: 2, preferences: Preferences::default(), unread: 3, tasks: Vec::new() };
            let text = seed.to_text();
            prop_assert!(!text.contains('<') && !text.contains('\r') && !text.contains('\0'));
            prop_assert_eq!(Seed::from_text(&text), Some(seed));
        }
    }
}
