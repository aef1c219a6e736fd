//! `/`: what needs attention, what runs, what changed, and the host.

mod attention;
mod host;
mod load;
mod recent;
mod whole;

use crate::client::t;
use attention::Attention;
pub use attention::needing_attention;
pub use host::HostFacts;
use leptos::prelude::*;
use leptos_meta::Title;
use load::HostLoad;
use recent::Recent;
pub use recent::latest;
use whole::Whole;

#[component]
pub fn DashboardPage() -> impl IntoView {
    view! {
        <Title text=t("Dashboard") />
        <div class="head"><h1>{t("Dashboard")}</h1></div>
        <div class="dashboard">
            <Attention />
            <Whole />
            <HostLoad />
            <Recent />
            <HostFacts />
        </div>
    }
}
