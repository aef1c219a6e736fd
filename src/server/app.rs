//! The handles a request may use. No logic.

use super::{
    alerts::Alerts,
    clock::Clock,
    engine::Engine,
    history::History,
    hosts::Hosts,
    live::{Figures, Handshakes, Sessions, Snapshots},
    noticed::Noticed,
    preferences::AllPreferences,
    registries::Registries,
    state::{Depth, Reader},
    stats::Stats,
    tasks::{Means, Tasks},
};
use crate::model::Timestamp;
use std::{path::Path, sync::Arc};

#[derive(Clone)]
pub struct App {
    pub reader: Reader,
    pub history: History,
    pub stats: Stats,
    pub alerts: Alerts,
    pub noticed: Noticed,
    pub preferences: AllPreferences,
    pub registries: Registries,
    pub tasks: Tasks,
    pub inbox: Depth,
    pub hosts: Hosts,
    pub clock: Clock,
    pub sessions: Sessions,
    pub snapshots: Snapshots,
    pub handshakes: Handshakes,
    pub figures: Arc<Figures>,
    pub started: Timestamp,
    /// Where what is kept is kept; none where nothing is.
    pub data_dir: Option<Arc<Path>>,
    /// Every change is refused, for everybody.
    pub read_only: bool,
    /// Where the pages live: empty, or `/` and more without a slash at its end.
    pub base_path: Arc<str>,
    pub leptos: leptos::config::LeptosOptions,
}

impl App {
    /// For a task on `engine`.
    pub fn means(&self, engine: Engine) -> Means {
        Means { engine, registries: self.registries.clone() }
    }
}
