//! Recording of a container's resource usage while the page is open.

use crate::{
    client::{Store, Trend, effect},
    model::Key,
    views::usage_charts::{Point, Span, values},
};
use leptos::prelude::*;
use std::sync::Arc;

#[derive(Clone, Copy)]
pub(super) struct Recording(RwSignal<Arc<Vec<Point>>>);

impl Recording {
    pub(super) fn of(store: &Store, key: &Key) -> Self {
        let points = RwSignal::new(Arc::new(Vec::new()));
        let trend = store.trend(key);
        effect(move || {
            let Some(point) = trend.with(|trend| trend.as_ref().map(point)) else { return };
            points.update(|points| {
                let points = Arc::make_mut(points);
                points.retain(|(time, _)| (point.0 - Span::Live.length()..point.0).contains(time));
                points.push(point);
            });
        });
        Self(points)
    }

    pub(super) fn points(self) -> Signal<Arc<Vec<Point>>> {
        self.0.into()
    }
}

fn point(trend: &Trend) -> Point {
    let it = &trend.latest;
    (it.timestamp.millis(), values(it.cpu_percent, it.memory_usage, trend.rates.as_ref()))
}
