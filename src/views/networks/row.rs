//! Row of a network.

use crate::{
    client::{Store, t},
    model::{Network, Permission},
    views::{
        Site, may,
        resource_list::{row_menu::more, usage_cell},
        rows::RowKey,
        widgets::{Ago, boxed},
    },
};
use leptos::prelude::*;

/// All subnets in one line.
pub(super) fn subnets(network: &Network) -> String {
    network.subnets.iter().map(|it| it.subnet.as_str()).collect::<Vec<_>>().join(", ")
}

/// Empty if the network is already gone.
pub(super) fn row(line: RowKey) -> AnyView {
    let RowKey::Entity(key) = line else {
        return ().into_any();
    };
    let Some(row) = expect_context::<Store>().entity(&key) else {
        return ().into_any();
    };
    let now = row.now();
    let Some(network) = now.as_network() else {
        return ().into_any();
    };
    let tag = match (network.is_built_in(), network.internal) {
        (true, _) => Some("built in"),
        (_, true) => Some("internal"),
        _ => None,
    };
    // A container can't be disconnected from the other two built-in networks.
    let takes_containers = !matches!(network.name.as_str(), "host" | "none");
    let name = || network.name.clone();
    let called = name();
    let href = Site::expect().page(&format!("/networks/{}", key.id()));
    let counted = {
        let row = row.clone();
        boxed(move || row.network(|it| it.usage.to_string()))
    };
    view! {
        <tr role="row" data-entity="network" data-id=key.id().to_owned() data-name=name() data-usage=counted>
            <th class="name" role="rowheader" scope="row" title=name()>
                <a href=href>{name()}</a>
                {tag.map(|tag| view! { <span class="tag">{t(tag)}</span> }.into_any())}
            </th>
            {usage_cell(row.clone())}
            <td class="driver">{network.driver.clone()}</td>
            <td class="scope">{network.scope.clone()}</td>
            <td class="subnet" title=subnets(network)>{subnets(network)}</td>
            <td class="made number">{network.created.map(|time| view! { <Ago time /> }.into_any())}</td>
            {(takes_containers && may(Permission::Create)).then(|| more(move || called.clone()))}
        </tr>
    }
    .into_any()
}
