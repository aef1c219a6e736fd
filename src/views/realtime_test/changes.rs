//! The live lists, with the time and the latency of each thing's last change.

use crate::{
    client::{ContainerQuery, Facet, LastChange, Store, select_containers},
    model::{ContainerId, Health, ImageId, Key, Scoped},
    views::{format, listing::usage_words, widgets::{glow, live as boxed}},
};
use leptos::prelude::*;

#[component]
pub(super) fn ContainerChanges() -> impl IntoView {
    let store = expect_context::<Store>();
    let ids = Memo::new(move |_| {
        store.track_containers();
        store.track_container_facet(Facet::Name);
        store.look(|state| select_containers(state.containers(), &ContainerQuery::default()))
    });
    view! {
        <section aria-labelledby="live-containers">
            <h2 id="live-containers">"Containers" <small>{boxed(move || ids.with(Vec::len).to_string())}</small></h2>
            <table class="table changes" role="table" aria-label="Containers">
                <Header state="State" />
                <tbody role="rowgroup">
                    <For each=move || ids.get() key=Clone::clone let:id>
                        <ContainerRow id />
                    </For>
                </tbody>
            </table>
        </section>
    }
}

#[component]
pub(super) fn ImageChanges() -> impl IntoView {
    let store = expect_context::<Store>();
    let ids = Memo::new(move |_| {
        store.track_images();
        store.look(|state| {
            let mut all: Vec<_> = state.images().collect();
            all.sort_by(|a, b| (a.is_dangling(), a.name(), &a.id).cmp(&(b.is_dangling(), b.name(), &b.id)));
            all.into_iter().map(|it| (it.host.clone(), it.id.clone())).collect::<Vec<_>>()
        })
    });
    view! {
        <section aria-labelledby="live-images">
            <h2 id="live-images">"Images" <small>{boxed(move || ids.with(Vec::len).to_string())}</small></h2>
            <table class="table changes" role="table" aria-label="Images">
                <Header state="Used by" />
                <tbody role="rowgroup">
                    <For each=move || ids.get() key=Clone::clone let:id>
                        <ImageRow id />
                    </For>
                </tbody>
            </table>
        </section>
    }
}

#[component]
fn Header(state: &'static str) -> impl IntoView {
    view! {
        <thead role="rowgroup">
            <tr role="row">
                <th class="state" role="columnheader">{state}</th>
                <th class="name" role="columnheader">"Name"</th>
                <th class="what" role="columnheader">"Now"</th>
                <th class="at number" role="columnheader">"Last change"</th>
                <th class="late number" role="columnheader">"Latency"</th>
            </tr>
        </thead>
    }
}

#[component]
fn ContainerRow(id: Scoped<ContainerId>) -> impl IntoView {
    let store = expect_context::<Store>();
    let live = store.container(&id)?;
    let now = store.now();
    let key = Key::Container(id.0, id.1.clone());
    let words = {
        let live = live.clone();
        Memo::new(move |_| live.with(|it| format::status(it, now.get())))
    };
    let handles: [_; 6] = std::array::from_fn(|_| live.clone());
    let [name, state, health, word, title, shown] = handles;
    Some(view! {
        <tr
            role="row"
            data-entity="container"
            data-id=id.1.to_string()
            data-name=boxed(move || name.with(|it| it.name.clone()))
            data-state=boxed(move || state.with(|it| it.state.as_str()))
            data-health=boxed(move || health.with(|it| it.health.map(Health::as_str)))
        >
            <td class="state" data-glow=glow(move || live.with(|it| it.state))>
                {boxed(move || word.with(|it| format::state_word(it)))}
            </td>
            <th class="name" role="rowheader" scope="row" title=boxed(move || title.with(|it| it.name.clone()))>
                <b>{boxed(move || shown.with(|it| it.name.clone()))}</b>
            </th>
            <td class="what">{boxed(move || words.get())}</td>
            <Latest key=key />
        </tr>
    })
}

#[component]
fn ImageRow(id: Scoped<ImageId>) -> impl IntoView {
    let store = expect_context::<Store>();
    let live = store.image(&id)?;
    let key = Key::Image(id.0, id.1.clone());
    let words = {
        let live = live.clone();
        Memo::new(move |_| live.with(|it| usage_words(it.usage, it.is_dangling())))
    };
    let handles: [_; 4] = std::array::from_fn(|_| live.clone());
    let [name, title, shown, tags] = handles;
    Some(view! {
        <tr role="row" data-entity="image" data-id=id.1.to_string() data-name=boxed(move || name.with(|it| it.name().to_owned()))>
            <td class="state" data-use=boxed(move || words.get().0) data-glow=glow(move || words.get())>
                {boxed(move || words.get().1)}
            </td>
            <th class="name" role="rowheader" scope="row" title=boxed(move || title.with(|it| it.tags.join(", ")))>
                <b>{boxed(move || shown.with(|it| it.name().to_owned()))}</b>
            </th>
            <td class="what">{boxed(move || tags.with(|it| format::count(it.tags.len(), "tag")))}</td>
            <Latest key=key />
        </tr>
    })
}

/// When its last change came, and how long after the engine's event (after the server's stamp where no event was).
#[component]
fn Latest(key: Key) -> impl IntoView {
    let latest = expect_context::<Store>().last_change(&key);
    let at = {
        let latest = latest.clone();
        boxed(move || latest.get().map(|it| format::time_of_day(it.received)).unwrap_or_default())
    };
    let late = boxed(move || latest.get().map(|it| format::millis(latency(it))).unwrap_or_default());
    view! {
        <td class="at number">{at}</td>
        <td class="late number">{late}</td>
    }
}

fn latency(change: LastChange) -> f64 {
    let began = change.engine_time.unwrap_or(change.applied);
    (change.received.micros() - began.micros()).max(0) as f64 / 1_000.0
}
