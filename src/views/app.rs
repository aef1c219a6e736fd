//! Providers and the route table.

use super::{
    Site, containers::ContainersPage, dashboard::DashboardPage, frame::Frame, images::ImagesPage,
    networks::NetworksPage, not_found::NotFoundPage, realtime_test::RealtimeTestPage, volumes::VolumesPage,
};
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
                    <Route path=path!("/") view=DashboardPage ssr=SsrMode::Async />
                    <Route path=path!("/containers") view=ContainersPage ssr=SsrMode::Async />
                    <Route path=path!("/images") view=ImagesPage ssr=SsrMode::Async />
                    <Route path=path!("/volumes") view=VolumesPage ssr=SsrMode::Async />
                    <Route path=path!("/networks") view=NetworksPage ssr=SsrMode::Async />
                    <Route path=path!("/realtime-test") view=RealtimeTestPage ssr=SsrMode::Async />
                </FlatRoutes>
            </Frame>
        </Router>
    }
}
