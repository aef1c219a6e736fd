//! Usage charts: CPU, memory, network and disk of a container or of a whole host over time.

use super::{
    format,
    resource_list::go_to,
    widgets::{Axis, Plot, boxed, chart, toggle},
};
use crate::{
    client::{ErasedMemo, Store, erased_memo, erased_memo_from, t, translate},
    model::{ContainerId, HostId, Message, Rates, UsageBucket, UsageLevel},
    queries::usage::usage,
};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use std::sync::Arc;

/// Milliseconds, followed by: tenths of a percent of a core, bytes of memory, and bytes per second received, sent, read and
/// written. `None` where unknown.
pub type Point = (i64, [Option<u64>; 6]);

/// The time span of the charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    #[default]
    Live,
    Hour,
    SixHours,
    Day,
    Week,
}

impl Span {
    pub const ALL: [Self; 5] = [Self::Live, Self::Hour, Self::SixHours, Self::Day, Self::Week];

    /// The value in the address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "",
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Hour => "1 h",
            Self::SixHours => "6 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
        }
    }

    /// Length of the span in milliseconds.
    pub fn length(self) -> i64 {
        const MINUTE: i64 = 60_000;
        match self {
            Self::Live => 5 * MINUTE,
            Self::Hour => 60 * MINUTE,
            Self::SixHours => 6 * 60 * MINUTE,
            Self::Day => 24 * 60 * MINUTE,
            Self::Week => 7 * 24 * 60 * MINUTE,
        }
    }

    /// Milliseconds between points.
    pub fn step(self) -> i64 {
        match self {
            Self::Live => 1_000,
            Self::Hour | Self::SixHours | Self::Day => 60_000,
            Self::Week => 15 * 60_000,
        }
    }
}

/// The span in the address.
pub fn span_of_address() -> ErasedMemo<Span> {
    let address = use_query_map();
    erased_memo(move || {
        let said = address.with(|address| address.get("span")).unwrap_or_default();
        Span::ALL.into_iter().find(|span| span.as_str() == said).unwrap_or_default()
    })
}

/// Buttons to choose the span, and to pause the charts.
pub fn span_tools(path: &str, span: ErasedMemo<Span>, paused: RwSignal<bool>) -> AnyView {
    let to = go_to(path);
    let spans = Span::ALL.map(|it| {
        let to = to.clone();
        let pressed = boxed(move || (span.get() == it).to_string());
        let choose = move |_| to(&[("span", it.as_str())]);
        view! { <button aria-pressed=pressed on:click=choose>{t(it.word())}</button> }.into_any()
    });
    let pause = toggle(
        "button",
        "pause",
        "Pause",
        boxed(move || paused.get().to_string()),
        Box::new(move |_| paused.update(|paused| *paused = !*paused)),
    );
    view! {
        <div class="segmented words" role="group" aria-label=t("Time range")>{spans.into_iter().collect::<Vec<_>>()}</div>
        {pause}
    }
    .into_any()
}

/// Loads the history of a container, or of the whole host, for the chosen span, and reloads it every minute. Empty while
/// the span is live. The second signal is the error, if loading failed.
pub fn usage_history(
    host: HostId,
    container: Option<ContainerId>,
    span: ErasedMemo<Span>,
) -> (RwSignal<Arc<Vec<Point>>>, RwSignal<Option<Message>>) {
    let (points, failure) = (RwSignal::new(Arc::new(Vec::new())), RwSignal::new(None));
    let now = expect_context::<Store>().now();
    let minute = erased_memo(move || now.get().seconds() / 60);
    Effect::new(move |before: Option<Span>| {
        let span = span.get();
        if span == Span::Live {
            return span;
        }
        minute.track();
        if before != Some(span) {
            points.set(Arc::default());
        }
        let (host, container) = (host.clone(), container.clone());
        spawn_local(async move {
            let seconds = u32::try_from(span.length() / 1_000).unwrap_or(u32::MAX);
            let asked = usage(host, container, seconds).await;
            failure.try_set(asked.as_ref().err().map(|error| error.message.clone()));
            points.try_set(Arc::new(asked.unwrap_or_default().iter().map(point).collect()));
        });
        span
    });
    (points, failure)
}

fn point(it: &UsageBucket) -> Point {
    let UsageLevel { cpu_percent, memory_usage, rates } = it.average;
    (it.at.millis(), values(cpu_percent, memory_usage.map(|it| it as u64), Some(&rates)))
}

/// Converts usage to the values of a [`Point`], in its order and units.
pub fn values(cpu_percent: f64, memory_usage: Option<u64>, rates: Option<&Rates>) -> [Option<u64>; 6] {
    let rate = |of: fn(&Rates) -> Option<f64>| rates.and_then(of).map(|rate| rate as u64);
    [
        Some((cpu_percent * 10.0) as u64),
        memory_usage,
        rate(|it| it.network_rx),
        rate(|it| it.network_tx),
        rate(|it| it.block_read),
        rate(|it| it.block_write),
    ]
}

fn cpu(tenths: u64) -> String {
    format!("{} %", format::percent(tenths))
}

fn size(bytes: u64) -> String {
    let (text, unit) = format::bytes(bytes);
    format!("{text} {unit}")
}

fn rate(bytes: u64) -> String {
    format!("{}/s", size(bytes))
}

const CHARTS: [(Axis, &[usize]); 4] = [
    (Axis { title: "CPU", series: &["of one core"], least: 40, unit: |_| 1, value: cpu, tick: format::tick }, &[0]),
    (
        Axis {
            title: "Memory",
            series: &["in use"],
            least: 4_000_000,
            unit: format::unit_of,
            value: size,
            tick: format::tick,
        },
        &[1],
    ),
    (
        Axis {
            title: "Network",
            series: &["received", "sent"],
            least: 4_000,
            unit: format::unit_of,
            value: rate,
            tick: format::tick,
        },
        &[2, 3],
    ),
    (
        Axis {
            title: "Disk",
            series: &["read", "written"],
            least: 4_000,
            unit: format::unit_of,
            value: rate,
            tick: format::tick,
        },
        &[4, 5],
    ),
];

/// `live_points` are the points of the last minutes, oldest first. Other spans come from the history of the container, or
/// of the whole host. `nothing` is the text shown while there are no points.
pub fn usage_charts(
    host: HostId,
    container: Option<ContainerId>,
    live_points: Signal<Arc<Vec<Point>>>,
    (span, paused): (ErasedMemo<Span>, RwSignal<bool>),
    nothing: &'static str,
) -> AnyView {
    let pointed_at = RwSignal::new(None);
    let (kept, failure) = usage_history(host, container, span);
    // Paused charts don't change until they are resumed or another span is chosen.
    let frozen = erased_memo_from(move |before: Option<&(Span, Arc<Vec<Point>>)>| {
        let span = span.get();
        match before {
            Some(before) if before.0 == span && paused.get() => before.clone(),
            _ => (span, if span == Span::Live { live_points.get() } else { kept.get() }),
        }
    });
    let words = boxed(move || {
        let words = match (span.get(), failure.get()) {
            (Span::Live, _) => t(nothing).to_owned(),
            (_, Some(failure)) => translate(&failure),
            _ => t("No history for this period yet.").to_owned(),
        };
        frozen.with(|(_, points)| points.is_empty()).then(|| view! { <p class="quiet">{words}</p> }.into_any())
    });
    let now = expect_context::<Store>().now();
    let charts = CHARTS.map(|(axis, columns)| {
        let now = now.clone();
        let plot = erased_memo(move || {
            let (span, points) = frozen.get();
            let end = points.last().map_or_else(|| now.get_untracked().millis(), |(time, _)| *time);
            // Points with unknown values are left out, and the line continues from the point before.
            let of = |(time, values): &Point| {
                let values = columns.iter().map(|column| values[*column]).collect::<Option<Vec<u64>>>();
                values.map(|values| (*time, values))
            };
            // If the history has no room for the finest resolution, a coarser one is drawn.
            let steps = points.windows(2).map(|pair| pair[1].0 - pair[0].0);
            let step = steps.min().unwrap_or_default().max(span.step());
            let points = points.iter().filter_map(of).collect();
            Arc::new(Plot { start: end - span.length(), end, step, points })
        });
        chart(axis, plot, pointed_at)
    });
    view! {
        {words}
        <div class="charts">{charts.into_iter().collect::<Vec<_>>()}</div>
    }
    .into_any()
}
