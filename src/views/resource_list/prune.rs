//! Dialog that prunes unused resources. It first lists them and the disk space they free.

use super::row_menu::RowMenu;
use crate::{
    client::{Store, erased_memo, t, translate},
    model::{ContainerState, DiskUsage, EngineState, Entity, Job, Key, Kind, Lack, Prune},
    queries::disk::disk,
    views::{
        format,
        widgets::{boxed, check, danger_form, field, on_click},
    },
};
use leptos::{prelude::*, task::spawn_local};
use std::{collections::BTreeSet, rc::Rc};

/// Docker's predefined networks, which can't be removed.
const PREDEFINED: [&str; 3] = ["bridge", "host", "none"];

/// A resource that can be pruned.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    key: Key,
    name: String,
    /// Selected by default, because it was never given a name.
    is_leftover: bool,
    /// Size known without a request to the engine.
    bytes: Option<u64>,
}

/// Leftovers first, then the largest, then by name.
fn candidates(state: &EngineState, kind: Kind) -> Vec<Candidate> {
    let mut all: Vec<_> = state.entities(kind).filter_map(candidate).collect();
    all.sort_by(|a, b| (b.is_leftover, b.bytes).cmp(&(a.is_leftover, a.bytes)).then_with(|| a.name.cmp(&b.name)));
    all
}

fn candidate(entity: &Entity) -> Option<Candidate> {
    let unused = entity.usage().is_none_or(|usage| usage.all == 0);
    let (can_go, is_leftover, bytes) = match entity {
        Entity::Container(it) => {
            let is_over = matches!(it.state, ContainerState::Created | ContainerState::Exited | ContainerState::Dead);
            (is_over && !it.is_protected(), true, None)
        }
        Entity::Image(it) => (unused, it.is_dangling(), Some(it.size)),
        Entity::Volume(it) => (unused, it.is_anonymous(), None),
        Entity::Network(it) => (unused && !PREDEFINED.contains(&it.name.as_str()), true, None),
        Entity::Host(_) => (false, false, None),
    };
    can_go.then(|| Candidate { key: entity.key(), name: entity.name().to_owned(), is_leftover, bytes })
}

/// Bytes freed by removing this resource alone.
fn frees(key: &Key, usage: &DiskUsage) -> Option<u64> {
    match key {
        Key::Image(_, id) => usage.images.iter().find(|(it, _)| it == id).map(|(_, size)| size.own),
        Key::Container(_, id) => usage.containers.iter().find(|(it, _)| it == id).map(|(_, size)| *size),
        Key::Volume(_, name) => usage.volumes.iter().find(|(it, _)| it == name).map(|(_, size)| *size),
        Key::Network(..) => Some(0),
        Key::Host(_) => None,
    }
}

fn prune_of<'a>(keys: impl Iterator<Item = &'a Key>) -> Prune {
    let mut prune = Prune::default();
    for key in keys {
        match key.clone() {
            Key::Container(_, id) => prune.containers.push(id),
            Key::Image(_, id) => prune.images.push(id),
            Key::Volume(_, name) => prune.volumes.push(name),
            Key::Network(_, id) => prune.networks.push(id),
            Key::Host(_) => {}
        }
    }
    prune
}

/// The text that the user has to type to confirm.
fn words_of(prune: &Prune) -> String {
    translate(&prune.in_words())
}

/// All kinds that can be pruned, in the order of removal.
pub const ALL: &[Kind] = &[Kind::Container, Kind::Image, Kind::Volume, Kind::Network];

/// Prunes resources of `kinds`, and the build cache if there are several kinds.
pub fn prune(menu: RowMenu, kinds: &'static [Kind], close: Rc<dyn Fn()>) -> AnyView {
    let store = expect_context::<Store>();
    let Some(host) = store.look(|state| state.hosts().next().map(|host| host.id.clone())) else {
        return ().into_any();
    };
    // A snapshot: exactly what the user has seen is removed.
    let all: Vec<_> = store.look(|state| kinds.iter().flat_map(|kind| candidates(state, *kind)).collect());
    let lacks_cache = store.look(|state| state.lacks(&host, Lack::BuildCache));
    let has_cache = kinds.len() > 1 && !lacks_cache;
    let cache = RwSignal::new(has_cache);
    let chosen: BTreeSet<Key> = all.iter().filter(|it| it.is_leftover).map(|it| it.key.clone()).collect();
    let (chosen, usage) = (RwSignal::new(chosen), RwSignal::new(None::<Result<DiskUsage, String>>));
    let takes_room = kinds != [Kind::Network];
    if takes_room && (has_cache || !all.is_empty()) {
        let host = host.clone();
        spawn_local(async move {
            let answer = disk(host).await.map_err(|error| translate(&error.words()));
            usage.try_set(Some(answer));
        });
    }
    // A volume's data can't be restored.
    let requires_typed_name =
        erased_memo(move || chosen.with(|chosen| chosen.iter().any(|key| matches!(key, Key::Volume(..)))));
    let asked_for = move |chosen: &BTreeSet<Key>| Prune { build_cache: cache.get(), ..prune_of(chosen.iter()) };
    let words = erased_memo(move || chosen.with(|chosen| words_of(&asked_for(chosen))));
    let sum = boxed(move || {
        let known = usage.get();
        if words.with(String::is_empty) {
            return t("Nothing selected.").to_owned();
        }
        match known {
            _ if !takes_room => words.get(),
            None => crate::t!("{}: calculating reclaimable space…", words.get()),
            Some(Err(why)) => crate::t!("{}. Reclaimable space unknown: {}", words.get(), why),
            Some(Ok(usage)) => {
                let bytes: u64 = chosen.with(|chosen| chosen.iter().filter_map(|key| frees(key, &usage)).sum());
                let (size, unit) = format::bytes(bytes + if cache.get() { usage.unused_build_cache } else { 0 });
                // Layers that only these images share free more.
                if kinds.contains(&Kind::Image) {
                    crate::t!("{}, freeing at least {} {}", words.get(), size, unit)
                } else {
                    crate::t!("{}, freeing {} {}", words.get(), size, unit)
                }
            }
        }
    });
    let every: BTreeSet<Key> = all.iter().map(|it| it.key.clone()).collect();
    let (is_all, count) = (RwSignal::new(chosen.with_untracked(BTreeSet::len) == every.len()), every.len());
    let choose_all = (count > 1).then(|| {
        let set = move |is_chosen| {
            is_all.set(is_chosen);
            chosen.set(if is_chosen { every.clone() } else { BTreeSet::new() });
        };
        view! { <li>{check(crate::t!("All {}", count), is_all.get_untracked(), Box::new(set))}</li> }.into_any()
    });
    let mut items = Vec::new();
    for kind in kinds {
        let of_kind: Vec<_> = all.iter().filter(|it| it.key.kind() == *kind).cloned().collect();
        if kinds.len() > 1 && !of_kind.is_empty() {
            items.push(view! { <li class="of"><b>{t(kind_words(*kind))}</b></li> }.into_any());
        }
        items.extend(of_kind.into_iter().map(|it| item(it, chosen, usage)));
    }
    let of_the_cache = has_cache.then(|| {
        let set = Box::new(move |it| cache.set(it));
        view! { <li>{check(t("Unused build cache").to_owned(), true, set)}</li> }.into_any()
    });
    let nothing = (all.is_empty() && !has_cache).then(|| {
        let words = match kinds {
            [Kind::Container] => "Nothing to remove: every container is running or protected.",
            _ => "Nothing to remove: everything is in use.",
        };
        view! { <p>{t(words)}</p> }.into_any()
    });
    let typed = StoredValue::new(String::new());
    let confirm = boxed(move || {
        requires_typed_name.get().then(|| {
            let set = move |text| typed.set_value(text);
            let ask = boxed(move || {
                crate::t!("All data in these volumes will be permanently deleted. To confirm, type: {}", words.get())
            });
            view! { <p class="quiet">{ask}</p> {field("Confirm", "text", String::new(), "", Box::new(set))} }.into_any()
        })
    });
    let fields = view! {
        {nothing}
        <ul class="entries choices">{choose_all} {items} {of_the_cache}</ul>
        <p role="status">{sum}</p>
        {confirm}
    }
    .into_any();
    let send = move || {
        let prune = chosen.with_untracked(|chosen| {
            // Newer images first: older ones may be their parents.
            let mut keys: Vec<&Key> = all.iter().map(|it| &it.key).filter(|key| chosen.contains(key)).collect();
            store.look(|state| keys.sort_by_key(|key| std::cmp::Reverse(made(state, key))));
            Prune { build_cache: cache.get_untracked(), ..prune_of(keys.into_iter()) }
        });
        if prune.is_empty() {
            return Err(t("Select what to remove").to_owned());
        }
        let asked = words_of(&prune);
        if requires_typed_name.get_untracked() && typed.get_value().trim() != asked {
            return Err(crate::t!("Type \"{}\" to confirm", asked));
        }
        Ok(menu.start(host.clone(), Job::Prune(prune)))
    };
    let title = match kinds {
        [Kind::Container] => "Remove stopped containers",
        [Kind::Image] => "Remove unused images",
        [Kind::Volume] => "Remove unused volumes",
        [Kind::Network] => "Remove unused networks",
        _ => "Remove unused data",
    };
    danger_form(t(title).to_owned(), fields, "Remove", Box::new(send), close)
}

fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Container => "Stopped containers",
        Kind::Image => "Unused images",
        Kind::Volume => "Unused volumes",
        _ => "Unused networks",
    }
}

fn made(state: &EngineState, key: &Key) -> Option<crate::model::Timestamp> {
    state.get(key)?.as_image()?.created
}

fn item(
    candidate: Candidate,
    chosen: RwSignal<BTreeSet<Key>>,
    usage: RwSignal<Option<Result<DiskUsage, String>>>,
) -> AnyView {
    let Candidate { key, name, is_leftover, bytes } = candidate;
    let (of, of_all) = (key.clone(), key.clone());
    let size = boxed(move || {
        let known = usage.with(|usage| frees(&of, usage.as_ref()?.as_ref().ok()?));
        let (size, unit) = format::bytes(known.or(bytes)?);
        (!matches!(of, Key::Network(..))).then(|| format!("{size} {unit}"))
    });
    let set = move |is_chosen| {
        chosen.update(|chosen| {
            if is_chosen {
                chosen.insert(key.clone());
            } else {
                chosen.remove(&key);
            }
        });
    };
    // Also changes when the user selects all.
    let is_chosen = {
        let key = of_all;
        boxed(move || chosen.with(|chosen| chosen.contains(&key)))
    };
    view! {
        <li>
            <label class="check">
                <input
                    type="checkbox"
                    checked=is_leftover
                    prop:checked=is_chosen
                    on:change=on_click(move |event: web_sys::Event| set(event_target_checked(&event)))
                />
                {name}
            </label>
            <small>{size}</small>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, HostId, Image, ImageId, SharedSize, Usage};

    fn image(digit: char, tags: &[&str], size: u64) -> Image {
        Image {
            host: HostId::new("local").unwrap(),
            id: ImageId::new(&digit.to_string().repeat(12)).unwrap(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            digests: Vec::new(),
            created: None,
            size,
            platforms: Vec::new(),
            usage: Usage::default(),
        }
    }

    #[test]
    fn dangling_images_come_first_and_tagged_ones_are_not_preselected() {
        let mut state = EngineState::default();
        for image in [image('a', &["web:1"], 9), image('b', &[], 1), image('c', &[], 5)] {
            state.apply(Change::Put(Entity::Image(image.into())));
        }
        let found = candidates(&state, Kind::Image);
        let names: Vec<_> = found.iter().map(|it| (&*it.name, it.is_leftover)).collect();
        assert_eq!(names, [("cccccccccccc", true), ("bbbbbbbbbbbb", true), ("web:1", false)]);
        assert_eq!(prune_of(found.iter().map(|it| &it.key)).in_words(), "3 images");
    }

    #[test]
    fn image_frees_only_its_unshared_size() {
        let it = image('a', &[], 9);
        let key = Key::Image(it.host.clone(), it.id.clone());
        let usage = DiskUsage { images: vec![(it.id, SharedSize { own: 4, shared: 5 })], ..DiskUsage::default() };
        assert_eq!(frees(&key, &usage), Some(4));
        assert_eq!(frees(&key, &DiskUsage::default()), None);
    }
}
