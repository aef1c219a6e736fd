//! Network details: connected containers and their addresses.

use super::{beside, created, grid, labels, name_of, resource_page, several, text, users_of, with_users};
use crate::{
    client::{Row, t},
    model::{Container, Key, Kind, Permission},
    views::{
        Site,
        lazy::lazy_code,
        may, networks,
        page_entry::{Code, PageEntry, on_server},
        resource_list::{RowMenu, row_menu::Dialog},
        widgets::{boxed, button},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

pub(in crate::views) const NETWORK: PageEntry = PageEntry {
    title: "Network",
    link: None,
    code: Code::Lazy(CODE),
    initial_state: on_server(|visit| with_users(Kind::Network, visit)),
};

lazy_code!(CODE in lists: NetworkPage());

#[component]
pub fn NetworkPage() -> impl IntoView {
    resource_page(&networks::LIST, "Network not found", body)
}

fn body(menu: RowMenu, key: &Key, row: Row) -> AnyView {
    let members = members(menu, key, row.clone());
    let facts = boxed(move || {
        let entity = row.get();
        let it = entity.as_network()?;
        let word = |is: bool, words: &'static str| is.then(|| t(words).to_owned());
        Some(grid([
            Some(text("Driver", &*it.driver)),
            Some(text("Scope", &*it.scope)),
            Some(text("ID", it.id.as_str().get(..12).unwrap_or(it.id.as_str()))),
            several(
                "Subnets",
                it.subnets.iter().map(|it| match &it.gateway {
                    Some(gateway) => crate::t!("{}, gateway {}", it.subnet, gateway),
                    None => it.subnet.clone(),
                }),
            ),
            several(
                "Type",
                [word(it.is_built_in(), "built in"), word(it.internal, "internal (no external access)")]
                    .into_iter()
                    .flatten(),
            ),
            created(it.created),
            labels(&it.labels),
        ]))
    });
    let main = view! { <section class="inside" aria-label=t("Connected containers")>{members}</section> };
    beside("Network", main.into_any(), facts.into_any())
}

fn members(menu: RowMenu, key: &Key, row: Row) -> AnyView {
    let site = Site::expect();
    let members = users_of(key);
    let asked = key.clone();
    let change = may(Permission::Create).then(|| {
        button(
            "button",
            "networks",
            boxed(|| t("Manage connections").to_owned()),
            Box::new(move |_| menu.ask(Dialog::Members(asked.clone()))),
        )
    });
    let list = boxed(move || {
        let members = members.get();
        if members.is_empty() {
            return view! { <p class="quiet">{t("No containers connected.")}</p> }.into_any();
        }
        let network = row.network(|it| it.name.clone());
        let one = |it: &Arc<Container>| {
            let address = it.networks.iter().find(|at| at.name == network).and_then(|at| at.ip.clone());
            view! {
                <tr data-member=it.name.clone()>
                    <td class="path">{name_of(&site, it)}</td>
                    <td>{address.unwrap_or_else(|| "–".to_owned())}</td>
                    <td>{it.project().unwrap_or_default().to_owned()}</td>
                </tr>
            }
            .into_any()
        };
        let rows: Vec<_> = members.iter().map(one).collect();
        view! {
            <table class="plain listing">
                <thead>
                    <tr>
                        <th scope="col">{t("Container")}</th>
                        <th scope="col">{t("Address")}</th>
                        <th scope="col">{t("Project")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    });
    view! { <div class="titled"><h2>{t("Containers")}</h2>{change}</div> {list} }.into_any()
}
