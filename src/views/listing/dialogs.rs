//! The one dialog of a list: a form, or a question before something is removed.

use super::{
    creating::{new_network, new_volume, restore},
    desk::{Asking, Desk},
    images,
    members::members,
    names::names,
    prune::prune,
    removing::remove,
};
use crate::views::widgets::live;
use leptos::prelude::*;

pub fn dialogs(desk: Desk) -> AnyView {
    live(move || match desk.asking.get() {
        None => ().into_any(),
        Some(Asking::Remove(key)) => remove(desk, &key),
        Some(Asking::Names(key)) => names(desk, &key),
        Some(Asking::Members(key)) => members(desk, &key),
        Some(Asking::NewVolume) => new_volume(desk),
        Some(Asking::NewNetwork) => new_network(desk),
        Some(Asking::Pull) => images::pull(desk),
        Some(Asking::Push(key)) => images::push(desk, &key),
        Some(Asking::Build) => images::build(desk),
        Some(Asking::Import) => images::import(desk),
        Some(Asking::Restore(key)) => restore(desk, &key),
        Some(Asking::Registries) => images::all_registries(desk),
        Some(Asking::Prune(kinds)) => prune(desk, kinds, desk.closer()),
    })
    .into_any()
}
