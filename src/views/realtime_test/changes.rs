//! Live tables of containers and images, with the time and latency of each one's last change.

use crate::{
    client::{
        ContainerQuery, ErasedMemo, Facet, LastChange, OrderedContainers, Row, Store, erased_memo, order, scoped_memo,
        t,
    },
    model::{Container, Health, Image, Key, Kind},
    views::{
        format,
        resource_list::usage_words,
        rows::{RowKey, RowKeys, rows},
        widgets::{boxed, glow},
    },
};
use leptos::prelude::*;

#[component]
pub(super) fn LiveContainers() -> impl IntoView {
    let store = expect_context::<Store>();
    let ordered = StoredValue::new(OrderedContainers::default());
    let row_keys = erased_memo(move || {
        store.track_members(Kind::Container);
        store.track_facet(Facet::Name);
        RowKeys::Entities(ordered.write_value().select(&store, &ContainerQuery::default()))
    });
    section("live-containers", "Containers", "State", row_keys, container_row)
}

#[component]
pub(super) fn LiveImages() -> impl IntoView {
    let store = expect_context::<Store>();
    let row_keys = erased_memo(move || {
        store.track(Kind::Image);
        store.look(|state| {
            let all: Vec<_> = state.images().collect();
            let sort_key = |at: usize| (all[at].is_dangling(), all[at].name(), &all[at].id);
            let sorted = order(all.len(), &mut |a, b| sort_key(a).cmp(&sort_key(b))).into_iter().map(|at| all[at]);
            RowKeys::entities(sorted.map(|it| Key::Image(it.host.clone(), it.id.clone())))
        })
    });
    section("live-images", "Images", "Used by", row_keys, image_row)
}

fn section(
    id: &'static str,
    title: &'static str,
    first_header: &'static str,
    row_keys: ErasedMemo<RowKeys>,
    row: fn(RowKey) -> AnyView,
) -> AnyView {
    view! {
        <section aria-labelledby=id>
            <h2 id=id>{t(title)} " " <small>{boxed(move || row_keys.with(RowKeys::len).to_string())}</small></h2>
            <table class="table changes" role="table" aria-labelledby=id>
                <thead role="rowgroup">
                    <tr role="row">
                        <th class="state" role="columnheader">{t(first_header)}</th>
                        <th class="name" role="columnheader">{t("Name")}</th>
                        <th class="what" role="columnheader">{t("Current")}</th>
                        <th class="at number" role="columnheader">{t("Last change")}</th>
                        <th class="late number" role="columnheader">{t("Latency")}</th>
                    </tr>
                </thead>
                {rows(row_keys, row)}
            </table>
        </section>
    }
    .into_any()
}

fn container_row(row_key: RowKey) -> AnyView {
    let RowKey::Entity(key) = row_key else {
        return ().into_any();
    };
    let store = expect_context::<Store>();
    let Some(row) = store.entity(&key) else {
        return ().into_any();
    };
    let now = store.now();
    let text = |read: fn(&Container) -> String| {
        let row = row.clone();
        boxed(move || row.container(read))
    };
    let health = {
        let row = row.clone();
        boxed(move || row.container(|it| it.health.map(Health::as_str)))
    };
    let exit_code = {
        let row = row.clone();
        boxed(move || row.container(Container::failed_with).map(|code| code.to_string()))
    };
    let highlight = {
        let row = row.clone();
        glow(move || row.container(|it| it.state.to_string()))
    };
    let status = {
        let row = row.clone();
        scoped_memo(move || row.container(|it| format::status(it, now.get())))
    };
    view! {
        <tr
            role="row"
            data-entity="container"
            data-id=key.id().to_owned()
            data-name=text(|it| it.name.clone())
            data-state=text(|it| it.state.to_string())
            data-health=health
            data-code=exit_code
        >
            <td class="state" data-glow=highlight>{text(|it| format::state_word(it).to_owned())}</td>
            <th class="name" role="rowheader" scope="row" title=text(|it| it.name.clone())>
                <b>{text(|it| it.name.clone())}</b>
            </th>
            <td class="what">{boxed(move || status.get())}</td>
            {last_change_cells(&store, &key)}
        </tr>
    }
    .into_any()
}

fn image_row(row_key: RowKey) -> AnyView {
    let RowKey::Entity(key) = row_key else {
        return ().into_any();
    };
    let store = expect_context::<Store>();
    let Some(row) = store.entity(&key) else {
        return ().into_any();
    };
    let text = |read: fn(&Image) -> String| {
        let row = row.clone();
        boxed(move || row.image(read))
    };
    let usage = |row: Row| move || row.image(|it| usage_words(it.usage, it.is_dangling()));
    let (shown, highlighted) = (usage(row.clone()), usage(row.clone()));
    view! {
        <tr role="row" data-entity="image" data-id=key.id().to_owned() data-name=text(|it| it.name().to_owned())>
            <td class="state" data-use=boxed(move || Some(shown().0)) data-glow=glow(move || highlighted().1)>
                {text(|it| usage_words(it.usage, it.is_dangling()).1)}
            </td>
            <th class="name" role="rowheader" scope="row" title=text(|it| it.tags.join(", "))>
                <b>{text(|it| it.name().to_owned())}</b>
            </th>
            <td class="what">{text(|it| format::count(it.tags.len(), ["{} tag", "{} tags"]))}</td>
            {last_change_cells(&store, &key)}
        </tr>
    }
    .into_any()
}

/// When the last change was received, and its latency since the engine's event, or since the server's timestamp if there was
/// no event.
fn last_change_cells(store: &Store, key: &Key) -> AnyView {
    let (at, late) = (store.last_change(key), store.last_change(key));
    view! {
        <td class="at number">{boxed(move || at.get().map(|it| format::time_of_day(it.received)).unwrap_or_default())}</td>
        <td class="late number">{boxed(move || late.get().map(|it| format::micros(latency(it))).unwrap_or_default())}</td>
    }
    .into_any()
}

/// In microseconds, by the server's clock; at least 0, as the clock's offset is an estimate.
fn latency(change: LastChange) -> i64 {
    let event_time = change.event.map_or(change.applied, |event| event.engine);
    (change.received.micros() + change.clock_offset - event_time.micros()).max(0)
}
