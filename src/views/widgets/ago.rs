//! How long ago something was, ticking with the page's one clock; the exact time on hover.

use super::live;
use crate::{client::Store, model::Timestamp, views::format};
use leptos::prelude::*;

#[component]
pub fn Ago(#[prop(into)] time: Signal<Timestamp>) -> impl IntoView {
    let now = expect_context::<Store>().now();
    view! {
        <time datetime=live(move || time.get().to_string()) title=live(move || format::exact(time.get()))>
            {live(move || format::ago(time.get(), now.get()))}
        </time>
    }
}
