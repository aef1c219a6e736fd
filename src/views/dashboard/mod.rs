//! `/`: what needs attention, what runs, what changed, and the host.

mod attention;
mod host;
mod load;
mod recent;
mod whole;

use super::{
    lazy::lazy_code,
    page_entry::{Code, Count, FIRST, PageEntry, SidebarLink, Visit, on_server},
    sees_all,
};
use crate::{
    client::t,
    model::{Entity, Key, Kind},
};
use attention::Attention;
pub use attention::needing_attention;
pub use host::HostFacts;
use leptos::prelude::*;
use leptos_meta::Title;
use load::HostLoad;
use recent::Recent;
pub use recent::latest;
use whole::Whole;

pub(super) const PAGE: PageEntry = PageEntry {
    title: "Dashboard",
    link: SidebarLink::top("dashboard", Count::None),
    code: Code::Lazy(CODE),
    initial_state: on_server(initial_state),
};

lazy_code!(CODE in usage: DashboardPage());

/// Entities of a kind that the page sums up are sent up to this number.
const SUMMED_UP: usize = 300;

fn initial_state(visit: &Visit) -> Vec<Key> {
    let few = |kind| visit.state.entities(kind).take(SUMMED_UP).map(Entity::key);
    let attention = needing_attention(visit.state, visit.now).into_iter().take(FIRST);
    attention.chain(latest(visit.state)).chain(few(Kind::Image)).chain(few(Kind::Volume)).collect()
}

#[component]
pub fn DashboardPage() -> impl IntoView {
    view! {
        <Title text=t("Dashboard") />
        <div class="head"><h1>{t("Dashboard")}</h1></div>
        <div class="dashboard">
            <Attention />
            <Whole />
            {sees_all().then(|| view! { <HostLoad /> }.into_any())}
            <Recent />
            <HostFacts />
        </div>
    }
}
