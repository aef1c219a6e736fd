//! Providers and the route table.

use super::{LazyPage, Site, containers::ContainersPage, frame::Frame, not_found::NotFoundPage};
use crate::client::Toasts;
use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(Toasts::new());
    let base = Site::expect().router_base.to_string();
    view! {
        <Router base>
            <Frame>
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=path!("/") view=LazyPage::Dashboard ssr=SsrMode::Async />
                    <Route path=path!("/containers") view=ContainersPage ssr=SsrMode::Async />
                    <Route path=path!("/containers/:id") view=LazyPage::Container ssr=SsrMode::Async />
                    <Route path=path!("/images") view=LazyPage::Images ssr=SsrMode::Async />
                    <Route path=path!("/volumes") view=LazyPage::Volumes ssr=SsrMode::Async />
                    <Route path=path!("/networks") view=LazyPage::Networks ssr=SsrMode::Async />
                    <Route path=path!("/images/:id") view=LazyPage::Image ssr=SsrMode::Async />
                    <Route path=path!("/volumes/:id") view=LazyPage::Volume ssr=SsrMode::Async />
                    <Route path=path!("/networks/:id") view=LazyPage::Network ssr=SsrMode::Async />
                    <Route path=path!("/engine") view=LazyPage::Engine ssr=SsrMode::Async />
                    <Route path=path!("/events") view=LazyPage::Events ssr=SsrMode::Async />
                    <Route path=path!("/alerts") view=LazyPage::Alerts ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=LazyPage::Settings ssr=SsrMode::Async />
                    <Route path=path!("/realtime-test") view=LazyPage::RealtimeTest ssr=SsrMode::Async />
                </FlatRoutes>
            </Frame>
        </Router>
    }
}
