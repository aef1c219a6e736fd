//! Providers and the route table.

use super::{Later, Site, containers::ContainersPage, frame::Frame, not_found::NotFoundPage};
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
                    <Route path=path!("/") view=Later::Dashboard ssr=SsrMode::Async />
                    <Route path=path!("/containers") view=ContainersPage ssr=SsrMode::Async />
                    <Route path=path!("/containers/:id") view=Later::Container ssr=SsrMode::Async />
                    <Route path=path!("/images") view=Later::Images ssr=SsrMode::Async />
                    <Route path=path!("/volumes") view=Later::Volumes ssr=SsrMode::Async />
                    <Route path=path!("/networks") view=Later::Networks ssr=SsrMode::Async />
                    <Route path=path!("/images/:id") view=Later::Image ssr=SsrMode::Async />
                    <Route path=path!("/volumes/:id") view=Later::Volume ssr=SsrMode::Async />
                    <Route path=path!("/networks/:id") view=Later::Network ssr=SsrMode::Async />
                    <Route path=path!("/engine") view=Later::Engine ssr=SsrMode::Async />
                    <Route path=path!("/events") view=Later::Events ssr=SsrMode::Async />
                    <Route path=path!("/alerts") view=Later::Alerts ssr=SsrMode::Async />
                    <Route path=path!("/settings") view=Later::Settings ssr=SsrMode::Async />
                    <Route path=path!("/realtime-test") view=Later::RealtimeTest ssr=SsrMode::Async />
                </FlatRoutes>
            </Frame>
        </Router>
    }
}
