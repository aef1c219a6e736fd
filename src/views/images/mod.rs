//! `/images`: what the engine can start, how large it is, and who uses it.

mod row;

use super::{
    format,
    listing::{ListColumn, ListPage, UsageFilter, by_usage, list_page},
};
use crate::model::{Entity, Kind};
use leptos::prelude::*;
use std::cmp::Ordering;

pub(super) static PAGE: ListPage = ListPage {
    kind: Kind::Image,
    path: "/images",
    title: "Images",
    what: "images",
    nothing_yet: "No images yet",
    hint: "Pull one in a terminal and it appears here at once.",
    command: "docker pull nginx",
    filters: &[UsageFilter::All, UsageFilter::InUse, UsageFilter::Unused, UsageFilter::Dangling],
    columns: &[
        ListColumn { class: "name", word: "Name", sort: "" },
        ListColumn { class: "use", word: "Used by", sort: "use" },
        ListColumn { class: "id", word: "Id", sort: "id" },
        ListColumn { class: "size number", word: "Size", sort: "size" },
        ListColumn { class: "made number", word: "Created", sort: "created" },
    ],
    total,
    texts: |it| it.as_image().map(|it| format!("{} {}", it.tags.join(" "), it.id)).unwrap_or_default(),
    compare,
    row: row::row,
};

#[component]
pub fn ImagesPage() -> impl IntoView {
    list_page(&PAGE)
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
    // Those without a name last.
    by_column.then_with(|| (a.is_dangling(), a.name(), &a.id).cmp(&(b.is_dangling(), b.name(), &b.id)))
}
