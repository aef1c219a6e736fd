//! How long ago something was, ticking with the page's one clock; the exact time on hover.

use super::live;
use crate::{
    client::{Store, leaving_no_trace},
    model::Timestamp,
    views::format,
};
use leptos::prelude::*;

#[component]
pub fn Ago(time: Timestamp) -> impl IntoView {
    let now = expect_context::<Store>().now();
    let ago = leaving_no_trace(move || format::ago(time, now.get()));
    view! {
        <time datetime=time.to_string() title=format::exact(time)>
            {live(move || ago.get())}
        </time>
    }
}
