//! Code splitting: the parts of the app that the browser loads lazily.
//!
//! `wasm_split` moves a function, and everything that only it calls, into a separate file: a chunk. Code that two chunks
//! share and the rest doesn't use becomes a chunk for the two, and so on for each set of chunks. Pages that share much code
//! are therefore better in one chunk. The list of containers isn't split off, because most visits begin there.

use super::{
    alerts::AlertsPage,
    container::{self, ContainerPage},
    containers,
    dashboard::DashboardPage,
    detail::{ImagePage, NetworkPage, VolumePage},
    engine::EnginePage,
    events::EventsPage,
    files::files_part,
    images::ImagesPage,
    networks::NetworksPage,
    notification_center::NotificationCenter,
    realtime_test::RealtimeTestPage,
    settings::SettingsPage,
    tasks,
    volumes::VolumesPage,
    widgets::boxed,
};
use crate::client::{ClientOnly, ErasedMemo, Level, Toasts, effect, t};
use futures::{
    channel::oneshot,
    future::{Either, select},
};
use leptos::{
    prelude::*,
    reactive::computed::ScopedFuture,
    tachys::reactive_graph::OwnedView,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_meta::Title;
use leptos_router::{ChooseView, hooks::use_location};
use std::{
    future::Future,
    pin::{Pin, pin},
    time::Duration,
};

/// A page whose code is in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LazyPage {
    Dashboard,
    Container,
    Images,
    Volumes,
    Networks,
    Image,
    Volume,
    Network,
    Engine,
    Events,
    Alerts,
    Settings,
    RealtimeTest,
    /// Not a page: the actions on containers in their list.
    Managing,
    /// Not a page either: the logs on a container's page.
    Log,
}

impl LazyPage {
    /// In the order in which they are likely to be needed.
    pub const ALL: [Self; 15] = [
        Self::Managing,
        Self::Container,
        Self::Log,
        Self::Dashboard,
        Self::Images,
        Self::Volumes,
        Self::Networks,
        Self::Image,
        Self::Volume,
        Self::Network,
        Self::Engine,
        Self::Events,
        Self::Alerts,
        Self::Settings,
        Self::RealtimeTest,
    ];

    /// The page at `path`, which excludes the base path. `None` if it isn't one of these.
    pub fn at(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "" => Some(Self::Dashboard),
            "/images" => Some(Self::Images),
            "/volumes" => Some(Self::Volumes),
            "/networks" => Some(Self::Networks),
            "/engine" => Some(Self::Engine),
            "/events" => Some(Self::Events),
            "/alerts" => Some(Self::Alerts),
            "/settings" => Some(Self::Settings),
            "/realtime-test" => Some(Self::RealtimeTest),
            path if path.starts_with("/images/") => Some(Self::Image),
            path if path.starts_with("/volumes/") => Some(Self::Volume),
            path if path.starts_with("/networks/") => Some(Self::Network),
            path if path.starts_with("/containers/") => Some(Self::Container),
            _ => None,
        }
    }

    /// The name of the chunk, as in the functions below.
    pub fn chunk(self) -> &'static str {
        match self {
            Self::Dashboard | Self::Container => "usage",
            Self::Images | Self::Volumes | Self::Networks | Self::Managing => "lists",
            Self::Image | Self::Volume | Self::Network | Self::Engine => "detail",
            Self::Events => "events",
            Self::Alerts => "alerts",
            Self::Settings => "settings",
            Self::RealtimeTest => "realtime_test",
            Self::Log => "log",
        }
    }

    /// The title shown while the code is loading.
    fn title(self) -> &'static str {
        match self {
            Self::Dashboard => "Dashboard",
            Self::Container | Self::Managing | Self::Log => "Container",
            Self::Images => "Images",
            Self::Volumes => "Volumes",
            Self::Networks => "Networks",
            Self::Image => "Image",
            Self::Volume => "Volume",
            Self::Network => "Network",
            Self::Engine => "Engine",
            Self::Events => "Events",
            Self::Alerts => "Alerts",
            Self::Settings => "Settings",
            Self::RealtimeTest => "Realtime test",
        }
    }

    /// Loads the code. Afterwards the page can be shown at once. After a failure the next call tries again.
    pub async fn load(self) -> Result<(), SplitLoaderError> {
        match self {
            Self::Dashboard => load_dashboard().await,
            Self::Container => load_container().await,
            Self::Images | Self::Volumes | Self::Networks => load_lists().await,
            Self::Image | Self::Volume | Self::Network | Self::Engine => load_detail().await,
            Self::Events => load_events().await,
            Self::Alerts => load_alerts().await,
            Self::Settings => load_settings().await,
            Self::RealtimeTest => load_realtime_test().await,
            Self::Managing => load_managing().await,
            Self::Log => load_log().await,
        }
    }

    async fn view(self) -> Result<AnyView, SplitLoaderError> {
        match self {
            Self::Dashboard => dashboard().await,
            Self::Container => container().await,
            Self::Images | Self::Volumes | Self::Networks => lists(self).await,
            Self::Image | Self::Volume | Self::Network | Self::Engine => detail_page(self).await,
            Self::Events => events().await,
            Self::Alerts => alerts().await,
            Self::Settings => settings().await,
            Self::RealtimeTest => realtime_test().await,
            Self::Managing => managing().await,
            Self::Log => log().await,
        }
    }
}

#[wasm_split(usage, wasm_split_path = leptos::wasm_split, preload(load_dashboard), fallible)]
fn dashboard() -> Result<AnyView, SplitLoaderError> {
    Ok(DashboardPage().into_any())
}

#[wasm_split(usage, wasm_split_path = leptos::wasm_split, preload(load_container), fallible)]
fn container() -> Result<AnyView, SplitLoaderError> {
    Ok(ContainerPage().into_any())
}

#[wasm_split(lists, wasm_split_path = leptos::wasm_split, preload(load_lists), fallible)]
fn lists(page: LazyPage) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        LazyPage::Volumes => VolumesPage().into_any(),
        LazyPage::Networks => NetworksPage().into_any(),
        _ => ImagesPage().into_any(),
    })
}

#[wasm_split(detail, wasm_split_path = leptos::wasm_split, preload(load_detail), fallible)]
fn detail_page(page: LazyPage) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        LazyPage::Volume => VolumePage().into_any(),
        LazyPage::Network => NetworkPage().into_any(),
        LazyPage::Engine => EnginePage().into_any(),
        _ => ImagePage().into_any(),
    })
}

#[wasm_split(events, wasm_split_path = leptos::wasm_split, preload(load_events), fallible)]
fn events() -> Result<AnyView, SplitLoaderError> {
    Ok(EventsPage().into_any())
}

#[wasm_split(alerts, wasm_split_path = leptos::wasm_split, preload(load_alerts), fallible)]
fn alerts() -> Result<AnyView, SplitLoaderError> {
    Ok(AlertsPage().into_any())
}

#[wasm_split(settings, wasm_split_path = leptos::wasm_split, preload(load_settings), fallible)]
fn settings() -> Result<AnyView, SplitLoaderError> {
    Ok(SettingsPage().into_any())
}

/// The notification center, which can be opened on any page.
#[wasm_split(settings, wasm_split_path = leptos::wasm_split, fallible)]
pub fn notification_center() -> Result<AnyView, SplitLoaderError> {
    Ok(NotificationCenter().into_any())
}

/// The task panel, which can be opened on any page.
#[wasm_split(settings, wasm_split_path = leptos::wasm_split, fallible)]
pub fn tasks() -> Result<AnyView, SplitLoaderError> {
    Ok(tasks::tasks_panel())
}

#[wasm_split(realtime_test, wasm_split_path = leptos::wasm_split, preload(load_realtime_test), fallible)]
fn realtime_test() -> Result<AnyView, SplitLoaderError> {
    Ok(RealtimeTestPage().into_any())
}

/// The row menu of a container and its dialogs. They share nearly all code with those of the lists.
#[wasm_split(lists, wasm_split_path = leptos::wasm_split, preload(load_managing), fallible)]
pub fn managing() -> Result<AnyView, SplitLoaderError> {
    Ok(containers::managing())
}

/// Bulk actions on selected containers.
#[wasm_split(lists, wasm_split_path = leptos::wasm_split, fallible)]
pub fn selection() -> Result<AnyView, SplitLoaderError> {
    Ok(containers::selection_tools())
}

/// The logs of a container.
#[wasm_split(log, wasm_split_path = leptos::wasm_split, preload(load_log), fallible)]
pub fn log() -> Result<AnyView, SplitLoaderError> {
    Ok(container::logs())
}

/// A part of a container's page.
#[derive(Clone, Copy)]
pub enum Inside {
    Terminal,
    Processes,
    Files,
    Changes,
    Inspect,
    Recipe,
}

#[wasm_split(log, wasm_split_path = leptos::wasm_split, fallible)]
pub fn inside(part: Inside) -> Result<AnyView, SplitLoaderError> {
    Ok(match part {
        Inside::Terminal => container::terminal_part(),
        Inside::Processes => container::processes_part(),
        Inside::Files => files_part(),
        Inside::Changes => container::changes_part(),
        Inside::Inspect => container::inspect_part(),
        Inside::Recipe => container::recipe_part(),
    })
}

type LazyView = Pin<Box<dyn Future<Output = Result<AnyView, SplitLoaderError>>>>;

/// A lazily loaded part of a page. Mounted while `wanted` is true, and built again each time.
pub fn lazy(wanted: ErasedMemo<bool>, view: fn() -> LazyView) -> AnyView {
    let (owner, toasts) = (Owner::current(), expect_context::<Toasts>());
    let (shown, loaded) = (RwSignal::new(false), ClientOnly::<AnyView>::default());
    effect(move || {
        if !wanted.get() {
            shown.set(false);
            return;
        }
        let Some(owner) = owner.as_ref().map(Owner::child) else { return };
        let coming = owner.with(|| ScopedFuture::new(view()));
        spawn_local(async move {
            match coming.await {
                Ok(view) if wanted.try_with_untracked(|wanted| *wanted) == Some(true) => {
                    loaded.set(Some(OwnedView::new_with_owner(view, owner).into_any()));
                    shown.set(true);
                }
                Ok(_) => {}
                Err(_) => toasts.show(Level::Error, t("Couldn't load this"), Some(t(RELOAD).to_owned())),
            }
        });
    });
    boxed(move || shown.get().then(|| loaded.take()).flatten()).into_any()
}

const RELOAD: &str = "Can't reach Quaylight, or it was updated. Reload the page.";

impl ChooseView for LazyPage {
    async fn choose(self) -> AnyView {
        let mut loading = Box::pin(self.load_view());
        if is_server() {
            return loading.await;
        }
        let loaded = match select(&mut loading, pin!(delay(LOADING_SHOWS_AFTER))).await {
            Either::Left((view, _)) => Some(view),
            Either::Right(_) => None,
        };
        loaded.unwrap_or_else(|| loading_page(self.title(), loading))
    }

    async fn preload(&self) {}
}

impl LazyPage {
    async fn load_view(self) -> AnyView {
        let wanted = address();
        match self.view().await {
            Ok(view) => view,
            // The user has navigated elsewhere in the meantime, and the router drops this view.
            Err(_) if address() != wanted => ().into_any(),
            Err(_) => load_whole(&wanted).await,
        }
    }
}

/// Within this time a click shows the page or a loading message.
const LOADING_SHOWS_AFTER: Duration = Duration::from_millis(120);

/// Browser only.
async fn delay(time: Duration) {
    let (over, is_over) = oneshot::channel();
    set_timeout(move || over.send(()).unwrap_or_default(), time);
    is_over.await.ok();
}

/// The placeholder shown while a page's code is loading.
fn loading_page(title: &'static str, loading: Pin<Box<impl Future<Output = AnyView> + 'static>>) -> AnyView {
    let (shown, loaded) = (RwSignal::new(false), ClientOnly::<AnyView>::default());
    spawn_local(ScopedFuture::new(async move {
        let view = loading.await;
        loaded.set(Some(OwnedView::new(view).into_any()));
        shown.try_set(true);
    }));
    boxed(move || {
        if shown.get() {
            return loaded.take();
        }
        let loading = view! {
            <Title text=t(title) />
            <div class="head"><h1>{t(title)}</h1></div>
            <p class="quiet padded" role="status">{t("Loading…")}</p>
        };
        Some(loading.into_any())
    })
    .into_any()
}

/// The router's target address. The address bar follows later.
fn address() -> String {
    let to = use_location();
    let (path, search, hash) = (to.pathname.get_untracked(), to.search.get_untracked(), to.hash.get_untracked());
    if search.is_empty() { format!("{path}{hash}") } else { format!("{path}?{search}{hash}") }
}

/// Fallback when a chunk can't be loaded, usually because the server runs another release by now. The browser then
/// navigates to the page itself, as it would without our code. The current page stays visible until then.
async fn load_whole(address: &str) -> AnyView {
    let location = window().location();
    let wanted = format!("{}{address}", location.origin().unwrap_or_default());
    // After "back" the address bar already has this address, and assigning the same address with a hash doesn't load anything.
    let _ = if location.href().is_ok_and(|here| here == wanted) { location.reload() } else { location.assign(&wanted) };
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server preloads a page's chunk by this name. A name that no chunk has would silently preload nothing.
    #[test]
    fn each_page_names_a_chunk_that_exists() {
        let code = include_str!("chunks.rs");
        for page in LazyPage::ALL {
            let split = format!("\n#[wasm_split({},", page.chunk());
            assert!(code.contains(&split), "no chunk is called {}", page.chunk());
        }
    }
}
