//! Initial state of a page: of a large state, the server sends only what the page shows first.

use super::{
    container, containers,
    dashboard::{latest, needing_attention},
    detail, images, networks,
    resource_list::{self, ListPage},
    volumes,
};
use crate::{
    client::{ContainerQuery, select_containers},
    model::{EngineState, Entity, Key, Kind, Timestamp},
    wire::Totals,
};
use leptos_router::params::ParamsMap;

/// A state with at most this many entities is sent whole.
const SMALL: usize = 300;

/// Entities sent of each list: two typical screens, or a tall one.
pub const FIRST: usize = 40;

/// The part of `state` that the page at `path` shows first, and the totals if that isn't everything.
pub fn initial_state(
    state: &EngineState,
    path: &str,
    address: &ParamsMap,
    now: Timestamp,
) -> (Vec<Entity>, Option<Totals>) {
    let all = Kind::ALL.iter().map(|kind| state.count(*kind)).sum::<usize>();
    if all <= SMALL {
        return (state.keys().filter_map(|key| state.get(key)).cloned().collect(), None);
    }
    let mut keys: Vec<Key> = state.entities(Kind::Host).map(Entity::key).collect();
    match path {
        "/" => {
            keys.extend(needing_attention(state, now).into_iter().take(FIRST));
            keys.extend(latest(state));
            keys.extend(few(state, Kind::Image));
            keys.extend(few(state, Kind::Volume));
        }
        "/containers" => keys.extend(first_containers(state, &containers::query_of(address))),
        _ if path.starts_with("/containers/") => {
            let id = path.trim_start_matches("/containers/");
            keys.extend(container::find(state, id));
        }
        _ if path.starts_with("/images/") => keys.extend(with_users(state, Kind::Image, &path["/images/".len()..])),
        _ if path.starts_with("/volumes/") => keys.extend(with_users(state, Kind::Volume, &path["/volumes/".len()..])),
        _ if path.starts_with("/networks/") => {
            keys.extend(with_users(state, Kind::Network, &path["/networks/".len()..]))
        }
        "/images" => keys.extend(first(&images::PAGE, state, address)),
        "/volumes" => keys.extend(first(&volumes::PAGE, state, address)),
        "/networks" => keys.extend(first(&networks::PAGE, state, address)),
        "/realtime-test" => {
            keys.extend(first_containers(state, &ContainerQuery::default()));
            keys.extend(first(&images::PAGE, state, &ParamsMap::new()));
        }
        _ => {}
    }
    keys.sort();
    keys.dedup();
    (keys.iter().filter_map(|key| state.get(key)).cloned().collect(), Some(Totals::of(state)))
}

fn first_containers(state: &EngineState, query: &ContainerQuery) -> Vec<Key> {
    let chosen = select_containers(state.containers(), query).into_iter().take(FIRST);
    chosen.map(|it| Key::Container(it.host.clone(), it.id.clone())).collect()
}

fn first(page: &ListPage, state: &EngineState, address: &ParamsMap) -> Vec<Key> {
    let all: Vec<Entity> = state.entities(page.kind).cloned().collect();
    resource_list::select(page, &all, &resource_list::query_of(address)).into_iter().take(FIRST).collect()
}

/// A resource and the containers that use it.
fn with_users(state: &EngineState, kind: Kind, said: &str) -> Vec<Key> {
    let Some(entity) = detail::find(state, kind, said).and_then(|key| state.get(&key)) else { return Vec::new() };
    let users = state.containers().filter(|it| detail::is_used_by(entity, it)).take(FIRST);
    let users = users.map(|it| Key::Container(it.host.clone(), it.id.clone()));
    std::iter::once(entity.key()).chain(users).collect()
}

/// The entities of a kind that the page sums up, up to `SMALL` of them.
fn few(state: &EngineState, kind: Kind) -> Vec<Key> {
    state.entities(kind).take(SMALL).map(Entity::key).collect()
}
