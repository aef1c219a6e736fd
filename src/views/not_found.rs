//! The page for an unknown address.

use super::{Site, widgets::Icon};
use crate::client::t;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    let site = Site::expect();
    view! {
        <Title text=t("Not found") />
        <section class="empty">
            <Icon name="search" />
            <h1>{t("Page not found")}</h1>
            <p>{t("The address may be mistyped, or the page may not exist in this version.")}</p>
            <a class="button" href=site.page("/")>{t("Go to the dashboard")}</a>
        </section>
    }
}
