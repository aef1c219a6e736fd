//! Latency from event to paint: each leg, and a histogram of the total.

use crate::{
    client::{BOUNDS, Figures, Leg, Store, erased_memo, t},
    views::{format, widgets::boxed},
};
use leptos::prelude::*;

#[component]
pub(super) fn Latency() -> impl IntoView {
    let store = expect_context::<Store>();
    let latencies = store.latencies();
    let bars = erased_memo(move || latencies.with(|it| it.histogram()));
    let tallest = move || bars.with(|bars| bars.iter().copied().max().unwrap_or_default().max(1));
    let words = boxed(move || {
        let bars = bars.get();
        let at = |place: usize| format!("{} {}", bars[place], scale(place));
        let filled = (0..bars.len()).filter(|place| bars[*place] > 0).map(at).collect::<Vec<_>>().join(", ");
        if filled.is_empty() {
            t("Event to paint: no changes yet").to_owned()
        } else {
            crate::t!("Event to paint: {}", filled)
        }
    });
    let bar = |place: usize| {
        let height = boxed(move || format!("{}%", bars.with(|bars| bars[place]) * 100 / tallest()));
        let number = boxed(move || {
            bars.with(|bars| Some(bars[place]).filter(|it| *it > 0).map(|it| it.to_string()).unwrap_or_default())
        });
        view! {
            <span>
                <small>{number}</small>
                <svg aria-hidden="true"><rect width="100%" height=height></rect></svg>
                <small>{scale(place)}</small>
            </span>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="latency">
            <h2 id="latency">{t("Latency")}</h2>
            <table class="table legs" role="table" aria-label=t("Latency")>
                <thead role="rowgroup">
                    <tr role="row">
                        <th class="name" role="columnheader">{t("Stage")}</th>
                        <th class="mid number" role="columnheader">"p50"</th>
                        <th class="high number" role="columnheader">"p95"</th>
                        <th class="max number" role="columnheader">{t("max")}</th>
                        <th class="last number" role="columnheader">{t("Changes")}</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{Leg::ALL.map(leg).into_iter().collect::<Vec<_>>()}</tbody>
            </table>
            <div class="histogram" role="img" data-histogram="" aria-label=words>
                {(0..=BOUNDS.len()).map(bar).collect::<Vec<_>>()}
            </div>
        </section>
    }
}

fn leg(leg: Leg) -> AnyView {
    let (latencies, counted) = (expect_context::<Store>().latencies(), expect_context::<Store>().latencies());
    let count = boxed(move || counted.with(|it| it.count).to_string());
    let figures = erased_memo(move || latencies.with(|it| it.figures(leg)));
    let cell = |name: &'static str, class: &'static str, read: fn(Figures) -> i64| {
        let figure = boxed(move || figures.get().map(|it| format::micros(read(it))).unwrap_or_default());
        view! { <td class=class data-figure=name>{figure}</td> }.into_any()
    };
    view! {
        <tr role="row" data-leg=leg.as_str()>
            <th class="name" role="rowheader" scope="row"><b>{t(name(leg))}</b></th>
            {cell("p50", "mid number", |it| it.p50)}
            {cell("p95", "high number", |it| it.p95)}
            {cell("max", "max number", |it| it.max)}
            <td class="last number" data-figure="count">{count}</td>
        </tr>
    }
    .into_any()
}

fn name(leg: Leg) -> &'static str {
    match leg {
        Leg::Engine => "Engine → server",
        Leg::Server => "Server processing",
        Leg::Network => "Server → browser",
        Leg::Paint => "Browser → paint",
        Leg::Total => "Event → paint",
    }
}

/// A bar's upper bound as text.
fn scale(place: usize) -> String {
    match BOUNDS.get(place) {
        Some(bound) if *bound >= 1_000_000 => format!("≤ {} s", bound / 1_000_000),
        Some(7_500) => "≤ 7.5 ms".to_owned(),
        Some(bound) => format!("≤ {} ms", bound / 1_000),
        None => t("more").to_owned(),
    }
}
