//! `/volumes`: the engine's volumes and the containers that use them.

mod row;

use super::resource_list::{
    ListColumn, ListPage, UsageFilter, by_usage, first_entities, list_page,
    row_menu::{Dialog, Head, ItemAction, MenuItem},
};
use super::{
    lazy::lazy_code,
    page_entry::{Code, Count, PageEntry, SidebarLink, on_server},
};
use crate::{
    client::Store,
    model::{Entity, HostId, Kind, Lack},
};
use leptos::prelude::*;
use std::cmp::Ordering;

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Volumes",
    link: SidebarLink::top("volumes", Count::Entities(Kind::Volume)),
    code: Code::Lazy(CODE),
    initial_state: on_server(|visit| first_entities(&LIST, visit)),
};

lazy_code!(CODE in lists: VolumesPage());

pub(super) static LIST: ListPage = ListPage {
    kind: Kind::Volume,
    path: "/volumes",
    title: "Volumes",
    what: "volumes",
    nothing_yet: "No volumes yet",
    hint: "Create one here or with the CLI. It appears here instantly.",
    command: "docker volume create data",
    filters: &[UsageFilter::All, UsageFilter::InUse, UsageFilter::Unused],
    columns: &[
        ListColumn { class: "name", word: "Name", sort: "" },
        ListColumn { class: "use", word: "Used by", sort: "use" },
        ListColumn { class: "driver", word: "Driver", sort: "driver" },
        ListColumn { class: "path", word: "Mountpoint", sort: "path" },
        ListColumn { class: "made number", word: "Created", sort: "created" },
    ],
    total: |all| all.len().to_string(),
    texts: |it| it.as_volume().map(|it| format!("{} {}", it.id, it.driver)).unwrap_or_default(),
    compare,
    row: row::row,
    views: || ().into_any(),
    heads: &[
        Head { icon: "add", words: "Create volume", asks: Dialog::NewVolume },
        Head { icon: "prune", words: "Prune", asks: Dialog::Prune(&[Kind::Volume]) },
    ],
    menu_items,
};

fn menu_items(entity: &Entity) -> Vec<MenuItem> {
    let (name, key) = (entity.name(), entity.key());
    let backup = ItemAction::DownloadByPost(format!("/api/volumes/{name}/backup?host={}", key.host()));
    let words = if lacks_owners(key.host()) {
        crate::t!("Back up {} without file owners", name)
    } else {
        crate::t!("Back up {}", name)
    };
    vec![
        MenuItem { icon: "export", words, action: backup },
        MenuItem {
            icon: "import",
            words: crate::t!("Restore {}", name),
            action: ItemAction::Ask(Dialog::Restore(key.clone())),
        },
        MenuItem { icon: "remove", words: crate::t!("Remove {}", name), action: ItemAction::Ask(Dialog::Remove(key)) },
    ]
}

fn lacks_owners(host: &HostId) -> bool {
    expect_context::<Store>().look(|state| state.lacks(host, Lack::FileOwners))
}

#[component]
pub fn VolumesPage() -> impl IntoView {
    list_page(&LIST)
}

fn compare(a: &Entity, b: &Entity, column: &str) -> Ordering {
    let (Some(a), Some(b)) = (a.as_volume(), b.as_volume()) else { return Ordering::Equal };
    let by_column = match column {
        "use" => by_usage(a.usage, b.usage),
        "driver" => a.driver.cmp(&b.driver),
        "path" => a.mountpoint.cmp(&b.mountpoint),
        "created" => a.created.cmp(&b.created),
        _ => Ordering::Equal,
    };
    by_column.then_with(|| a.id.cmp(&b.id))
}
