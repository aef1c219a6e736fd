//! `/networks`: what connects containers, and who is on it.

mod row;

use super::{
    listing::{Column, ListTools, Listing, UsageFilter, directed, mentions},
    rows::{Line, rows},
    widgets::{Command, Icon, live},
};
use crate::{
    client::{Store, order},
    model::{Key, Kind, Network},
};
use leptos::prelude::*;
use leptos_meta::Title;
use row::row;
use std::sync::Arc;

const FILTERS: &[UsageFilter] = &[UsageFilter::All, UsageFilter::InUse, UsageFilter::Unused];

#[component]
pub fn NetworksPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let listing = Listing::at("/networks");
    let all = Memo::new(move |_| {
        store.track(Kind::Network);
        store.look(|state| state.networks().cloned().collect::<Vec<_>>())
    });
    let chosen = Memo::new(move |_| all.with(|all| select(all, &listing)));
    let total = live(move || all.with(Vec::len).to_string());
    let count =
        move |filter: UsageFilter| all.with(|all| all.iter().filter(|it| filter.passes(it.usage, false)).count());
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
                        {rows(chosen.into(), row)}
                    </tbody>
                </table>
            }.into_any(),
        })}
    }
}

fn select(all: &[Arc<Network>], listing: &Listing) -> Vec<Line> {
    listing.query.with(|query| {
        let chosen: Vec<&Arc<Network>> = all
            .iter()
            .filter(|it| query.usage.passes(it.usage, false))
            .filter(|it| mentions(&query.search, &[&it.name, it.id.as_str(), &it.driver, &row::subnets(it)]))
            .collect();
        let compare = &mut |a: usize, b: usize| {
            let (a, b) = (chosen[a], chosen[b]);
            let by_column = match query.sort.as_str() {
                "use" => (b.usage.running, b.usage.all).cmp(&(a.usage.running, a.usage.all)),
                "driver" => a.driver.cmp(&b.driver),
                "scope" => a.scope.cmp(&b.scope),
                "subnet" => row::subnets(a).cmp(&row::subnets(b)),
                "created" => b.created.cmp(&a.created),
                _ => std::cmp::Ordering::Equal,
            };
            directed(by_column.then_with(|| (&a.name, &a.id).cmp(&(&b.name, &b.id))), query.descending)
        };
        let places = order(chosen.len(), compare);
        let in_order = places.into_iter().map(|at| chosen[at]);
        in_order.map(|it| Line::Entity(Key::Network(it.host.clone(), it.id.clone()))).collect()
    })
}
