//! An icon of the sprite. Decoration: what it means is said in words beside it.

use super::live;
use crate::views::Site;
use leptos::prelude::*;

#[component]
pub fn Icon(#[prop(into)] name: Signal<&'static str>) -> impl IntoView {
    let sprite = Site::expect().file("/icons.svg");
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=live(move || format!("{sprite}#{}", name.get()))></use>
        </svg>
    }
}
