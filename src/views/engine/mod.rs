//! `/engine`: engine facts and disk usage.

use super::{
    dashboard::HostFacts,
    format,
    lazy::lazy_code,
    may,
    on_demand::OnDemand,
    page_entry::{Code, PageEntry, SidebarLink},
    resource_list::{PRUNABLE, RowMenu, dialogs, row_menu::Dialog},
    sees_all,
    widgets::{boxed, button},
};
use crate::{
    client::{Store, erased_memo, t},
    model::{ContainerId, ContainerState, DiskUsage, EngineState, HostId, ImageId, Kind, Permission, VolumeName},
    queries::disk::disk,
};
use leptos::prelude::*;
use leptos_meta::Title;

/// A line of `docker system df`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// `None` for the build cache.
    kind: Option<Kind>,
    count: usize,
    in_use: usize,
    bytes: u64,
    reclaimable: u64,
}

/// Containers in these states count as active: their disk space isn't reclaimable.
fn is_active(state: ContainerState) -> bool {
    matches!(state, ContainerState::Running | ContainerState::Paused | ContainerState::Restarting)
}

fn lines(state: &EngineState, host: &HostId, usage: &DiskUsage) -> Vec<Line> {
    let images: Vec<_> = state.images().filter(|it| it.host == *host).collect();
    let own = |id: &ImageId| usage.images.iter().find(|(it, _)| it == id).map_or(0, |(_, size)| size.own);
    let held: u64 = images.iter().filter(|it| it.usage.all > 0).map(|it| own(&it.id)).sum();
    let containers: Vec<_> = state.containers().filter(|it| it.host == *host).collect();
    let active = |id: &ContainerId| containers.iter().any(|it| it.id == *id && is_active(it.state));
    let volumes: Vec<_> = state.volumes().filter(|it| it.host == *host).collect();
    let used = |name: &VolumeName| volumes.iter().any(|it| it.id == *name && it.usage.all > 0);
    let sum = |sizes: &mut dyn Iterator<Item = u64>| sizes.sum::<u64>();
    vec![
        Line {
            kind: Some(Kind::Image),
            count: images.len(),
            in_use: images.iter().filter(|it| it.usage.all > 0).count(),
            bytes: usage.layers,
            reclaimable: usage.layers.saturating_sub(held),
        },
        Line {
            kind: Some(Kind::Container),
            count: containers.len(),
            in_use: containers.iter().filter(|it| is_active(it.state)).count(),
            bytes: sum(&mut usage.containers.iter().map(|(_, size)| *size)),
            reclaimable: sum(&mut usage.containers.iter().filter(|(id, _)| !active(id)).map(|(_, size)| *size)),
        },
        Line {
            kind: Some(Kind::Volume),
            count: volumes.len(),
            in_use: volumes.iter().filter(|it| it.usage.all > 0).count(),
            bytes: sum(&mut usage.volumes.iter().map(|(_, size)| *size)),
            reclaimable: sum(&mut usage.volumes.iter().filter(|(name, _)| !used(name)).map(|(_, size)| *size)),
        },
        Line { kind: None, count: 0, in_use: 0, bytes: usage.build_cache, reclaimable: usage.unused_build_cache },
    ]
}

pub(super) const PAGE: PageEntry =
    PageEntry { title: "Engine", link: SidebarLink::foot("engine"), code: Code::Lazy(CODE), initial_state: None };

lazy_code!(CODE in lists: EnginePage());

#[component]
pub fn EnginePage() -> impl IntoView {
    let menu = RowMenu::new();
    view! {
        <Title text=t("Engine") />
        <div class="head">
            <h1>{t("Engine")}</h1>
            {may(Permission::Remove).then(|| button("button", "prune", boxed(|| t("Prune all").to_owned()), Box::new(move |_| menu.ask(Dialog::Prune(PRUNABLE)))))}
        </div>
        <div class="container-page thing">
            <div class="main">{sees_all().then(|| disk_usage(menu))}</div>
            <div class="what"><HostFacts /></div>
        </div>
        {dialogs(menu)}
    }
}

fn disk_usage(menu: RowMenu) -> AnyView {
    let store = expect_context::<Store>();
    let asked = OnDemand::<DiskUsage>::new();
    let is_wanted = RwSignal::new(false);
    let host = {
        let store = store.clone();
        erased_memo(move || store.main_host().map(|host| host.id.clone()))
    };
    let measure = move |_| {
        if let Some(host) = host.get_untracked() {
            asked.forget();
            is_wanted.set(true);
            asked.ask(disk(host));
        }
    };
    let draw = move |usage: &DiskUsage| {
        // Sizes are a snapshot. What is in use follows the store.
        [Kind::Container, Kind::Image, Kind::Volume].into_iter().for_each(|kind| store.track(kind));
        let Some(host) = host.get() else { return ().into_any() };
        let lines = store.look(|state| lines(state, &host, usage));
        let total = lines.iter().map(|it| it.bytes).sum();
        let reclaimable = lines.iter().map(|it| it.reclaimable).sum();
        let rows: Vec<_> = lines.iter().map(|it| row(menu, it)).collect();
        view! {
            <table class="plain listing disk">
                <thead>
                    <tr>
                        <th scope="col">{t("Type")}</th>
                        <th scope="col" class="number">{t("In use")}</th>
                        <th scope="col" class="number">{t("Size")}</th>
                        <th scope="col" class="number">{t("Reclaimable")}</th>
                        <th scope="col"><span class="heard">{t("Actions")}</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
                <tfoot>
                    <tr>
                        <th scope="row">{t("Total")}</th>
                        <td></td>
                        <td class="number">{size(total)}</td>
                        <td class="number">{size(reclaimable)}</td>
                        <td></td>
                    </tr>
                </tfoot>
            </table>
        }
        .into_any()
    };
    let shown = boxed(move || {
        if is_wanted.get() {
            return asked.draw("Couldn't calculate the size", draw.clone());
        }
        let words = t("The engine scans every image, container and volume. This can take a while.");
        view! { <p class="quiet">{words}</p> }.into_any()
    });
    let word = boxed(move || t(if is_wanted.get() { "Recalculate" } else { "Calculate" }).to_owned());
    view! {
        <section class="inside" aria-labelledby="disk">
            <div class="titled">
                <h2 id="disk">{t("Disk usage")}</h2>
                {button("button", "restart", word, Box::new(measure))}
            </div>
            {shown}
        </section>
    }
    .into_any()
}

fn row(menu: RowMenu, line: &Line) -> AnyView {
    let (what, words, kinds): (_, _, Option<&'static [Kind]>) = match line.kind {
        Some(Kind::Image) => ("images", "Images", Some(&[Kind::Image])),
        Some(Kind::Container) => ("containers", "Containers", Some(&[Kind::Container])),
        Some(Kind::Volume) => ("volumes", "Volumes", Some(&[Kind::Volume])),
        _ => ("build-cache", "Build cache", None),
    };
    let prune = kinds.filter(|_| may(Permission::Remove)).map(|kinds| {
        view! {
            <button
                class="button"
                aria-label=crate::t!("Prune {}", t(what))
                on:click=super::widgets::on_click(move |_: leptos::ev::MouseEvent| menu.ask(Dialog::Prune(kinds)))
            >
                {t("Prune")}
            </button>
        }
        .into_any()
    });
    let in_use = line.kind.map(|_| crate::t!("{} of {}", line.in_use, line.count));
    view! {
        <tr data-disk=what data-bytes=line.bytes.to_string() data-reclaimable=line.reclaimable.to_string()>
            <td class="path">{t(words)}</td>
            <td class="number">{in_use}</td>
            <td class="number">{size(line.bytes)}</td>
            <td class="number">{size(line.reclaimable)}</td>
            <td class="act">{prune}</td>
        </tr>
    }
    .into_any()
}

fn size(bytes: u64) -> String {
    let (number, unit) = format::bytes(bytes);
    format!("{number} {unit}")
}
