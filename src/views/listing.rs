//! What the lists of images, volumes and networks share: the query in the address, usage chips, sortable headers.

use super::{
    Site,
    widgets::{Search, live, on_click},
};
use crate::{client::Row, model::Usage};
use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_query_map},
    params::ParamsMap,
};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQuery {
    pub search: String,
    pub usage: UsageFilter,
    /// The column's word in the address; empty for the name.
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

    pub fn passes(self, usage: Usage, is_dangling: bool) -> bool {
        match self {
            Self::All => true,
            Self::InUse => usage.all > 0,
            Self::Unused => usage.all == 0,
            Self::Dangling => is_dangling,
        }
    }
}

/// One list: its place and its query.
#[derive(Clone, Copy)]
pub struct Listing {
    path: &'static str,
    pub query: Memo<ListQuery>,
}

impl Listing {
    pub fn at(path: &'static str) -> Self {
        let address = use_query_map();
        let query = Memo::new(move |_| {
            address.with(|address| {
                let filters = [UsageFilter::InUse, UsageFilter::Unused, UsageFilter::Dangling];
                let usage =
                    address.get_str("usage").and_then(|it| filters.into_iter().find(|filter| filter.as_str() == it));
                ListQuery {
                    search: address.get_str("q").unwrap_or_default().to_owned(),
                    usage: usage.unwrap_or_default(),
                    sort: address.get_str("sort").unwrap_or_default().to_owned(),
                    descending: address.get_str("dir") == Some("desc"),
                }
            })
        });
        Self { path, query }
    }

    fn ask(self) -> impl Fn(ListQuery) + Clone + Send + Sync + 'static {
        let navigate = use_navigate();
        let path = Site::expect().page(self.path);
        move |query: ListQuery| {
            let mut address = ParamsMap::new();
            let dir = if query.descending { "desc" } else { "" };
            let said = [
                ("q", query.search),
                ("usage", query.usage.as_str().into()),
                ("sort", query.sort),
                ("dir", dir.into()),
            ];
            for (key, value) in said {
                if !value.is_empty() {
                    address.insert(key, value);
                }
            }
            let to = format!("{path}{}", address.to_query_string());
            navigate(&to, NavigateOptions { replace: true, scroll: false, resolve: false, ..Default::default() });
        }
    }
}

/// `order`, or its reverse.
pub fn directed(order: std::cmp::Ordering, descending: bool) -> std::cmp::Ordering {
    if descending { order.reverse() } else { order }
}

/// Whether every word of `search` occurs in one of `texts`.
pub fn mentions(search: &str, texts: &[&str]) -> bool {
    search
        .split_whitespace()
        .map(str::to_lowercase)
        .all(|word| texts.iter().any(|text| text.to_lowercase().contains(&word)))
}

#[component]
pub fn ListTools(
    listing: Listing,
    /// Plural.
    what: &'static str,
    filters: &'static [UsageFilter],
    /// How many pass a filter.
    count: impl Fn(UsageFilter) -> usize + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let ask = listing.ask();
    let query = listing.query;
    let chip = {
        let ask = ask.clone();
        move |usage: UsageFilter| {
            let (ask, count) = (ask.clone(), count.clone());
            view! {
                <button
                    class="chip"
                    aria-pressed=live(move || query.with(|query| query.usage == usage).to_string())
                    on:click=move |_| ask(ListQuery { usage, ..query.get_untracked() })
                >
                    {usage.word()}
                    " "
                    <b>{live(move || count(usage).to_string())}</b>
                </button>
            }
        }
    };
    let search = move |search| ask(ListQuery { search, ..query.get_untracked() });
    view! {
        <div class="tools">
            <Search what value=Signal::derive(move || query.with(|query| query.search.clone())) on_input=search />
            <div class="chips" role="group" aria-label="Usage">
                {filters.iter().map(|filter| chip(*filter)).collect_view()}
            </div>
        </div>
    }
}

#[component]
pub fn Column(
    listing: Listing,
    class: &'static str,
    word: &'static str,
    /// Its word in the address; empty for the column that lists are sorted by anyway.
    sort: &'static str,
) -> impl IntoView {
    let ask = listing.ask();
    let query = listing.query;
    let sorted = live(move || {
        query.with(|query| match (query.sort == sort, query.descending) {
            (false, _) => None,
            (true, false) => Some("ascending"),
            (true, true) => Some("descending"),
        })
    });
    let toggle = move |_| {
        let now = query.get_untracked();
        let descending = now.sort == sort && !now.descending;
        ask(ListQuery { sort: sort.to_owned(), descending, ..now });
    };
    view! {
        <th class=class role="columnheader" aria-sort=sorted>
            <button on:click=on_click(toggle)>{word}</button>
        </th>
    }
}

/// Who uses it, as the word and the mark of its cell.
pub fn usage_words(usage: Usage, is_dangling: bool) -> (&'static str, String) {
    match (usage.running, usage.all) {
        (0, 0) if is_dangling => ("dangling", "dangling".to_owned()),
        (0, 0) => ("none", "unused".to_owned()),
        (0, all) => ("stopped", format!("{all} stopped")),
        (running, all) if running == all => ("running", format!("{running} running")),
        (running, all) => ("running", format!("{running} of {all} running")),
    }
}

/// The cell that says who uses an image, a volume or a network.
pub fn usage_cell(row: Row) -> AnyView {
    let words = move || {
        let entity = row.get();
        usage_words(entity.usage().unwrap_or_default(), entity.as_image().is_some_and(|image| image.is_dangling()))
    };
    let (mark, glowing) = (words.clone(), words.clone());
    view! {
        <td
            class="state use"
            data-use=live(move || Some(mark().0))
            data-glow=super::widgets::glow(move || glowing().1)
        >
            {live(move || words().1)}
        </td>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_told_in_words() {
        let words = |running, all, dangling| usage_words(Usage { running, all }, dangling).1;
        assert_eq!(words(0, 0, false), "unused");
        assert_eq!(words(0, 0, true), "dangling");
        assert_eq!(words(0, 2, true), "2 stopped");
        assert_eq!(words(2, 2, false), "2 running");
        assert_eq!(words(1, 2, false), "1 of 2 running");
    }
}
