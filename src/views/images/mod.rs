//! `/images`: what the engine can start, how large it is, and who uses it.

mod row;

use super::{
    format,
    listing::{Column, ListTools, Listing, UsageFilter, directed, mentions},
    rows::{Line, rows},
    widgets::{Command, Icon, live},
};
use crate::{
    client::{Store, order},
    model::{Image, Key, Kind},
};
use leptos::prelude::*;
use leptos_meta::Title;
use row::row;
use std::sync::Arc;

const FILTERS: &[UsageFilter] = &[UsageFilter::All, UsageFilter::InUse, UsageFilter::Unused, UsageFilter::Dangling];

#[component]
pub fn ImagesPage() -> impl IntoView {
    let store = expect_context::<Store>();
    let listing = Listing::at("/images");
    let all = Memo::new(move |_| {
        store.track(Kind::Image);
        store.look(|state| state.images().cloned().collect::<Vec<_>>())
    });
    let chosen = Memo::new(move |_| all.with(|all| select(all, &listing)));
    let total = live(move || {
        all.with(|all| {
            let (size, unit) = format::bytes(all.iter().map(|image| image.size).sum());
            format!("{} · {size} {unit}", all.len())
        })
    });
    let count = move |filter: UsageFilter| {
        all.with(|all| all.iter().filter(|it| filter.passes(it.usage, it.is_dangling())).count())
    };
    let shown = Memo::new(move |_| (all.with(Vec::is_empty), chosen.with(Vec::is_empty)));
    view! {
        <Title text="Images" />
        <div class="head">
            <h1>"Images" <small>{total}</small></h1>
        </div>
        {live(move || match shown.get() {
            (true, _) => view! {
                <section class="empty">
                    <Icon name="images" />
                    <h2>"No images yet"</h2>
                    <p>"Pull one in a terminal and it appears here at once."</p>
                    <Command text="docker pull nginx" />
                </section>
            }.into_any(),
            (false, nothing) => view! {
                <ListTools listing what="images" filters=FILTERS count />
                {nothing.then(|| view! {
                    <section class="empty">
                        <Icon name="search" />
                        <h2>"Nothing matches"</h2>
                    </section>
                })}
                <table class="table images" role="table" aria-label="Images">
                    <thead role="rowgroup">
                        <tr role="row">
                            <Column listing class="name" word="Name" sort="" />
                            <Column listing class="use" word="Used by" sort="use" />
                            <Column listing class="id" word="Id" sort="id" />
                            <Column listing class="size number" word="Size" sort="size" />
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

fn select(all: &[Arc<Image>], listing: &Listing) -> Vec<Line> {
    listing.query.with(|query| {
        let texts = |it: &Image| [it.tags.join(" "), it.id.to_string()];
        let chosen: Vec<&Arc<Image>> = all
            .iter()
            .filter(|it| query.usage.passes(it.usage, it.is_dangling()))
            .filter(|it| mentions(&query.search, &texts(it).each_ref().map(String::as_str)))
            .collect();
        // Those without a name last.
        let by_name = |a: &Image, b: &Image| (a.is_dangling(), a.name()).cmp(&(b.is_dangling(), b.name()));
        let compare = &mut |a: usize, b: usize| {
            let (a, b) = (chosen[a], chosen[b]);
            let order = match query.sort.as_str() {
                "use" => {
                    (b.usage.running, b.usage.all).cmp(&(a.usage.running, a.usage.all)).then_with(|| by_name(a, b))
                }
                "id" => a.id.cmp(&b.id),
                "size" => b.size.cmp(&a.size).then_with(|| by_name(a, b)),
                "created" => b.created.cmp(&a.created).then_with(|| by_name(a, b)),
                _ => by_name(a, b).then_with(|| a.id.cmp(&b.id)),
            };
            directed(order, query.descending)
        };
        let places = order(chosen.len(), compare);
        let in_order = places.into_iter().map(|at| chosen[at]);
        in_order.map(|it| Line::Entity(Key::Image(it.host.clone(), it.id.clone()))).collect()
    })
}
