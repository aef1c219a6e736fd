//! Application state: the handles that requests use. No logic.

use super::{
    alerts::Alerts,
    audit::Audit,
    auth::Auth,
    clock::Clock,
    engine::WritableEngine,
    history::History,
    hosts::Hosts,
    http::Connections,
    live::{FanoutMetrics, Handshakes, Sessions, Snapshots},
    notifications::Notifications,
    preferences::AllPreferences,
    registries::Registries,
    state::{Depth, Reader},
    stats::Stats,
    streams::LogMetrics,
    supervision::Supervisor,
    tasks::{TaskContext, Tasks},
    trusted_proxies::TrustedProxies,
};
use crate::model::Timestamp;
use std::{path::Path, sync::Arc};

#[derive(Clone)]
pub struct App {
    pub auth: Auth,
    pub reader: Reader,
    pub history: History,
    pub audit: Audit,
    pub stats: Stats,
    pub alerts: Alerts,
    pub notifications: Notifications,
    pub preferences: AllPreferences,
    pub registries: Registries,
    pub tasks: Tasks,
    pub inbox: Depth,
    pub hosts: Hosts,
    pub clock: Clock,
    pub sessions: Sessions,
    pub snapshots: Snapshots,
    pub handshakes: Handshakes,
    pub connections: Connections,
    pub supervisor: Supervisor,
    pub fanout_metrics: Arc<FanoutMetrics>,
    pub log_metrics: Arc<LogMetrics>,
    pub started: Timestamp,
    /// The data folder; `None` if nothing is stored.
    pub data_dir: Option<Arc<Path>>,
    /// Whether every change is refused, for all users.
    pub read_only: bool,
    /// Whether there is no sign-in although other machines can reach the server.
    pub is_open_network: bool,
    /// Names that the server answers to besides localhost and IP addresses, in lower case, possibly with a port.
    pub host_names: Arc<[String]>,
    pub trusted_proxies: Arc<TrustedProxies>,
    /// Base path of all URLs: empty, or `/` and a path without a trailing slash.
    pub base_path: Arc<str>,
    pub leptos: leptos::config::LeptosOptions,
}

impl App {
    /// The dependencies of a task on `engine`.
    pub fn context(&self, engine: WritableEngine) -> TaskContext {
        TaskContext { engine, registries: self.registries.clone() }
    }
}
