//! The app's root: providers, and the frame around all pages.

use super::{
    Site,
    frame::Frame,
    pages::{PAGES, routes},
};
use crate::client::Toasts;
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::Router;

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(Toasts::new());
    let base = Site::expect().router_base.to_string();
    view! {
        <Router base>
            <Frame pages=PAGES>{routes()}</Frame>
        </Router>
    }
}
