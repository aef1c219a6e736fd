//! Row of an image.

use crate::{
    client::{Store, t},
    model::{Engine, Image},
    views::{
        Site, format,
        resource_list::{row_menu::more, usage_cell},
        rows::RowKey,
        widgets::{Ago, boxed, glow},
    },
};
use leptos::prelude::*;

/// A tag for unusual platforms: the image has several, or one for another architecture.
fn platform_tag(image: &Image, engine: &Engine) -> Option<AnyView> {
    let stored: Vec<_> = image.platforms.iter().filter(|it| it.size.is_some()).collect();
    let names = stored.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
    let words = match stored.as_slice() {
        [] => return None,
        [only] if engine.is_native(&only.name) => return None,
        [only] => only.name.clone(),
        several => crate::t!("{} platforms", several.len()),
    };
    let is_foreign = stored.iter().all(|it| !engine.is_native(&it.name));
    let title =
        if is_foreign { crate::t!("Built for {}, but the engine is {}", names, engine.architecture()) } else { names };
    Some(view! { <span class="tag" class:warn=is_foreign data-platforms title=title>{words}</span> }.into_any())
}

/// Empty if the image is already gone.
pub(super) fn row(line: RowKey) -> AnyView {
    let RowKey::Entity(key) = line else {
        return ().into_any();
    };
    let Some(row) = expect_context::<Store>().entity(&key) else {
        return ().into_any();
    };
    let now = row.now();
    let Some(image) = now.as_image() else {
        return ().into_any();
    };
    let text = |read: fn(&Image) -> String| {
        let row = row.clone();
        boxed(move || row.image(read))
    };
    let glowing = {
        let row = row.clone();
        glow(move || row.image(|it| it.tags.join(" ")))
    };
    let dim = {
        let row = row.clone();
        boxed(move || row.image(|it| it.is_dangling().then_some("dim")))
    };
    let others = {
        let row = row.clone();
        boxed(move || {
            let others = row.image(|it| it.tags.iter().skip(1).cloned().collect::<Vec<_>>());
            let count =
                (!others.is_empty()).then(|| view! { <small>{format!("+{}", others.len())}</small> }.into_any());
            let tags = others.into_iter().map(|tag| view! { <small class="more">{tag}</small> }.into_any());
            count.into_iter().chain(tags).collect::<Vec<_>>()
        })
    };
    let platforms = {
        let (row, store, host) = (row.clone(), expect_context::<Store>(), image.host.clone());
        boxed(move || {
            let engine = store.look(|state| state.host(&host).and_then(|host| host.engine.clone()))?;
            row.image(|it| platform_tag(it, &engine))
        })
    };
    let name = {
        let row = row.clone();
        move || row.image(|it| it.name().to_owned())
    };
    let title = |it: &Image| {
        if it.is_dangling() { t("no tag").to_owned() } else { it.tags.join(", ") }
    };
    let first = |it: &Image| it.tags.first().cloned().unwrap_or_else(|| t("no tag").to_owned());
    let (size, unit) = format::bytes(image.size);
    let href = Site::expect().page(&format!("/images/{}", key.id()));
    view! {
        <tr
            role="row"
            data-entity="image"
            data-id=key.id().to_owned()
            data-name=text(|it| it.name().to_owned())
            data-usage=text(|it| it.usage.to_string())
        >
            <th class="name" role="rowheader" scope="row" title=text(title) data-glow=glowing>
                <a class=dim href=href>{text(first)}</a>
                {others}
                {platforms}
            </th>
            {usage_cell(row.clone())}
            <td class="id">{image.id.short().to_owned()}</td>
            <td class="size number">{size} " " <small>{unit}</small></td>
            <td class="made number">{image.created.map(|time| view! { <Ago time /> }.into_any())}</td>
            {more(name)}
        </tr>
    }
    .into_any()
}
