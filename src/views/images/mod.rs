//! `/images`: the images of the engine, their sizes and their users.

mod row;

use super::{
    format,
    lazy::lazy_code,
    page_entry::{Code, Count, PageEntry, SidebarLink, on_server},
    resource_list::{
        ListColumn, ListPage, UsageFilter, by_usage, first_entities, list_page,
        row_menu::{Dialog, Head, ItemAction, MenuItem},
    },
};
use crate::model::{Entity, Kind};
use leptos::prelude::*;
use std::cmp::Ordering;

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Images",
    link: SidebarLink::top("images", Count::Entities(Kind::Image)),
    code: Code::Lazy(CODE),
    initial_state: on_server(|visit| first_entities(&LIST, visit)),
};

lazy_code!(CODE in lists: ImagesPage());

pub(super) static LIST: ListPage = ListPage {
    kind: Kind::Image,
    path: "/images",
    title: "Images",
    what: "images",
    nothing_yet: "No images yet",
    hint: "Pull one here or with the CLI. It appears here instantly.",
    command: "docker pull nginx",
    filters: &[UsageFilter::All, UsageFilter::InUse, UsageFilter::Unused, UsageFilter::Dangling],
    columns: &[
        ListColumn { class: "name", word: "Name", sort: "" },
        ListColumn { class: "use", word: "Used by", sort: "use" },
        ListColumn { class: "id", word: "ID", sort: "id" },
        ListColumn { class: "size number", word: "Size", sort: "size" },
        ListColumn { class: "made number", word: "Created", sort: "created" },
    ],
    total,
    texts: |it| it.as_image().map(|it| format!("{} {}", it.tags.join(" "), it.id)).unwrap_or_default(),
    compare,
    row: row::row,
    views: || ().into_any(),
    heads: &[
        Head { icon: "pull", words: "Pull", asks: Dialog::Pull },
        Head { icon: "build", words: "Build", asks: Dialog::Build },
        Head { icon: "import", words: "Import", asks: Dialog::Import },
        Head { icon: "prune", words: "Prune", asks: Dialog::Prune(&[Kind::Image]) },
        Head { icon: "registry", words: "Registries", asks: Dialog::Registries },
    ],
    menu_items,
};

fn menu_items(entity: &Entity) -> Vec<MenuItem> {
    let Some(image) = entity.as_image() else { return Vec::new() };
    let name = entity.name();
    let ask = |icon, words: String, asks| MenuItem { icon, words, action: ItemAction::Ask(asks) };
    // Exported by name, because the names go into the file.
    let names = if image.tags.is_empty() { vec![image.id.to_string()] } else { image.tags.clone() };
    let names: Vec<_> = names.iter().map(|name| format!("name={name}")).collect();
    let address = format!("/api/images/export?{}", names.join("&"));
    let push = (!image.tags.is_empty()).then(|| ask("push", crate::t!("Push {}", name), Dialog::Push(entity.key())));
    let first = ask("tag", crate::t!("Manage tags of {}", name), Dialog::Names(entity.key()));
    let rest = [
        MenuItem { icon: "export", words: crate::t!("Export {}", name), action: ItemAction::Download(address) },
        ask("remove", crate::t!("Remove {}", name), Dialog::Remove(entity.key())),
    ];
    std::iter::once(first).chain(push).chain(rest).collect()
}

#[component]
pub fn ImagesPage() -> impl IntoView {
    list_page(&LIST)
}

fn total(all: &[Entity]) -> String {
    let (size, unit) = format::bytes(all.iter().filter_map(Entity::as_image).map(|it| it.size).sum());
    format!("{} · {size} {unit}", all.len())
}

fn compare(a: &Entity, b: &Entity, column: &str) -> Ordering {
    let (Some(a), Some(b)) = (a.as_image(), b.as_image()) else { return Ordering::Equal };
    let by_column = match column {
        "use" => by_usage(a.usage, b.usage),
        "id" => a.id.cmp(&b.id),
        "size" => a.size.cmp(&b.size),
        "created" => a.created.cmp(&b.created),
        _ => Ordering::Equal,
    };
    // Among equal ones, images without a name come last.
    by_column.then_with(|| (a.is_dangling(), a.name(), &a.id).cmp(&(b.is_dangling(), b.name(), &b.id)))
}
