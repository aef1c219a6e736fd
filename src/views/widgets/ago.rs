//! Relative time ("5 min ago"), updated by the page's one clock, with the exact time as a tooltip.

use super::boxed;
use crate::{
    client::{Store, scoped_memo},
    model::Timestamp,
    views::format,
};
use leptos::prelude::*;

#[component]
pub fn Ago(time: Timestamp) -> impl IntoView {
    let now = expect_context::<Store>().now();
    let ago = scoped_memo(move || format::ago(time, now.get()));
    view! {
        <time datetime=time.to_string() title=format::exact(time)>
            {boxed(move || ago.get())}
        </time>
    }
}
