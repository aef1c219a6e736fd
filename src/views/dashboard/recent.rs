//! The most recently changed containers.

use crate::{
    client::{Facet, Store, erased_memo, scoped_memo, t},
    model::{Container, EngineState, Key, Kind, Timestamp},
    views::{
        Site, format,
        rows::{RowKey, keyed},
        widgets::boxed,
    },
};
use leptos::prelude::*;

const SHOWN: usize = 8;

/// The time of the container's last start, exit or creation.
fn changed(it: &Container) -> Timestamp {
    [it.started_at, it.finished_at].into_iter().flatten().fold(it.created, Ord::max)
}

/// Latest first, then by name.
pub fn latest(state: &EngineState) -> Vec<Key> {
    let is_before =
        |a: &Container, b: &Container| changed(b).cmp(&changed(a)).then_with(|| a.name.cmp(&b.name)).is_lt();
    let mut latest: Vec<&std::sync::Arc<Container>> = Vec::with_capacity(SHOWN + 1);
    for it in state.containers() {
        let at = latest.partition_point(|other| is_before(other, it));
        if at < SHOWN {
            latest.insert(at, it);
            latest.truncate(SHOWN);
        }
    }
    latest.into_iter().map(|it| Key::Container(it.host.clone(), it.id.clone())).collect()
}

#[component]
pub(super) fn Recent() -> impl IntoView {
    let store = expect_context::<Store>();
    let latest = erased_memo(move || {
        store.track_members(Kind::Container);
        store.track_facet(Facet::State);
        store.look(|state| latest(state).into_iter().map(RowKey::Entity).collect::<Vec<_>>())
    });
    let nothing = boxed(move || {
        latest.with(Vec::is_empty).then(|| view! { <p class="quiet">{t("No changes yet.")}</p> }.into_any())
    });
    view! {
        <section class="recent" aria-labelledby="recent">
            <h2 id="recent">{t("Recently changed")}</h2>
            {nothing}
            <ul class="lines">{keyed(move || latest.get(), line)}</ul>
        </section>
    }
}

fn line(line: RowKey) -> AnyView {
    let RowKey::Entity(key) = line else {
        return ().into_any();
    };
    let store = expect_context::<Store>();
    let Some(row) = store.entity(&key) else {
        return ().into_any();
    };
    let (site, now) = (Site::expect(), store.now());
    let text = |read: fn(&Container) -> String| {
        let row = row.clone();
        boxed(move || row.container(read))
    };
    let ago = {
        let row = row.clone();
        scoped_memo(move || row.container(|it| format::ago(changed(it), now.get())))
    };
    let failed = {
        let row = row.clone();
        boxed(move || row.container(|it| it.failed_with().map(|_| "")))
    };
    let href = {
        let row = row.clone();
        boxed(move || row.container(|it| site.page(&format!("/containers?q={}", it.name))))
    };
    view! {
        <li>
            <span class="state" data-state=text(|it| it.state.to_string()) data-code=failed>
                {text(|it| format::state_word(it).to_owned())}
            </span>
            <a href=href title=text(|it| it.name.clone())>{text(|it| it.name.clone())}</a>
            <small>{text(format::latest_event)}</small>
            <time title=text(|it| format::exact(changed(it)))>{boxed(move || ago.get())}</time>
        </li>
    }
    .into_any()
}
