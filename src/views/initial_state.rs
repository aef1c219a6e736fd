//! Initial state of a page: of a large state, the server sends only what the page shows first.

use super::{page_entry::Visit, pages::page_at};
use crate::{
    model::{EngineState, Entity, Key, Kind, Timestamp},
    wire::Totals,
};
use leptos_router::params::ParamsMap;

/// A state with at most this many entities is sent whole.
const SMALL: usize = 300;

/// The part of `state` that the page at `path` shows first, and the totals if that isn't everything.
pub fn initial_state(
    state: &EngineState,
    path: &str,
    query: &ParamsMap,
    now: Timestamp,
) -> (Vec<Entity>, Option<Totals>) {
    let all = Kind::ALL.iter().map(|kind| state.count(*kind)).sum::<usize>();
    if all <= SMALL {
        return (state.keys().filter_map(|key| state.get(key)).cloned().collect(), None);
    }
    let mut keys: Vec<Key> = state.entities(Kind::Host).map(Entity::key).collect();
    if let Some((page, id)) = page_at(path)
        && let Some(initial_state) = page.initial_state
    {
        keys.extend(initial_state(&Visit { state, id, query, now }));
    }
    keys.sort();
    keys.dedup();
    (keys.iter().filter_map(|key| state.get(key)).cloned().collect(), Some(Totals::of(state)))
}
