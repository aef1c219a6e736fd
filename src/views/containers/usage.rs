//! Resource usage: cells of a container's row, and a summary line for a project or the host.

use crate::{
    client::{Store, Trend, scoped_memo, t},
    model::{ContainerState, Key, Load, Machine},
    views::{
        format,
        widgets::{boxed, memo_view},
    },
};
use leptos::prelude::*;
use std::fmt::Write;

/// Percentages of the available amount: a bar turns to warning at the first, to alarm at the second.
const WARM: u64 = 80;
const ALARMING: u64 = 95;

/// Minimum scale of a sparkline, in tenths of a percent of a core, so that a nearly flat line doesn't look like mountains.
const LEAST_CPU: u64 = 100;

/// Contents of the five usage cells.
#[derive(Clone, PartialEq, Default)]
struct ShownUsage {
    cpu: Bar,
    memory: Bar,
    /// Empty while unknown.
    network: String,
    block: String,
    pids: String,
}

#[derive(Clone, PartialEq, Default)]
struct Bar {
    text: String,
    unit: &'static str,
    exact: String,
    /// Percentage of the available amount.
    part: u64,
    /// The last minute as the SVG path of an area.
    area: String,
}

impl ShownUsage {
    fn of(trend: &Trend, cpus: u64) -> Self {
        let it = &trend.latest;
        let cpu = (it.cpu_percent * 10.0) as u64;
        let pair = |inward: Option<f64>, outward: Option<f64>| {
            let both = inward.zip(outward);
            both.map(|(inward, outward)| format!("{} / {}", format::rate(inward), format::rate(outward)))
        };
        let highest_cpu = trend.cpu.iter().copied().max().unwrap_or_default().into();
        let highest_memory = trend.memory.iter().copied().max().unwrap_or_default();
        let memory = it.memory_usage.zip(it.memory_limit).map(|(used, limit)| {
            let (used, unit) = format::bytes(used);
            let (limit, limit_unit) = format::bytes(limit);
            Bar {
                exact: format!("{used} {unit}{}{limit} {limit_unit}", t(" of ")),
                text: used,
                unit,
                part: (it.memory_percent.unwrap_or_default() as u64).min(100),
                area: area(trend.memory.iter().copied(), highest_memory * 5 / 4),
            }
        });
        Self {
            cpu: Bar {
                text: format::percent(cpu),
                unit: "%",
                exact: crate::t!("{} % of one core ({} cores total)", format::percent(cpu), cpus),
                part: (cpu / 10 / cpus.max(1)).min(100),
                area: area(trend.cpu.iter().map(|it| u64::from(*it)), LEAST_CPU.max(highest_cpu)),
            },
            memory: memory.unwrap_or_default(),
            network: trend.rates.and_then(|it| pair(it.network_rx, it.network_tx)).unwrap_or_default(),
            block: trend.rates.and_then(|it| pair(it.block_read, it.block_write)).unwrap_or_default(),
            pids: it.pids.map(|count| count.to_string()).unwrap_or_default(),
        }
    }
}

/// An SVG path in a box of 60 by 20. The latest value is at the right edge, `highest` at the top.
fn area(values: impl ExactSizeIterator<Item = u64>, highest: u64) -> String {
    let mut x = 60_usize.saturating_sub(values.len());
    let mut path = String::with_capacity(values.len() * 6 + 16);
    let _ = write!(path, "M{x} 20");
    for value in values {
        let _ = write!(path, "L{x} {}", 20 - (value.min(highest) * 20).checked_div(highest).unwrap_or_default());
        x += 1;
    }
    let _ = write!(path, "L{} 20", x - 1);
    path
}

/// The usage cells of a container: empty while it isn't running or nothing is known yet.
pub(super) fn cells(store: &Store, key: &Key, state: ContainerState) -> AnyView {
    let (store, key) = (store.clone(), key.clone());
    memo_view(state == ContainerState::Running, move |runs| if *runs { used(store, &key) } else { unknown() })
}

fn used(store: Store, key: &Key) -> AnyView {
    let (trend, host) = (store.trend(key), store);
    let usage = scoped_memo(move || {
        let cpus = host.look(|state| state.hosts().next().and_then(|host| Some(host.engine.as_ref()?.cpus)));
        trend.with(|trend| trend.as_ref().map(|it| ShownUsage::of(it, cpus.unwrap_or(1).into())))
    });
    boxed(move || usage.get().map_or_else(unknown, drawn)).into_any()
}

fn unknown() -> AnyView {
    view! {
        <td class="cpu"></td>
        <td class="mem"></td>
        <td class="netio"></td>
        <td class="blockio"></td>
        <td class="pids"></td>
    }
    .into_any()
}

fn drawn(usage: ShownUsage) -> AnyView {
    view! {
        {memo_view(("cpu", usage.cpu), bar)}
        {memo_view(("mem", usage.memory), bar)}
        {memo_view(usage.network, |rates| network(rates))}
        {memo_view(usage.block, |rates| block(rates))}
        {memo_view(usage.pids, |count| pids(count))}
    }
    .into_any()
}

fn network(rates: &str) -> AnyView {
    view! { <td class="netio number" title=t("Received / sent per second")>{rates.to_owned()}</td> }.into_any()
}

fn block(rates: &str) -> AnyView {
    view! { <td class="blockio number" title=t("Read / written per second")>{rates.to_owned()}</td> }.into_any()
}

fn pids(count: &str) -> AnyView {
    view! { <td class="pids number">{count.to_owned()}</td> }.into_any()
}

fn bar((class, bar): &(&'static str, Bar)) -> AnyView {
    let level = match bar.part {
        ALARMING.. => Some("alarm"),
        WARM.. => Some("warm"),
        _ => None,
    };
    view! {
        <td class=*class data-level=level title=bar.exact.clone()>
            <svg viewBox="0 0 60 20" preserveAspectRatio="none" aria-hidden="true">
                {memo_view(bar.area.clone(), |area| view! { <path d=area.clone()></path> }.into_any())}
                <rect y="18" height="2" width=(bar.part * 60 / 100).to_string()></rect>
            </svg>
            <b>{bar.text.clone()}</b>
            <i>{bar.unit}</i>
        </td>
    }
    .into_any()
}

/// A project's CPU and memory usage in a few words.
pub(super) fn load_words(load: &Load) -> String {
    let memory = load.memory_usage.map(|used| {
        let (used, unit) = format::bytes(used);
        format!(" · {used} {unit}")
    });
    format!("CPU {} %{}", format::percent((load.cpu_percent * 10.0) as u64), memory.unwrap_or_default())
}

/// The usage of all containers on the host, and of the machine where known.
pub(super) fn host_words(load: &Load, machine: Option<&Machine>) -> String {
    let rates = load.rates.network_rx.zip(load.rates.network_tx);
    let rates = rates.map(|(rx, tx)| format!(" · ↓ {}/s ↑ {}/s", format::rate(rx), format::rate(tx)));
    let rates = rates.unwrap_or_default();
    match machine {
        Some(machine) => {
            let (total, unit) = format::bytes(machine.memory_total);
            format!("{}{}{total} {unit}{rates}", load_words(load), t(" of "))
        }
        None => format!("{}{rates}", load_words(load)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_area_chart_is_right_aligned() {
        assert_eq!(area([0, 50, 100].into_iter(), 100), "M57 20L57 20L58 10L59 0L59 20");
        assert_eq!(area([7].into_iter(), 0), "M59 20L59 20L59 20");
    }
}
