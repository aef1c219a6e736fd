//! Line and area chart over time, drawn in a box that stretches to any width. It measures nothing in the DOM, so the server
//! renders the same picture.

use super::{Boxed, boxed};
use crate::client::{ErasedMemo, t};
use leptos::{ev::PointerEvent, html, prelude::*};
use std::{fmt::Write, sync::Arc};

/// Size of the box that paths are drawn in.
const WIDE: i64 = 1_000;
const HIGH: u64 = 1_000;

/// Number of grid lines above the base line.
const LINES: u64 = 4;

/// Number of intervals between the time labels.
const TIMES: i64 = 4;

/// If more than this many steps lie between two points, the line is interrupted: the values in between are unknown.
const GAP: i64 = 3;

/// The data of a chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plot {
    /// Milliseconds: the left edge, the right edge, and the usual distance between two points.
    pub start: i64,
    pub end: i64,
    pub step: i64,
    /// Oldest first: milliseconds, and a value for each series.
    pub points: Vec<(i64, Vec<u64>)>,
}

impl Plot {
    /// The value of the top grid line: a multiple of a round step.
    fn top(&self, axis: &Axis) -> u64 {
        let highest = self.points.iter().flat_map(|(_, values)| values).copied().max().unwrap_or_default();
        let step = highest.max(axis.least).div_ceil(LINES).max(1);
        let unit = (axis.unit)(step);
        round_up(step.div_ceil(unit)) * unit * LINES
    }

    fn x(&self, time: i64) -> i64 {
        (time - self.start) * WIDE / (self.end - self.start).max(1)
    }

    /// SVG paths of a series: its line, and the closed area below it.
    fn paths(&self, series: usize, top: u64) -> (String, String) {
        let (mut line, mut area) = (String::new(), String::new());
        let mut last: Option<i64> = None;
        for (time, values) in self.points.iter().filter(|(time, _)| *time >= self.start - self.step) {
            let Some(value) = values.get(series) else { continue };
            let (x, y) = (self.x(*time), HIGH - (value.min(&top) * HIGH).checked_div(top).unwrap_or_default());
            match last.filter(|last| time - last <= GAP * self.step) {
                Some(_) => {
                    let _ = write!(line, "L{x} {y}");
                    let _ = write!(area, "L{x} {y}");
                }
                None => {
                    if let Some(last) = last {
                        let _ = write!(area, "L{} {HIGH}Z", self.x(last));
                    }
                    let _ = write!(line, "M{x} {y}");
                    let _ = write!(area, "M{x} {HIGH}L{x} {y}");
                }
            }
            last = Some(*time);
        }
        if let Some(last) = last {
            let _ = write!(area, "L{} {HIGH}Z", self.x(last));
        }
        (line, area)
    }

    /// The point nearest to a time.
    fn at(&self, time: i64) -> Option<&(i64, Vec<u64>)> {
        self.points.iter().min_by_key(|(at, _)| (at - time).abs())
    }
}

/// The smallest of 1, 2, 2.5 or 5 times a power of ten that is at least `value`.
fn round_up(value: u64) -> u64 {
    let mut power = 1;
    loop {
        for step in [power, 2 * power, 5 * power / 2, 5 * power] {
            if step >= value && (power > 1 || step * 2 != 5) {
                return step;
            }
        }
        power *= 10;
    }
}

/// The fixed properties of a chart.
#[derive(Clone, Copy)]
pub struct Axis {
    pub title: &'static str,
    pub series: &'static [&'static str],
    /// Minimum value of the top grid line, so that noise doesn't look like mountains.
    pub least: u64,
    /// The unit in which a value is rounded: a thousand bytes are no round number of KiB.
    pub unit: fn(u64) -> u64,
    /// Formats a value with its unit.
    pub value: fn(u64) -> String,
    /// Formats a time in milliseconds for a span in milliseconds. A span of 0 gives the full time.
    pub tick: fn(i64, i64) -> String,
}

/// `pointed_at` is the time under the pointer, shared by several charts.
pub fn chart(axis: Axis, plot: ErasedMemo<Arc<Plot>>, pointed_at: RwSignal<Option<i64>>) -> AnyView {
    let field = NodeRef::<html::Div>::new();
    let point = move |event: PointerEvent| {
        let Some(field) = field.get_untracked() else { return };
        let rect = field.get_bounding_client_rect();
        let part = (f64::from(event.client_x()) - rect.left()) / rect.width().max(1.0);
        plot.with_untracked(|plot| {
            pointed_at.set(Some(plot.start + ((plot.end - plot.start) as f64 * part) as i64));
        });
    };
    let shapes = boxed(move || {
        plot.with(|plot| {
            let top = plot.top(&axis);
            let paths = (0..axis.series.len()).map(|series| {
                let (line, area) = plot.paths(series, top);
                view! {
                    <path class="area" data-series=series.to_string() d=area></path>
                    <path class="line" data-series=series.to_string() d=line></path>
                }
                .into_any()
            });
            paths.collect::<Vec<_>>().into_any()
        })
    });
    let cursor = boxed(move || {
        let x = pointed_at.get().map(|time| plot.with(|plot| plot.at(time).map_or(0, |(at, _)| plot.x(*at))));
        x.map(|x| view! { <path class="cursor" d=format!("M{x} 0V{HIGH}")></path> }.into_any())
    });
    let scale = boxed(move || {
        let top = plot.with(|plot| plot.top(&axis));
        let lines = (0..=LINES).rev().map(|line| view! { <span>{(axis.value)(top * line / LINES)}</span> }.into_any());
        lines.collect::<Vec<_>>().into_any()
    });
    let times = boxed(move || {
        let (start, end) = plot.with(|plot| (plot.start, plot.end));
        let ticks = (0..=TIMES).map(|tick| {
            let time = start + (end - start) * tick / TIMES;
            view! { <span>{(axis.tick)(time, end - start)}</span> }.into_any()
        });
        ticks.collect::<Vec<_>>().into_any()
    });
    let legend = axis.series.iter().enumerate().map(|(series, name)| {
        let value = boxed(move || {
            let pointed_at = pointed_at.get();
            plot.with(|plot| {
                let point = pointed_at.map_or_else(|| plot.points.last(), |time| plot.at(time));
                point.and_then(|(_, values)| values.get(series)).map_or_else(String::new, |it| (axis.value)(*it))
            })
        });
        view! { <span data-series=series.to_string()>{t(name)} " " <b>{value}</b></span> }.into_any()
    });
    let legend: Vec<_> = legend.collect();
    let when: Boxed<String> = boxed(move || {
        let time = pointed_at.get().and_then(|time| plot.with(|plot| plot.at(time).map(|(at, _)| *at)));
        time.map_or_else(String::new, |time| (axis.tick)(time, 0))
    });
    view! {
        <figure class="chart">
            <figcaption>
                <b>{t(axis.title)}</b>
                <time>{when}</time>
                {legend}
            </figcaption>
            <div class="scale" aria-hidden="true">{scale}</div>
            <div class="field" node_ref=field on:pointermove=point on:pointerleave=move |_| pointed_at.set(None)>
                <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">
                    <path class="grid" d="M0 0H1000M0 250H1000M0 500H1000M0 750H1000M0 1000H1000"></path>
                    {shapes}
                    {cursor}
                </svg>
            </div>
            <div class="times" aria-hidden="true">{times}</div>
        </figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_ends_at_a_round_value() {
        for (value, round) in [(1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 25), (26, 50), (51, 100), (101, 200)] {
            assert_eq!(round_up(value), round, "{value}");
        }
        let top = |least, unit| {
            let axis =
                Axis { title: "", series: &[], least, unit, value: |it| it.to_string(), tick: |_, _| String::new() };
            Plot::default().top(&axis)
        };
        assert_eq!((top(0, |_| 1), top(390, |_| 1), top(390, |_| 64)), (4, 400, 512));
    }

    #[test]
    fn gap_splits_a_line_and_its_area() {
        let points = [(0, 4), (1, 2), (9, 4), (10, 0)].map(|(time, value)| (time, vec![value])).to_vec();
        let plot = Plot { start: 0, end: 10, step: 1, points };
        let (line, area) = plot.paths(0, 4);
        assert_eq!(line, "M0 0L100 500M900 0L1000 1000");
        assert_eq!(area, "M0 1000L0 0L100 500L100 1000ZM900 1000L900 0L1000 1000L1000 1000Z");
        assert_eq!(plot.at(7).map(|(time, _)| *time), Some(9));
    }
}
