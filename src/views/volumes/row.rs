//! One volume.

use crate::{
    client::Store,
    model::{Scoped, VolumeName},
    views::{listing::UsageCell, widgets::{Ago, live as boxed}},
};
use leptos::prelude::*;

/// Nothing when it is gone already.
#[component]
pub(super) fn Row(id: Scoped<VolumeName>) -> impl IntoView {
    let live = expect_context::<Store>().volume(&id)?;
    let usage = {
        let live = live.clone();
        Signal::derive(move || live.with(|it| (it.usage, false)))
    };
    let volume = live.get_untracked();
    let [name, title, data_id, data_name] = std::array::from_fn(|_| id.1.to_string());
    let counted = boxed(move || usage.with(|(usage, _)| format!("{}/{}", usage.running, usage.all)));
    Some(view! {
        <tr role="row" data-entity="volume" data-id=data_id data-name=data_name data-usage=counted>
            <th class="name" role="rowheader" scope="row" title=title><b>{name}</b></th>
            <UsageCell usage />
            <td class="driver">{volume.driver.clone()}</td>
            <td class="path" title=volume.mountpoint.clone()>{volume.mountpoint.clone()}</td>
            <td class="made number">{volume.created.map(|time| view! { <Ago time /> })}</td>
        </tr>
    })
}
