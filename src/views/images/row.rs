//! One image.

use crate::{
    client::Store,
    model::{ImageId, Scoped},
    views::{
        format,
        listing::UsageCell,
        widgets::{Ago, glow, live as boxed},
    },
};
use leptos::prelude::*;

/// Nothing when it is gone already.
#[component]
pub(super) fn Row(id: Scoped<ImageId>) -> impl IntoView {
    let live = expect_context::<Store>().image(&id)?;
    let usage = {
        let live = live.clone();
        Signal::derive(move || live.with(|it| (it.usage, it.is_dangling())))
    };
    let tags = {
        let live = live.clone();
        Memo::new(move |_| live.with(|it| it.tags.clone()))
    };
    let title = boxed(move || tags.with(|tags| if tags.is_empty() { "no tag".to_owned() } else { tags.join(", ") }));
    let name = {
        let live = live.clone();
        boxed(move || live.with(|it| it.name().to_owned()))
    };
    let first = boxed(move || tags.with(|tags| tags.first().cloned()).unwrap_or_else(|| "no tag".to_owned()));
    let dim = boxed(move || tags.with(Vec::is_empty).then_some("dim"));
    let others = boxed(move || {
        let others = tags.with(Vec::len).saturating_sub(1);
        (others > 0).then(|| view! { <small>{format!("+{others}")}</small> }.into_any())
    });
    let short = id.1.short().to_owned();
    let (size, unit) = format::bytes(live.with_untracked(|it| it.size));
    let created = live.with_untracked(|it| it.created);
    let counted = boxed(move || usage.with(|(usage, _)| format!("{}/{}", usage.running, usage.all)));
    Some(view! {
        <tr role="row" data-entity="image" data-id=id.1.to_string() data-name=name data-usage=counted>
            <th class="name" role="rowheader" scope="row" title=title data-glow=glow(move || tags.get())>
                <b class=dim>{first}</b>
                {others}
            </th>
            <UsageCell usage />
            <td class="id">{short}</td>
            <td class="size number">{size} " " <small>{unit}</small></td>
            <td class="made number">{created.map(|time| view! { <Ago time /> })}</td>
        </tr>
    })
}
