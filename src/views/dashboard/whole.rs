//! Summary of all containers by state, as a bar with a legend.

use crate::{
    client::{Store, erased_memo, t},
    model::ContainerState,
    views::{Site, widgets::boxed},
};
use leptos::prelude::*;

/// A segment of the bar. Exited containers are split by whether they failed.
#[derive(Clone, Copy, PartialEq)]
struct Part {
    state: ContainerState,
    failed: bool,
    count: usize,
}

#[component]
pub(super) fn Whole() -> impl IntoView {
    let store = expect_context::<Store>();
    let site = Site::expect();
    let parts = erased_memo(move || {
        let failed = store.failed();
        let parts = ContainerState::ALL.into_iter().flat_map(|state| {
            let failed = if state == ContainerState::Exited { failed } else { 0 };
            let others = store.in_state(state) - failed;
            [Part { state, failed: false, count: others }, Part { state, failed: true, count: failed }]
        });
        parts.filter(|part| part.count > 0).collect::<Vec<_>>()
    });
    let total = move || parts.with(|parts| parts.iter().map(|part| part.count).sum::<usize>());
    let bar = boxed(move || {
        let whole = total().max(1);
        let percent = |part: usize| {
            let hundredths = part * 10_000 / whole;
            format!("{}.{:02}%", hundredths / 100, hundredths % 100)
        };
        let mut at = 0;
        parts
            .get()
            .into_iter()
            .map(|part| {
                let x = at;
                at += part.count;
                view! {
                    <rect
                        data-state=part.state.as_str()
                        data-code=part.failed.then_some("")
                        x=percent(x)
                        width=percent(part.count)
                    ></rect>
                }
                .into_any()
            })
            .collect::<Vec<_>>()
            .into_any()
    });
    let legend = boxed(move || {
        parts
            .get()
            .into_iter()
            .map(|part| {
                let word = if part.failed { "failed" } else { part.state.as_str() };
                let filter = if part.state == ContainerState::Dead { ContainerState::Exited } else { part.state };
                view! {
                    <a
                        class="state"
                        data-state=part.state.as_str()
                        data-code=part.failed.then_some("")
                        href=site.page(&format!("/containers?state={filter}"))
                    >
                        <b>{part.count.to_string()}</b>
                        {t(word)}
                    </a>
                }
                .into_any()
            })
            .collect::<Vec<_>>()
            .into_any()
    });
    view! {
        <section class="whole" aria-labelledby="whole">
            <h2 id="whole">{t("Containers")} <small>{boxed(move || total().to_string())}</small></h2>
            <svg class="meter" aria-hidden="true">{bar}</svg>
            <div class="legend">{legend}</div>
        </section>
    }
}
