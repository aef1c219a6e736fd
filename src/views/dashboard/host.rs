//! Host facts: the engine, the machine, and how much the engine stores.

use crate::{
    client::{Store, t, translate},
    model::Kind,
    views::{
        Site, format,
        widgets::{Command, boxed},
    },
};
use leptos::prelude::*;

#[component]
pub fn HostFacts() -> impl IntoView {
    let store = expect_context::<Store>();
    let name = {
        let store = store.clone();
        boxed(move || store.main_host().map(|host| host.name.clone()))
    };
    let facts = {
        let store = store.clone();
        boxed(move || {
            let engine = store.main_host()?.engine.clone()?;
            let (memory, unit) = format::bytes(engine.memory);
            Some(view! {
                <Fact term="Engine" value=format!("{} {}", engine.product, engine.version) note=format!("API {}", engine.api_version) />
                <Fact term="OS" value=engine.os />
                <Fact term="Kernel" value=engine.kernel note=engine.arch />
                <Fact term="CPUs" value=engine.cpus.to_string() />
                <Fact term="Memory" value=format!("{memory} {unit}") />
                <Fact term="Storage driver" value=engine.storage_driver />
            }.into_any())
        })
    };
    let never_reached = {
        let store = store.clone();
        boxed(move || {
            let host = store.main_host()?;
            host.engine.is_none().then(|| {
                let words = host.error.as_ref().map_or_else(|| t("Connecting to the engine…").to_owned(), translate);
                view! {
                    <p class="quiet">{words}</p>
                    <Command text="sudo systemctl start docker" />
                }
                .into_any()
            })
        })
    };
    let things = boxed(move || {
        [Kind::Image, Kind::Volume, Kind::Network].into_iter().for_each(|kind| store.track(kind));
        store.look(|state| {
            let (size, unit) = format::bytes(state.images().map(|it| it.size).sum());
            let unused = state.volumes().filter(|it| it.usage.all == 0).count();
            view! {
                <Fact term="Images" value=state.count(Kind::Image).to_string() note=format!("{size} {unit}") />
                <Fact term="Volumes" value=state.count(Kind::Volume).to_string() note=crate::t!("{} unused", unused) />
                <Fact term="Networks" value=state.count(Kind::Network).to_string() />
            }
            .into_any()
        })
    });
    view! {
        <section class="host" aria-labelledby="host">
            <h2 id="host"><a href=Site::expect().page("/engine")>{name}</a></h2>
            {never_reached}
            <dl class="facts">{facts} {things}</dl>
        </section>
    }
}

#[component]
fn Fact(term: &'static str, #[prop(into)] value: String, #[prop(optional, into)] note: String) -> impl IntoView {
    let note = (!note.is_empty()).then(|| view! { <small>" · " {note}</small> }.into_any());
    view! { <div><dt>{t(term)}</dt><dd>{value} {note}</dd></div> }
}
