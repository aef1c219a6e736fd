//! Volume details: its files.

use super::{beside, created, fact, grid, labels, resource_page, text, users, with_users};
use crate::{
    client::{Row, Toasts, erased_memo, t},
    model::{FilesOf, HostId, Key, Kind, MountKind, Permission, VolumeName},
    queries::disk::disk,
    views::{
        Site,
        files::FILES,
        files::FilesLocation,
        format,
        lazy::{lazy, lazy_code},
        may,
        page_entry::{Code, PageEntry, on_server},
        resource_list::RowMenu,
        volumes,
        widgets::{boxed, on_click},
    },
};
use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};

pub(in crate::views) const VOLUME: PageEntry = PageEntry {
    title: "Volume",
    link: None,
    code: Code::Lazy(CODE),
    initial_state: on_server(|visit| with_users(Kind::Volume, visit)),
};

lazy_code!(CODE in lists: VolumePage());

#[component]
pub fn VolumePage() -> impl IntoView {
    resource_page(&volumes::LIST, "Volume not found", body)
}

fn body(_: RowMenu, key: &Key, row: Row) -> AnyView {
    let Key::Volume(host, name) = key.clone() else { return ().into_any() };
    let page = Site::expect().page(&format!("/volumes/{name}?"));
    provide_context(FilesLocation { host: host.clone(), of: FilesOf::Volume(name.clone()), page });
    let size = size(host.clone(), name.clone());
    let others = boxed(move || {
        let entity = row.get();
        let it = entity.as_volume()?;
        Some(grid([
            Some(text("Driver", &*it.driver)),
            Some(text("Scope", &*it.scope)),
            Some(text("Mountpoint", &*it.mountpoint)),
            created(it.created),
            labels(&it.labels),
        ]))
    });
    let by = users(key, move |it| {
        let mount = it.mounts.iter().find(|it| it.kind == MountKind::Volume && it.source == name.as_str());
        mount.map_or_else(String::new, |it| {
            if it.writable { it.destination.clone() } else { crate::t!("{}, read-only", it.destination) }
        })
    });
    let files = may(Permission::Reveal).then(|| {
        let files = lazy(erased_memo(|| true), FILES);
        view! { <h2 class="of">{t("Files")}</h2> {files} }.into_any()
    });
    beside("Volume", files.into_any(), view! { <dl class="facts">{size}</dl> {others} {by} }.into_any())
}

/// Loaded on demand: the engine walks through all volumes to compute a size.
fn size(host: HostId, name: VolumeName) -> AnyView {
    let known = RwSignal::new(None::<String>);
    let is_busy = RwSignal::new(false);
    let toasts = expect_context::<Toasts>();
    let measure = move |_: MouseEvent| {
        is_busy.set(true);
        let (asked, name) = (disk(host.clone()), name.clone());
        spawn_local(async move {
            let answer = asked.await;
            if is_busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(usage) => {
                    let size =
                        usage.volumes.into_iter().find(|(it, _)| *it == name).map(|(_, size)| format::bytes(size));
                    let words = size.map_or_else(
                        || t("not reported by the driver").to_owned(),
                        |(number, unit)| format!("{number} {unit}"),
                    );
                    known.set(Some(words));
                }
                Err(error) => toasts.failed(t("Couldn't calculate the size"), &error),
            }
        });
    };
    let measure = StoredValue::new(measure);
    let value = boxed(move || match known.get() {
        Some(words) => words.into_any(),
        None => {
            let press = on_click(move |event: MouseEvent| measure.update_value(|it| it(event)));
            let word = boxed(move || t(if is_busy.get() { "Calculating…" } else { "Calculate" }));
            view! { <button class="button" disabled=boxed(move || is_busy.get()) on:click=press>{word}</button> }
                .into_any()
        }
    });
    fact("Size", value.into_any())
}
