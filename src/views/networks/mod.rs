//! `/networks`: what connects containers, and who is on it.

mod row;

use super::listing::{ListColumn, ListPage, UsageFilter, by_usage, list_page};
use crate::model::{Entity, Kind};
use leptos::prelude::*;
use row::subnets;
use std::cmp::Ordering;

pub(super) static PAGE: ListPage = ListPage {
    kind: Kind::Network,
    path: "/networks",
    title: "Networks",
    what: "networks",
    nothing_yet: "No networks yet",
    hint: "Create one in a terminal and it appears here at once.",
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
};

#[component]
pub fn NetworksPage() -> impl IntoView {
    list_page(&PAGE)
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
