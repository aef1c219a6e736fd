//! The table of pages. A row is a path and the module whose `PAGE` describes the page; routes, sidebar, preloads and initial
//! states follow from it.

use super::{
    alerts, container, containers, dashboard, detail, engine, events, images,
    lazy::LazyCode,
    networks,
    not_found::NotFoundPage,
    page_entry::{PageEntry, PageView},
    realtime_test, settings, volumes,
};
use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route},
    path,
};

macro_rules! pages {
    ($($path:tt => $page:path,)*) => {
        /// Each page with its path, in the order of the sidebar. `:id` stands for any text.
        pub const PAGES: &[(&str, &PageEntry)] = &[$(($path, &$page)),*];

        pub(super) fn routes() -> impl IntoView {
            view! {
                <FlatRoutes fallback=NotFoundPage>
                    $(<Route path=path!($path) view=PageView(&$page) ssr=SsrMode::Async />)*
                </FlatRoutes>
            }
        }
    };
}

pages! {
    "/" => dashboard::PAGE,
    "/containers" => containers::PAGE,
    "/containers/:id" => container::PAGE,
    "/images" => images::PAGE,
    "/images/:id" => detail::IMAGE,
    "/volumes" => volumes::PAGE,
    "/volumes/:id" => detail::VOLUME,
    "/networks" => networks::PAGE,
    "/networks/:id" => detail::NETWORK,
    "/events" => events::PAGE,
    "/alerts" => alerts::PAGE,
    "/engine" => engine::PAGE,
    "/realtime-test" => realtime_test::PAGE,
    "/settings" => settings::PAGE,
}

/// The page at `path`, which excludes the base path, and the ID in it, or an empty text.
pub fn page_at(path: &str) -> Option<(&'static PageEntry, &str)> {
    let path = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
    let path = if path.is_empty() { "/" } else { path };
    PAGES.iter().find_map(|(pattern, page)| match pattern.strip_suffix(":id") {
        None => (*pattern == path).then_some((*page, "")),
        Some(before) => {
            let id = path.strip_prefix(before).filter(|id| !id.is_empty())?;
            Some((*page, id))
        }
    })
}

/// All lazy code, in the order in which it is likely to be needed.
pub fn lazy_codes() -> impl Iterator<Item = LazyCode> {
    [containers::MANAGING, container::LOGS].into_iter().chain(PAGES.iter().filter_map(|(_, page)| page.lazy_code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title_and_id(path: &str) -> Option<(&'static str, &str)> {
        page_at(path).map(|(page, id)| (page.title, id))
    }

    #[test]
    fn path_selects_its_page_and_contains_the_id() {
        assert_eq!(title_and_id("/"), Some(("Dashboard", "")));
        assert_eq!(title_and_id(""), Some(("Dashboard", "")));
        assert_eq!(title_and_id("/images/"), Some(("Images", "")));
        assert_eq!(title_and_id("/images/sha256:0a"), Some(("Image", "sha256:0a")));
        assert_eq!(title_and_id("/containers/web"), Some(("Container", "web")));
        assert_eq!(title_and_id("/imagesque"), None);
        assert_eq!(title_and_id("/nothing"), None);
    }
}
