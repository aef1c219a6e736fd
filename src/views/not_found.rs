//! The page for an address that leads nowhere.

use super::{Site, widgets::Icon};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    let site = Site::expect();
    view! {
        <Title text="Not found" />
        <section class="empty">
            <Icon name="search" />
            <h1>"There is no such page"</h1>
            <p>"The address may be mistyped, or from a later version."</p>
            <a class="button" href=site.page("/")>"Go to the dashboard"</a>
        </section>
    }
}
