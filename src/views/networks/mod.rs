//! `/networks`: the engine's networks and the containers on them.

mod picture;
mod row;

use super::{
    lazy::lazy_code,
    page_entry::{Code, Count, PageEntry, SidebarLink, on_server},
    resource_list::{
        ListColumn, ListPage, UsageFilter, by_usage, first_entities, go_to, list_page,
        row_menu::{Dialog, Head, ItemAction, MenuItem},
    },
    widgets::{boxed, toggle},
};
use crate::{
    client::{erased_memo, t},
    model::{Entity, Kind},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use picture::picture;
use row::subnets;
use std::cmp::Ordering;

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Networks",
    link: SidebarLink::top("networks", Count::Entities(Kind::Network)),
    code: Code::Lazy(CODE),
    initial_state: on_server(|visit| first_entities(&LIST, visit)),
};

lazy_code!(CODE in lists: NetworksPage());

pub(super) static LIST: ListPage = ListPage {
    kind: Kind::Network,
    path: "/networks",
    title: "Networks",
    what: "networks",
    nothing_yet: "No networks yet",
    hint: "Create one here or with the CLI. It appears here instantly.",
    command: "docker network create backend",
    filters: &[UsageFilter::All, UsageFilter::InUse, UsageFilter::Unused],
    columns: &[
        ListColumn { class: "name", word: "Name", sort: "" },
        ListColumn { class: "use", word: "Used by", sort: "use" },
        ListColumn { class: "driver", word: "Driver", sort: "driver" },
        ListColumn { class: "scope", word: "Scope", sort: "scope" },
        ListColumn { class: "subnet", word: "Subnet", sort: "subnet" },
        ListColumn { class: "made number", word: "Created", sort: "created" },
    ],
    total: |all| all.len().to_string(),
    texts: |it| {
        it.as_network().map(|it| format!("{} {} {} {}", it.name, it.id, it.driver, subnets(it))).unwrap_or_default()
    },
    compare,
    row: row::row,
    views: || views(false),
    heads: &[
        Head { icon: "add", words: "Create network", asks: Dialog::NewNetwork },
        Head { icon: "prune", words: "Prune", asks: Dialog::Prune(&[Kind::Network]) },
    ],
    menu_items,
};

fn menu_items(entity: &Entity) -> Vec<MenuItem> {
    let Some(network) = entity.as_network() else { return Vec::new() };
    let (name, key) = (&network.name, entity.key());
    let members = MenuItem {
        icon: "networks",
        words: crate::t!("Manage connections of {}", name),
        action: ItemAction::Ask(Dialog::Members(key.clone())),
    };
    let remove =
        MenuItem { icon: "remove", words: crate::t!("Remove {}", name), action: ItemAction::Ask(Dialog::Remove(key)) };
    if network.is_built_in() { vec![members] } else { vec![members, remove] }
}

#[component]
pub fn NetworksPage() -> impl IntoView {
    let address = use_query_map();
    let is_picture = erased_memo(move || address.with(|address| address.get_str("view") == Some("picture")));
    boxed(move || if is_picture.get() { picture() } else { list_page(&LIST) })
}

/// Switch between table and picture.
fn views(is_picture: bool) -> AnyView {
    let view = |icon, word, is_this: bool, address: &'static [(&'static str, &'static str)]| {
        let go = go_to("/networks");
        toggle("", icon, t(word), boxed(move || (is_picture == is_this).to_string()), Box::new(move |_| go(address)))
    };
    view! {
        <div class="segmented" role="group" aria-label=t("View")>
            {view("table", "Table", false, &[])}
            {view("networks", "Diagram", true, &[("view", "picture")])}
        </div>
    }
    .into_any()
}

fn compare(a: &Entity, b: &Entity, column: &str) -> Ordering {
    let (Some(a), Some(b)) = (a.as_network(), b.as_network()) else { return Ordering::Equal };
    let by_column = match column {
        "use" => by_usage(a.usage, b.usage),
        "driver" => a.driver.cmp(&b.driver),
        "scope" => a.scope.cmp(&b.scope),
        "subnet" => subnets(a).cmp(&subnets(b)),
        "created" => a.created.cmp(&b.created),
        _ => Ordering::Equal,
    };
    by_column.then_with(|| (&a.name, &a.id).cmp(&(&b.name, &b.id)))
}
