//! Entry of a page in `PAGES`: its title, link in the sidebar, code and initial state.

use super::lazy::{LazyCode, lazy_page};
use crate::model::{EngineState, Key, Kind, Timestamp};
use leptos::prelude::*;
use leptos_router::{ChooseView, params::ParamsMap};

pub struct PageEntry {
    /// In English.
    pub title: &'static str,
    /// `None` if the sidebar doesn't link to the page.
    pub link: Option<SidebarLink>,
    pub code: Code,
    /// The entities that the page shows first. `None` in browsers, and if it shows none.
    pub initial_state: Option<InitialState>,
}

#[derive(Clone, Copy)]
pub struct SidebarLink {
    pub icon: &'static str,
    pub place: Place,
    pub count: Count,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Top,
    Foot,
}

/// The number beside a link.
#[derive(Clone, Copy)]
pub enum Count {
    None,
    Entities(Kind),
    FiringAlerts,
}

#[derive(Clone, Copy)]
pub enum Code {
    /// Loaded by every first visit.
    First(fn() -> AnyView),
    Lazy(LazyCode),
}

/// Entities sent of each list: two typical screens, or a tall one.
pub const FIRST: usize = 40;

/// A request for a page of a large state.
pub struct Visit<'a> {
    pub state: &'a EngineState,
    /// The last part of the path, if it varies.
    pub id: &'a str,
    pub query: &'a ParamsMap,
    pub now: Timestamp,
}

pub type InitialState = fn(&Visit) -> Vec<Key>;

/// Only the server calls it: in browsers it would keep the code in the first chunk.
pub const fn on_server(initial_state: InitialState) -> Option<InitialState> {
    if cfg!(feature = "hydrate") { None } else { Some(initial_state) }
}

impl SidebarLink {
    pub const fn top(icon: &'static str, count: Count) -> Option<Self> {
        Some(Self { icon, place: Place::Top, count })
    }

    pub const fn foot(icon: &'static str) -> Option<Self> {
        Some(Self { icon, place: Place::Foot, count: Count::None })
    }
}

impl PageEntry {
    pub fn lazy_code(&self) -> Option<LazyCode> {
        match self.code {
            Code::First(_) => None,
            Code::Lazy(code) => Some(code),
        }
    }
}

/// The view of a page, for the router.
#[derive(Clone, Copy)]
pub struct PageView(pub &'static PageEntry);

impl ChooseView for PageView {
    async fn choose(self) -> AnyView {
        match self.0.code {
            Code::First(view) => view(),
            Code::Lazy(code) => lazy_page(code, self.0.title).await,
        }
    }

    async fn preload(&self) {}
}
