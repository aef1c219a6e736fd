//! How long ago something was, ticking with the page's one clock; the exact time on hover.

use super::live;
use crate::{client::Store, model::Timestamp, views::format};
use leptos::prelude::*;

#[component]
pub fn Ago(time: Timestamp) -> impl IntoView {
    let now = expect_context::<Store>().now();
    view! {
        <time datetime=time.to_string() title=format::exact(time)>
            {live(move || format::ago(time, now.get()))}
        </time>
    }
}
