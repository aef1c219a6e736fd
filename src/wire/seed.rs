//! What the server's HTML carries so that the first render in the browser is the same.

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
    /// How many there are in all, where `entities` are only those that the page shows first.
    pub totals: Option<Totals>,
    /// How many alerts fire.
    pub firing: u32,
    /// The user's; and how much in the notification centre they have not read.
    pub preferences: Preferences,
    pub unread: u32,
    pub tasks: Vec<PackedTask>,
}

/// What a part of the state can't tell of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// By [`Kind`].
    pub entities: [u32; Kind::ALL.len()],
    /// Containers by [`ContainerState`].
    pub states: [u32; ContainerState::ALL.len()],
    /// Containers that have exited with a code of failure.
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
    /// The id of the HTML element that holds it.
    pub const ELEMENT: &'static str = "seed";

    /// Text that can stand in a script element.
    pub fn to_text(&self) -> String {
        to_text(&postcard::to_allocvec(self).expect("seeds have no maps with unknown length"))
    }

    /// None when the text is no seed of this version.
    pub fn from_text(text: &str) -> Option<Self> {
        postcard::from_bytes(&from_text(text)?).ok()
    }
}

/// What a page shows that is not in the state: read by the server before it renders the page, and taken by the page's first
/// render, on both sides, and no other. Nobody but that page needs to understand it.
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

    /// For [`PageSeed::ELEMENT`]; nothing after it has been taken.
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
        fn a_seed_comes_back_from_its_text_and_never_ends_its_element(
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
