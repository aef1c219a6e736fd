//! Shared list page of images, volumes and networks. What differs between them is data.
//!
//! The query is in the address, so that copying it shares the view.

mod build;
mod creating;
mod dialogs;
mod fields;
mod images;
mod members;
mod names;
mod prune;
mod removing;
pub mod row_menu;

use super::{
    Site,
    format::failed_list,
    page_entry::{FIRST, Visit},
    rows::{RowKey, RowKeys, rows},
    widgets::{Command, Search, boxed, chip, column, empty, on_click, sort_word},
};
use crate::{
    client::{ErasedMemo, Row, Store, erased_memo, order, t, translate},
    model::{Entity, Key, Kind, Usage},
};
pub use dialogs::dialogs;
use leptos::{ev::MouseEvent, prelude::*};
use leptos_meta::Title;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};
pub use names::taken_from;
pub use prune::{ALL as PRUNABLE, prune};
pub use row_menu::RowMenu;
use row_menu::{Head, MenuItem, heads, menu_panel};
use std::cmp::Ordering;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQuery {
    pub search: String,
    pub usage: UsageFilter,
    /// The column's name in the address. Empty for the name column.
    pub sort: String,
    pub descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UsageFilter {
    #[default]
    All,
    InUse,
    Unused,
    Dangling,
}

impl UsageFilter {
    fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::InUse => "used",
            Self::Unused => "unused",
            Self::Dangling => "dangling",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::InUse => "In use",
            Self::Unused => "Unused",
            Self::Dangling => "Dangling",
        }
    }

    fn passes(self, entity: &Entity) -> bool {
        let users = entity.usage().unwrap_or_default().all;
        match self {
            Self::All => true,
            Self::InUse => users > 0,
            Self::Unused => users == 0,
            Self::Dangling => entity.as_image().is_some_and(|image| image.is_dangling()),
        }
    }
}

/// The part of a list page that is specific to one kind.
pub struct ListPage {
    pub kind: Kind,
    pub path: &'static str,
    pub title: &'static str,
    /// Plural for the search field. Also the table's class and the icon's name.
    pub what: &'static str,
    /// The message on an empty page, and the command that would add an entry.
    pub nothing_yet: &'static str,
    pub hint: &'static str,
    pub command: &'static str,
    pub filters: &'static [UsageFilter],
    pub columns: &'static [ListColumn],
    /// The summary beside the title.
    pub total: fn(&[Entity]) -> String,
    /// The text that is searched.
    pub texts: fn(&Entity) -> String,
    /// Compares by the column's name in the address. Must break ties.
    pub compare: fn(&Entity, &Entity, &str) -> Ordering,
    pub row: fn(RowKey) -> AnyView,
    /// Controls before the head's buttons.
    pub views: fn() -> AnyView,
    /// Buttons of the head. The first is the primary one.
    pub heads: &'static [Head],
    /// Items of a row's menu.
    pub menu_items: fn(&Entity) -> Vec<MenuItem>,
}

pub struct ListColumn {
    pub class: &'static str,
    pub word: &'static str,
    /// The column's name in the address. Empty for the default sort column.
    pub sort: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Empty,
    /// The engine was not reached yet.
    Unknown,
    /// The engine fails to list them, so there may be some.
    NotListed,
    NoMatch,
    Rows,
}

pub fn list_page(page: &'static ListPage) -> AnyView {
    let store = expect_context::<Store>();
    let (hosts, unknown) = (store.clone(), store.clone());
    let query = query_of_address();
    let menu = RowMenu::new();
    let all = erased_memo(move || {
        store.track(page.kind);
        store.look(|state| state.entities(page.kind).cloned().collect::<Vec<_>>())
    });
    let lines = erased_memo(move || RowKeys::entities(all.with(|all| query.with(|query| select(page, all, query)))));
    let is_unknown = erased_memo(move || unknown.is_unknown());
    let failed = erased_memo(move || hosts.main_host().and_then(|host| host.failed_list(page.kind).cloned()));
    let shown = erased_memo(move || match (all.with(Vec::is_empty), lines.with(RowKeys::is_empty)) {
        (true, _) if failed.with(Option::is_some) => Shown::NotListed,
        (true, _) if is_unknown.get() => Shown::Unknown,
        (true, _) => Shown::Empty,
        (_, true) => Shown::NoMatch,
        _ => Shown::Rows,
    });
    view! {
        <Title text=t(page.title) />
        <div class="head">
            <h1>{t(page.title)} " " <small>{boxed(move || (!matches!(shown.get(), Shown::NotListed | Shown::Unknown)).then(|| all.with(|all| (page.total)(all))))}</small></h1>
            {(page.views)()}
            {heads(menu, page.heads)}
        </div>
        {boxed(move || match shown.get() {
            Shown::Empty => {
                let command = view! { <Command text=page.command /> }.into_any();
                empty(page.what, t(page.nothing_yet), boxed(|| t(page.hint).to_owned()), command)
            }
            Shown::Unknown => empty("engine", "Connecting to the engine…", boxed(String::new), ().into_any()),
            Shown::NotListed => {
                let why = move || failed.with(|it| it.as_ref().map(|it| translate(&it.error))).unwrap_or_default();
                empty("unreachable", failed_list(page.kind), boxed(why), ().into_any())
            }
            Shown::NoMatch => view! {
                {tools(page, query, all)}
                {empty("search", t("No results"), boxed(String::new), ().into_any())}
            }
            .into_any(),
            Shown::Rows => view! { {tools(page, query, all)} {table(page, query, lines, menu)} }.into_any(),
        })}
        {menu_panel(menu, page.menu_items)}
        {dialogs(menu)}
    }
    .into_any()
}

fn tools(page: &'static ListPage, query: ErasedMemo<ListQuery>, all: ErasedMemo<Vec<Entity>>) -> AnyView {
    let ask = ask_for(page.path);
    let chips = page.filters.iter().map(|filter| {
        let (filter, ask) = (*filter, ask.clone());
        chip(
            t(filter.word()),
            boxed(move || query.with(|query| query.usage == filter).to_string()),
            boxed(move || all.with(|all| all.iter().filter(|it| filter.passes(it)).count()).to_string()),
            Box::new(move |_| ask(ListQuery { usage: filter, ..query.get_untracked() })),
        )
    });
    let chips: Vec<_> = chips.collect();
    let value = Signal::derive(move || query.with(|query| query.search.clone()));
    let search = move |search| ask(ListQuery { search, ..query.get_untracked() });
    view! {
        <div class="tools">
            <Search what=t(page.what) value on_input=Box::new(search) />
            <div class="chips" role="group" aria-label=t("Usage")>{chips}</div>
        </div>
    }
    .into_any()
}

fn table(page: &'static ListPage, query: ErasedMemo<ListQuery>, lines: ErasedMemo<RowKeys>, menu: RowMenu) -> AnyView {
    let ask = ask_for(page.path);
    let columns = page.columns.iter().map(|it| {
        let ask = ask.clone();
        let sorted = boxed(move || query.with(|query| sort_word(query.sort == it.sort, query.descending)));
        let toggle = move |_| {
            let now = query.get_untracked();
            let descending = now.sort == it.sort && !now.descending;
            ask(ListQuery { sort: it.sort.to_owned(), descending, ..now });
        };
        column(it.class, t(it.word), sorted, Box::new(toggle))
    });
    let columns: Vec<_> = columns.collect();
    let press = move |event: MouseEvent| {
        let keys: Vec<Key> = lines.with_untracked(|lines| lines.entities_between(0..lines.len()).cloned().collect());
        menu.pressed(&event, &keys);
    };
    view! {
        <table
            class=format!("table {}", page.what)
            role="table"
            aria-label=t(page.title)
            on:click=on_click(press)
            aria-rowcount=boxed(move || (lines.with(RowKeys::len) + 1).to_string())
        >
            <thead role="rowgroup">
                <tr role="row">
                    {columns}
                    <th class="act" role="columnheader"><span class="heard">{t("Actions")}</span></th>
                </tr>
            </thead>
            {rows(lines, page.row)}
        </table>
    }
    .into_any()
}

/// The entities that match `query`, in its order.
/// The entities at the top of the list.
pub fn first_entities(page: &ListPage, visit: &Visit) -> Vec<Key> {
    let all: Vec<Entity> = visit.state.entities(page.kind).cloned().collect();
    select(page, &all, &query_of(visit.query)).into_iter().take(FIRST).collect()
}

pub fn select(page: &ListPage, all: &[Entity], query: &ListQuery) -> Vec<Key> {
    let words: Vec<String> = query.search.split_whitespace().map(str::to_ascii_lowercase).collect();
    let mentions = |it: &Entity| {
        let texts = (page.texts)(it).to_ascii_lowercase();
        words.iter().all(|word| texts.contains(word.as_str()))
    };
    let chosen: Vec<&Entity> = all.iter().filter(|it| query.usage.passes(it) && mentions(it)).collect();
    let compare = &mut |a: usize, b: usize| {
        let order = (page.compare)(chosen[a], chosen[b], &query.sort);
        if query.descending { order.reverse() } else { order }
    };
    order(chosen.len(), compare).into_iter().map(|at| chosen[at].key()).collect()
}

/// Fewer users come first.
pub fn by_usage(a: Usage, b: Usage) -> Ordering {
    (a.running, a.all).cmp(&(b.running, b.all))
}

fn query_of_address() -> ErasedMemo<ListQuery> {
    let address = use_query_map();
    erased_memo(move || address.with(query_of))
}

/// Parses the query from the address.
pub fn query_of(address: &ParamsMap) -> ListQuery {
    let filters = [UsageFilter::InUse, UsageFilter::Unused, UsageFilter::Dangling];
    let usage = address.get_str("usage");
    ListQuery {
        search: address.get_str("q").unwrap_or_default().to_owned(),
        usage: filters.into_iter().find(|it| Some(it.as_str()) == usage).unwrap_or_default(),
        sort: address.get_str("sort").unwrap_or_default().to_owned(),
        descending: address.get_str("dir") == Some("desc"),
    }
}

fn ask_for(path: &'static str) -> impl Fn(ListQuery) + Clone + Send + Sync + 'static {
    let to = go_to(path);
    move |query: ListQuery| {
        let dir = if query.descending { "desc" } else { "" };
        to(&[("q", &query.search), ("usage", query.usage.as_str()), ("sort", &query.sort), ("dir", dir)]);
    }
}

/// Takes the keys and values of the address's query.
type GoTo = std::sync::Arc<dyn Fn(&[(&'static str, &str)]) + Send + Sync>;

/// Navigates to `path` with these query parameters, leaving out empty ones.
pub fn go_to(path: &str) -> GoTo {
    let navigate = use_navigate();
    let path = Site::expect().page(path);
    std::sync::Arc::new(move |said: &[(&'static str, &str)]| {
        let mut address = ParamsMap::new();
        for (key, value) in said.iter().filter(|(_, value)| !value.is_empty()) {
            address.insert(*key, (*value).to_owned());
        }
        let to = format!("{path}{}", address.to_query_string());
        navigate(&to, NavigateOptions { replace: true, scroll: false, resolve: false, ..Default::default() });
    })
}

/// The mark of the usage cell, and its text.
pub fn usage_words(usage: Usage, is_dangling: bool) -> (&'static str, String) {
    match (usage.running, usage.all) {
        (0, 0) if is_dangling => ("dangling", t("dangling").to_owned()),
        (0, 0) => ("none", t("unused").to_owned()),
        (0, all) => ("stopped", crate::t!("{} stopped", all)),
        (running, all) if running == all => ("running", crate::t!("{} running", running)),
        (running, all) => ("running", crate::t!("{} of {} running", running, all)),
    }
}

/// The cell that shows how many containers use an image, a volume or a network.
pub fn usage_cell(row: Row) -> AnyView {
    let words = move || {
        let entity = row.get();
        usage_words(entity.usage().unwrap_or_default(), entity.as_image().is_some_and(|image| image.is_dangling()))
    };
    let (mark, glowing) = (words.clone(), words.clone());
    view! {
        <td
            class="state use"
            data-use=boxed(move || Some(mark().0))
            data-glow=super::widgets::glow(move || glowing().1)
        >
            {boxed(move || words().1)}
        </td>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_described_in_words() {
        let words = |running, all, dangling| usage_words(Usage { running, all }, dangling).1;
        assert_eq!(words(0, 0, false), "unused");
        assert_eq!(words(0, 0, true), "dangling");
        assert_eq!(words(0, 2, true), "2 stopped");
        assert_eq!(words(2, 2, false), "2 running");
        assert_eq!(words(1, 2, false), "1 of 2 running");
    }
}
