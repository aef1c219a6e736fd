//! One image.

use crate::{
    client::{Store, t},
    model::Image,
    views::{
        Site, format,
        listing::{desk::more, usage_cell},
        rows::Line,
        widgets::{Ago, glow, live},
    },
};
use leptos::prelude::*;

/// Nothing when it is gone already.
pub(super) fn row(line: Line) -> AnyView {
    let Line::Entity(key) = line else {
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
        live(move || row.image(read))
    };
    let glowing = {
        let row = row.clone();
        glow(move || row.image(|it| it.tags.join(" ")))
    };
    let dim = {
        let row = row.clone();
        live(move || row.image(|it| it.is_dangling().then_some("dim")))
    };
    let others = {
        let row = row.clone();
        live(move || {
            let others = row.image(|it| it.tags.iter().skip(1).cloned().collect::<Vec<_>>());
            let count =
                (!others.is_empty()).then(|| view! { <small>{format!("+{}", others.len())}</small> }.into_any());
            let tags = others.into_iter().map(|tag| view! { <small class="more">{tag}</small> }.into_any());
            count.into_iter().chain(tags).collect::<Vec<_>>()
        })
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
            </th>
            {usage_cell(row.clone())}
            <td class="id">{image.id.short().to_owned()}</td>
            <td class="size number">{size} " " <small>{unit}</small></td>
            <td class="made number">{image.created.map(|time| view! { <Ago time /> })}</td>
            {more(image.name())}
        </tr>
    }
    .into_any()
}
