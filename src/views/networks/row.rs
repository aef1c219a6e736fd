//! One network.

use crate::{
    client::{Store, t},
    model::Network,
    views::{
        Site,
        listing::{desk::more, usage_cell},
        rows::Line,
        widgets::{Ago, live},
    },
};
use leptos::prelude::*;

/// Its subnets in a line.
pub(super) fn subnets(network: &Network) -> String {
    network.subnets.iter().map(|it| it.subnet.as_str()).collect::<Vec<_>>().join(", ")
}

/// Nothing when it is gone already.
pub(super) fn row(line: Line) -> AnyView {
    let Line::Entity(key) = line else {
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
    // On the other two built-in ones a container is for good.
    let takes_containers = !matches!(network.name.as_str(), "host" | "none");
    let name = || network.name.clone();
    let href = Site::expect().page(&format!("/networks/{}", key.id()));
    let counted = {
        let row = row.clone();
        live(move || row.network(|it| it.usage.to_string()))
    };
    view! {
        <tr role="row" data-entity="network" data-id=key.id().to_owned() data-name=name() data-usage=counted>
            <th class="name" role="rowheader" scope="row" title=name()>
                <a href=href>{name()}</a>
                {tag.map(|tag| view! { <span class="tag">{t(tag)}</span> })}
            </th>
            {usage_cell(row.clone())}
            <td class="driver">{network.driver.clone()}</td>
            <td class="scope">{network.scope.clone()}</td>
            <td class="subnet" title=subnets(network)>{subnets(network)}</td>
            <td class="made number">{network.created.map(|time| view! { <Ago time /> })}</td>
            {takes_containers.then(|| more(&network.name))}
        </tr>
    }
    .into_any()
}
