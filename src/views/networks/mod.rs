//! `/networks`: what connects containers, and who is on it.

mod row;

use super::{
    listing::{Column, ListTools, Listing, UsageFilter, mentions},
    widgets::{Command, Icon, live},
};
use crate::{
    client::Store,
    model::{Network, NetworkId, Scoped},
};
use leptos::prelude::*;
use leptos_meta::Title;
use row::Row;
use std::sync::Arc;

const FILTERS: &[UsageFilter] = &[UsageFilter::All, UsageFilter::InUse, UsageFilter::Unused];

#[component]
pub fn NetworksPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let listing = Listing::at("/networks");
    let all = Memo::new(move |_| {
        store.track_networks();
        store.look(|state| state.networks().cloned().collect::<Vec<_>>())
    });
    let chosen = Memo::new(move |_| all.with(|all| select(all, &listing)));
    let total = live(move || all.with(Vec::len).to_string());
    let count = move |filter: UsageFilter| {
        all.with(|all| all.iter().filter(|it| filter.passes(it.usage, false)).count())
    };
    let shown = Memo::new(move |_| (all.with(Vec::is_empty), chosen.with(Vec::is_empty)));
    view! {
        <Title text="Networks" />
        <div class="head">
            <h1>"Networks" <small>{total}</small></h1>
        </div>
        {live(move || match shown.get() {
            (true, _) => view! {
                <section class="empty">
                    <Icon name="networks" />
                    <h2>"No networks yet"</h2>
                    <p>"Create one in a terminal and it appears here at once."</p>
                    <Command text="docker network create backend" />
                </section>
            }.into_any(),
            (false, nothing) => view! {
                <ListTools listing what="networks" filters=FILTERS count />
                {nothing.then(|| view! {
                    <section class="empty">
                        <Icon name="search" />
                        <h2>"Nothing matches"</h2>
                    </section>
                })}
                <table class="table networks" role="table" aria-label="Networks">
                    <thead role="rowgroup">
                        <tr role="row">
                            <Column listing class="name" word="Name" sort="" />
                            <Column listing class="use" word="Used by" sort="use" />
                            <Column listing class="driver" word="Driver" sort="driver" />
                            <Column listing class="scope" word="Scope" sort="scope" />
                            <Column listing class="subnet" word="Subnet" sort="subnet" />
                            <Column listing class="made number" word="Created" sort="created" />
                        </tr>
                    </thead>
                    <tbody role="rowgroup">
                        <For each=move || chosen.get() key=Clone::clone let:id>
                            <Row id />
                        </For>
                    </tbody>
                </table>
            }.into_any(),
        })}
    }
}

fn select(all: &[Arc<Network>], listing: &Listing) -> Vec<Scoped<NetworkId>> {
    listing.query.with(|query| {
        let mut chosen: Vec<&Arc<Network>> = all
            .iter()
            .filter(|it| query.usage.passes(it.usage, false))
            .filter(|it| mentions(&query.search, &[&it.name, it.id.as_str(), &it.driver, &row::subnets(it)]))
            .collect();
        chosen.sort_by(|a, b| {
            let by_column = match query.sort.as_str() {
                "use" => (b.usage.running, b.usage.all).cmp(&(a.usage.running, a.usage.all)),
                "driver" => a.driver.cmp(&b.driver),
                "scope" => a.scope.cmp(&b.scope),
                "subnet" => row::subnets(a).cmp(&row::subnets(b)),
                "created" => b.created.cmp(&a.created),
                _ => std::cmp::Ordering::Equal,
            };
            by_column.then_with(|| (&a.name, &a.id).cmp(&(&b.name, &b.id)))
        });
        if query.descending {
            chosen.reverse();
        }
        chosen.into_iter().map(|it| (it.host.clone(), it.id.clone())).collect()
    })
}
