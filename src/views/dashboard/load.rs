//! Resource usage of all containers, and the top consumers.

use crate::{
    client::{Facet, Store, Subscriptions, Trend, effect, erased_memo, scoped_memo, t},
    model::{Container, Key, Kind, Load, Machine, Scope},
    views::{
        Site, format,
        rows::{RowKey, keyed},
        usage_charts::{Point, Span, span_of_address, span_tools, usage_charts, values},
        widgets::boxed,
    },
};
use leptos::prelude::*;
use std::sync::Arc;

/// Number of top containers shown for CPU and for memory.
const SHOWN: usize = 5;

#[component]
pub(super) fn HostLoad() -> impl IntoView {
    let store = expect_context::<Store>();
    let look = store.subscriber();
    effect(move || look(Subscriptions { loads: true, ..Subscriptions::default() }));
    let (span, paused) = (span_of_address(), RwSignal::new(false));
    let points = RwSignal::new(Arc::new(Vec::<Point>::new()));
    let (loads, now) = (store.loads(), store.now());
    let of_host = loads.clone();
    effect(move || {
        let Some(point) = loads
            .with(|loads| loads.of(&Scope::Host).map(|it| values(it.cpu_percent, it.memory_usage, Some(&it.rates))))
        else {
            return;
        };
        let time = now.get_untracked().millis();
        points.update(|points| {
            let points = Arc::make_mut(points);
            points.retain(|(at, _)| (time - Span::Live.length()..time).contains(at));
            points.push((time, point));
        });
    });
    let words = boxed(move || {
        of_host.with(|loads| {
            let load = loads.of(&Scope::Host)?;
            Some(whole(load, loads.machines.first()))
        })
    });
    let host = store.look(|state| state.hosts().next().map(|host| host.id.clone()));
    let charts = host.map(|host| {
        usage_charts(host, None, points.into(), (span, paused), "Stats appear when a container is running.")
    });
    view! {
        <section class="usage" aria-labelledby="load">
            <header>
                <h2 id="load">{t("Resource usage")}</h2>
                <p class="load">{words}</p>
                {span_tools("/", span, paused)}
            </header>
            {charts}
        </section>
        {top("top-cpu", "Top CPU", |trend| Some((trend.latest.cpu_percent * 10.0) as u64), |it| {
            format!("{} %", format::percent(it))
        })}
        {top("top-memory", "Top memory", |trend| trend.latest.memory_usage, |it| {
            let (text, unit) = format::bytes(it);
            format!("{text} {unit}")
        })}
    }
}

/// The sum of all containers, and the usage of their machine.
fn whole(load: &Load, machine: Option<&Machine>) -> String {
    let containers =
        crate::t!("{} running", format::count(load.containers as usize, ["{} container", "{} containers"]));
    let Some(machine) = machine else { return containers };
    let size = |bytes| {
        let (text, unit) = format::bytes(bytes);
        format!("{text} {unit}")
    };
    crate::t!(
        "{} · host: {} % of {}, {} of {}",
        containers,
        format::percent((machine.cpu_percent * 10.0) as u64),
        format::count(machine.cpus as usize, ["{} core", "{} cores"]),
        size(machine.memory_usage),
        size(machine.memory_total),
    )
}

/// `None` if unknown.
type Measure = fn(&Trend) -> Option<u64>;

/// The containers with the highest values of a measure.
fn top(id: &'static str, title: &'static str, measure: Measure, text: fn(u64) -> String) -> AnyView {
    let store = expect_context::<Store>();
    let loads = store.loads();
    let ranked = erased_memo(move || {
        // Updates with each load message.
        loads.track();
        store.track_members(Kind::Container);
        store.track_facet(Facet::State);
        let mut known: Vec<(Option<u64>, Key)> = store.look(|state| {
            let running = state.containers().filter(|it| it.state == crate::model::ContainerState::Running);
            let keys = running.map(|it| Key::Container(it.host.clone(), it.id.clone()));
            keys.filter_map(|key| Some((store.known_trend(&key, measure)?, key))).collect()
        });
        known.sort_by(|a, b| b.cmp(a));
        known.into_iter().take(SHOWN).map(|(_, key)| RowKey::Entity(key)).collect::<Vec<_>>()
    });
    let nothing = boxed(move || {
        ranked.with(Vec::is_empty).then(|| view! { <p class="quiet">{t("No running containers.")}</p> }.into_any())
    });
    view! {
        <section class="most" aria-labelledby=id>
            <h2 id=id>{t(title)}</h2>
            {nothing}
            <ul class="bars">{keyed(move || ranked.get(), move |line| bar(line, measure, text))}</ul>
        </section>
    }
    .into_any()
}

fn bar(line: RowKey, measure: Measure, text: fn(u64) -> String) -> AnyView {
    let RowKey::Entity(key) = line else {
        return ().into_any();
    };
    let store = expect_context::<Store>();
    let Some(row) = store.entity(&key) else {
        return ().into_any();
    };
    let trend = store.trend(&key);
    let value = scoped_memo(move || trend.with(|trend| trend.as_ref().and_then(measure)));
    let name = boxed(move || row.container(|it: &Container| it.name.clone()));
    let href = Site::expect().page(&format!("/containers/{}", key.id()));
    view! {
        <li>
            <a href=href>{name}</a>
            <b>{boxed(move || value.get().map(text))}</b>
        </li>
    }
    .into_any()
}
