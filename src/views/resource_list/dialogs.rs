//! The list's single dialog: a form, or a confirmation before removal.

use super::{
    build::build,
    creating::{new_network, new_volume, restore},
    images,
    members::members,
    names::names,
    prune::prune,
    removing::remove,
    row_menu::{Dialog, RowMenu},
};
use crate::views::widgets::boxed;
use leptos::prelude::*;

pub fn dialogs(menu: RowMenu) -> AnyView {
    boxed(move || match menu.open_dialog.get() {
        None => ().into_any(),
        Some(Dialog::Remove(key)) => remove(menu, &key),
        Some(Dialog::Names(key)) => names(menu, &key),
        Some(Dialog::Members(key)) => members(menu, &key),
        Some(Dialog::NewVolume) => new_volume(menu),
        Some(Dialog::NewNetwork) => new_network(menu),
        Some(Dialog::Pull) => images::pull(menu),
        Some(Dialog::Push(key)) => images::push(menu, &key),
        Some(Dialog::Build) => build(menu),
        Some(Dialog::Import) => images::import(menu),
        Some(Dialog::Restore(key)) => restore(menu, &key),
        Some(Dialog::Registries) => images::all_registries(menu),
        Some(Dialog::Prune(kinds)) => prune(menu, kinds, menu.closer()),
    })
    .into_any()
}
