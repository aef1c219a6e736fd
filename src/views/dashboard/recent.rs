//! The containers that changed last.

use crate::{
    client::{Facet, Store},
    model::{Container, ContainerId, Scoped, Timestamp},
    views::{Site, format, widgets::{Ago, live as boxed}},
};
use leptos::prelude::*;

const SHOWN: usize = 8;

/// When it last started, ended or came to be.
fn changed(it: &Container) -> Timestamp {
    [it.started_at, it.finished_at].into_iter().flatten().fold(it.created, Ord::max)
}

#[component]
pub(super) fn Recent() -> impl IntoView {
    let store = expect_context::<Store>();
    let latest = Memo::new(move |_| {
        store.track_containers();
        store.track_container_facet(Facet::State);
        store.look(|state| {
            let mut all: Vec<_> = state.containers().collect();
            all.sort_by(|a, b| (changed(b), &b.name).cmp(&(changed(a), &a.name)));
            let ids = all.into_iter().take(SHOWN).map(|it| (it.host.clone(), it.id.clone()));
            ids.collect::<Vec<_>>()
        })
    });
    let is_empty = Memo::new(move |_| latest.with(Vec::is_empty));
    view! {
        <section class="recent" aria-labelledby="recent">
            <h2 id="recent">"Recently changed"</h2>
            {boxed(move || is_empty.get().then(|| view! { <p class="quiet">"Nothing yet."</p> }.into_any()))}
            <ul class="lines">
                <For each=move || latest.get() key=Clone::clone let:id>
                    <Line id />
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Line(id: Scoped<ContainerId>) -> impl IntoView {
    let store = expect_context::<Store>();
    let live = store.container(&id)?;
    let site = Site::expect();
    let now = store.now();
    let at = {
        let live = live.clone();
        Signal::derive(move || live.with(|it| changed(it)))
    };
    let words = {
        let live = live.clone();
        Memo::new(move |_| live.with(|it| format::status(it, now.get())))
    };
    let failed = {
        let live = live.clone();
        boxed(move || live.with(|it| it.exit_code.is_some_and(|code| code != 0).then_some("")))
    };
    let (state, word, href, title, name) = (live.clone(), live.clone(), live.clone(), live.clone(), live);
    Some(view! {
        <li>
            <span class="state" data-state=boxed(move || state.with(|it| it.state.as_str())) data-code=failed>
                {boxed(move || word.with(|it| format::state_word(it)))}
            </span>
            <a
                href=boxed(move || href.with(|it| site.page(&format!("/containers?q={}", it.name))))
                title=boxed(move || title.with(|it| it.name.clone()))
            >
                {boxed(move || name.with(|it| it.name.clone()))}
            </a>
            <small>{boxed(move || words.get())}</small>
            <Ago time=at />
        </li>
    })
}
