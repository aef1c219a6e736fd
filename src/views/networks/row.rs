//! One network.

use crate::{
    client::Store,
    model::{Network, NetworkId, Scoped},
    views::{listing::UsageCell, widgets::{Ago, live as boxed}},
};
use leptos::prelude::*;

/// Its subnets in a line.
pub(super) fn subnets(network: &Network) -> String {
    network.subnets.iter().map(|it| it.subnet.as_str()).collect::<Vec<_>>().join(", ")
}

/// Nothing when it is gone already.
#[component]
pub(super) fn Row(id: Scoped<NetworkId>) -> impl IntoView {
    let live = expect_context::<Store>().network(&id)?;
    let usage = {
        let live = live.clone();
        Signal::derive(move || live.with(|it| (it.usage, false)))
    };
    let network = live.get_untracked();
    let tag = match (network.is_built_in(), network.internal) {
        (true, _) => Some("built in"),
        (_, true) => Some("internal"),
        _ => None,
    };
    let [name, title, data_name] = std::array::from_fn(|_| network.name.clone());
    let (subnets, all_subnets) = (subnets(&network), subnets(&network));
    let counted = boxed(move || usage.with(|(usage, _)| format!("{}/{}", usage.running, usage.all)));
    Some(view! {
        <tr role="row" data-entity="network" data-id=id.1.to_string() data-name=data_name data-usage=counted>
            <th class="name" role="rowheader" scope="row" title=title>
                <b>{name}</b>
                {tag.map(|tag| view! { <span class="tag">{tag}</span> })}
            </th>
            <UsageCell usage />
            <td class="driver">{network.driver.clone()}</td>
            <td class="scope">{network.scope.clone()}</td>
            <td class="subnet" title=all_subnets>{subnets}</td>
            <td class="made number">{network.created.map(|time| view! { <Ago time /> })}</td>
        </tr>
    })
}
