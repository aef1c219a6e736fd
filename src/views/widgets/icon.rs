//! Icon from the sprite. Purely decorative: the text beside it states the meaning.

use crate::views::Site;
use leptos::prelude::*;

#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    let sprite = Site::expect().file("/icons.svg");
    view! {
        <svg class="icon" aria-hidden="true">
            <use href=format!("{sprite}#{name}")></use>
        </svg>
    }
}
