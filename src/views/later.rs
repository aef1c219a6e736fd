//! Which pages' code does the browser load apart, once somebody wants them?
//!
//! `wasm_split` makes a function, and all that only it calls, a file of its own: a chunk. What two chunks call and the rest
//! does not becomes a chunk for the two, and so on for each set of them: pages that share much are better one chunk. The
//! list of containers is none: most visits begin there.

use super::{
    alerts::AlertsPage,
    centre::Centre,
    container::{self, ContainerPage},
    containers,
    dashboard::DashboardPage,
    engine::EnginePage,
    events::EventsPage,
    files::files_part,
    images::ImagesPage,
    networks::NetworksPage,
    realtime_test::RealtimeTestPage,
    settings::SettingsPage,
    tasks,
    thing::{ImagePage, NetworkPage, VolumePage},
    volumes::VolumesPage,
    widgets::live,
};
use crate::client::{Browsers, Derived, Level, Toasts, effect, t};
use leptos::{
    prelude::*,
    reactive::computed::ScopedFuture,
    tachys::reactive_graph::OwnedView,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_router::{ChooseView, hooks::use_location};
use std::{future::Future, pin::Pin};

/// A page whose code comes in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
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
    /// No page: what is done with containers on their list.
    Managing,
    /// No page either: the log on a container's.
    Log,
}

impl Later {
    /// In the order in which they are likely to be wanted.
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

    /// The page at an address, which is without the base path; nothing where the page is none of these.
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

    /// As the functions below call it.
    pub fn chunk(self) -> &'static str {
        match self {
            Self::Dashboard | Self::Container => "usage",
            Self::Images | Self::Volumes | Self::Networks | Self::Managing => "lists",
            Self::Image | Self::Volume | Self::Network | Self::Engine => "thing",
            Self::Events => "events",
            Self::Alerts => "alerts",
            Self::Settings => "settings",
            Self::RealtimeTest => "realtime_test",
            Self::Log => "log",
        }
    }

    /// After this the page can be shown at once; until it has succeeded, each call tries anew.
    pub async fn load(self) -> Result<(), SplitLoaderError> {
        match self {
            Self::Dashboard => load_dashboard().await,
            Self::Container => load_container().await,
            Self::Images | Self::Volumes | Self::Networks => load_lists().await,
            Self::Image | Self::Volume | Self::Network | Self::Engine => load_thing().await,
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
            Self::Image | Self::Volume | Self::Network | Self::Engine => thing(self).await,
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
fn lists(page: Later) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        Later::Volumes => VolumesPage().into_any(),
        Later::Networks => NetworksPage().into_any(),
        _ => ImagesPage().into_any(),
    })
}

#[wasm_split(thing, wasm_split_path = leptos::wasm_split, preload(load_thing), fallible)]
fn thing(page: Later) -> Result<AnyView, SplitLoaderError> {
    Ok(match page {
        Later::Volume => VolumePage().into_any(),
        Later::Network => NetworkPage().into_any(),
        Later::Engine => EnginePage().into_any(),
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

/// The notification centre, which every page can open.
#[wasm_split(settings, wasm_split_path = leptos::wasm_split, fallible)]
pub fn centre() -> Result<AnyView, SplitLoaderError> {
    Ok(Centre().into_any())
}

/// What takes long, which every page can open.
#[wasm_split(settings, wasm_split_path = leptos::wasm_split, fallible)]
pub fn tasks() -> Result<AnyView, SplitLoaderError> {
    Ok(tasks::tasks_panel())
}

#[wasm_split(realtime_test, wasm_split_path = leptos::wasm_split, preload(load_realtime_test), fallible)]
fn realtime_test() -> Result<AnyView, SplitLoaderError> {
    Ok(RealtimeTestPage().into_any())
}

/// The menu of a container's row, and the dialogs behind it: they share nearly all with those of the lists.
#[wasm_split(lists, wasm_split_path = leptos::wasm_split, preload(load_managing), fallible)]
pub fn managing() -> Result<AnyView, SplitLoaderError> {
    Ok(containers::managing())
}

/// What can be done with the containers that are selected.
#[wasm_split(lists, wasm_split_path = leptos::wasm_split, fallible)]
pub fn selection() -> Result<AnyView, SplitLoaderError> {
    Ok(containers::selection_tools())
}

/// What a container writes.
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

type Coming = Pin<Box<dyn Future<Output = Result<AnyView, SplitLoaderError>>>>;

/// A part of a page whose code comes apart: there while it is wanted, and made anew each time.
pub fn apart(wanted: Derived<bool>, view: fn() -> Coming) -> AnyView {
    let (owner, toasts) = (Owner::current(), expect_context::<Toasts>());
    let (shown, loaded) = (RwSignal::new(false), Browsers::<AnyView>::default());
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
                Err(_) => toasts.show(Level::Error, t("This can't be loaded"), Some(t(RELOAD).to_owned())),
            }
        });
    });
    live(move || shown.get().then(|| loaded.take()).flatten()).into_any()
}

const RELOAD: &str = "Quaylight can't be reached, or was updated: reload the page.";

impl ChooseView for Later {
    async fn choose(self) -> AnyView {
        let wanted = address();
        match self.view().await {
            Ok(view) => view,
            // They have gone elsewhere meanwhile: the router drops what comes too late.
            Err(_) if address() != wanted => ().into_any(),
            Err(_) => load_whole(&wanted).await,
        }
    }

    async fn preload(&self) {}
}

/// Where the router is going, which the address bar says only later.
fn address() -> String {
    let to = use_location();
    let (path, search, hash) = (to.pathname.get_untracked(), to.search.get_untracked(), to.hash.get_untracked());
    if search.is_empty() { format!("{path}{hash}") } else { format!("{path}?{search}{hash}") }
}

/// The chunk can't be had, mostly because the server is of another release by now. Its own page can: the browser goes
/// there, as it would have without any code of ours, and what this page shows stays until then.
async fn load_whole(address: &str) -> AnyView {
    let location = window().location();
    let wanted = format!("{}{address}", location.origin().unwrap_or_default());
    // After "back" the address bar is there already, and going where one is does nothing when there is a hash.
    let _ = if location.href().is_ok_and(|here| here == wanted) { location.reload() } else { location.assign(&wanted) };
    std::future::pending().await
}
