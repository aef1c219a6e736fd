//! Row of a volume.

use crate::{
    client::{Store, t},
    model::Permission,
    views::{
        Site, may,
        resource_list::{row_menu::more, usage_cell},
        rows::RowKey,
        widgets::{Ago, boxed},
    },
};
use leptos::prelude::*;

/// Empty if the volume is already gone.
pub(super) fn row(line: RowKey) -> AnyView {
    let RowKey::Entity(key) = line else {
        return ().into_any();
    };
    let Some(row) = expect_context::<Store>().entity(&key) else {
        return ().into_any();
    };
    let now = row.now();
    let Some(volume) = now.as_volume() else {
        return ().into_any();
    };
    let name = || volume.id.to_string();
    let (shown, tag) = if volume.is_anonymous() {
        (name()[..12].to_owned(), Some(view! { <span class="tag">{t("anonymous")}</span> }.into_any()))
    } else {
        (name(), None)
    };
    let called = name();
    let href = Site::expect().page(&format!("/volumes/{}", volume.id));
    let counted = {
        let row = row.clone();
        boxed(move || row.volume(|it| it.usage.to_string()))
    };
    view! {
        <tr role="row" data-entity="volume" data-id=name() data-name=name() data-usage=counted>
            <th class="name" role="rowheader" scope="row" title=name()><a href=href>{shown}</a>{tag}</th>
            {usage_cell(row.clone())}
            <td class="driver">{volume.driver.clone()}</td>
            <td class="path" title=volume.mountpoint.clone()>{volume.mountpoint.clone()}</td>
            <td class="made number">{volume.created.map(|time| view! { <Ago time /> }.into_any())}</td>
            {may(Permission::Remove).then(|| more(move || called.clone()))}
        </tr>
    }
    .into_any()
}
