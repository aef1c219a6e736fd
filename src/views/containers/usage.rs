//! What a container uses, in the cells of its row; and what a project or the host uses, in a line.

use crate::{
    client::{Store, Trend, leaving_no_trace, t},
    model::{ContainerState, Key, Load, Machine},
    views::{
        format,
        widgets::{kept, live},
    },
};
use leptos::prelude::*;
use std::fmt::Write;

/// Of what there is, in percent: from here on a bar warms, and from there on it alarms.
const WARM: u64 = 80;
const ALARMING: u64 = 95;

/// A flat line must not look like mountains: the least that a line's height stands for, in tenths of a percent of a core.
const LEAST_CPU: u64 = 100;

/// What the five cells say.
#[derive(Clone, PartialEq, Default)]
struct Told {
    cpu: Bar,
    memory: Bar,
    network: String,
    block: String,
    pids: String,
}

#[derive(Clone, PartialEq, Default)]
struct Bar {
    text: String,
    unit: &'static str,
    exact: String,
    /// How much of what there is, in percent.
    part: u64,
    /// The minute behind, as the path of an area.
    area: String,
}

impl Told {
    fn of(trend: &Trend, cpus: u64) -> Self {
        let it = &trend.latest;
        let (used, unit) = format::bytes(it.memory_usage);
        let (limit, limit_unit) = format::bytes(it.memory_limit);
        let cpu = (it.cpu_percent * 10.0) as u64;
        let pair = |inward, outward| format!("{} / {}", format::rate(inward), format::rate(outward));
        let highest_cpu = trend.cpu.iter().copied().max().unwrap_or_default().into();
        let highest_memory = trend.memory.iter().copied().max().unwrap_or_default();
        Self {
            cpu: Bar {
                text: format::percent(cpu),
                unit: "%",
                exact: crate::t!("{} % of one core, of {} cores", format::percent(cpu), cpus),
                part: (cpu / 10 / cpus.max(1)).min(100),
                area: area(trend.cpu.iter().map(|it| u64::from(*it)), LEAST_CPU.max(highest_cpu)),
            },
            memory: Bar {
                text: used.clone(),
                unit,
                exact: format!("{used} {unit}{}{limit} {limit_unit}", t(" of ")),
                part: (it.memory_percent as u64).min(100),
                area: area(trend.memory.iter().copied(), highest_memory * 5 / 4),
            },
            network: pair(trend.rates.network_rx, trend.rates.network_tx),
            block: pair(trend.rates.block_read, trend.rates.block_write),
            pids: it.pids.to_string(),
        }
    }
}

/// In a box of 60 by 20: the latest at its right edge, `highest` at its top.
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

/// The cells of a container: empty while it doesn't run, or nothing is known yet.
pub(super) fn cells(store: &Store, key: &Key, state: ContainerState) -> AnyView {
    let (store, key) = (store.clone(), key.clone());
    kept(state == ContainerState::Running, move |runs| if *runs { used(store, &key) } else { unknown() })
}

fn used(store: Store, key: &Key) -> AnyView {
    let (trend, host) = (store.trend(key), store);
    let told = leaving_no_trace(move || {
        let cpus = host.look(|state| state.hosts().next().and_then(|host| Some(host.engine.as_ref()?.cpus)));
        trend.with(|trend| trend.as_ref().map(|it| Told::of(it, cpus.unwrap_or(1).into())))
    });
    live(move || told.get().map_or_else(unknown, drawn)).into_any()
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

fn drawn(told: Told) -> AnyView {
    view! {
        {kept(("cpu", told.cpu), bar)}
        {kept(("mem", told.memory), bar)}
        {kept(told.network, |rates| network(rates))}
        {kept(told.block, |rates| block(rates))}
        {kept(told.pids, |count| pids(count))}
    }
    .into_any()
}

fn network(rates: &str) -> AnyView {
    view! { <td class="netio number" title=t("Received / sent, each second")>{rates.to_owned()}</td> }.into_any()
}

fn block(rates: &str) -> AnyView {
    view! { <td class="blockio number" title=t("Read / written, each second")>{rates.to_owned()}</td> }.into_any()
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
                {kept(bar.area.clone(), |area| view! { <path d=area.clone()></path> }.into_any())}
                <rect y="18" height="2" width=(bar.part * 60 / 100).to_string()></rect>
            </svg>
            <b>{bar.text.clone()}</b>
            <i>{bar.unit}</i>
        </td>
    }
    .into_any()
}

/// What a project uses: CPU and memory, in a few words.
pub(super) fn load_words(load: &Load) -> String {
    let (memory, unit) = format::bytes(load.memory_usage);
    format!("CPU {} % · {memory} {unit}", format::percent((load.cpu_percent * 10.0) as u64))
}

/// What all of the host uses; of the machine too, where it is known.
pub(super) fn host_words(load: &Load, machine: Option<&Machine>) -> String {
    let rates = format!("↓ {}/s ↑ {}/s", format::rate(load.rates.network_rx), format::rate(load.rates.network_tx));
    match machine {
        Some(machine) => {
            let (total, unit) = format::bytes(machine.memory_total);
            format!("{}{}{total} {unit} · {rates}", load_words(load), t(" of "))
        }
        None => format!("{} · {rates}", load_words(load)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_an_area_that_ends_at_the_right() {
        assert_eq!(area([0, 50, 100].into_iter(), 100), "M57 20L57 20L58 10L59 0L59 20");
        assert_eq!(area([7].into_iter(), 0), "M59 20L59 20L59 20");
    }
}
