//! Application state: the handles that requests use. No logic.

use super::{
    alerts::Alerts,
    audit::Audit,
    auth::{Auth, Caller},
    clock::Clock,
    engine::WritableEngine,
    history::History,
    hosts::Hosts,
    http::Connections,
    live::{FanoutMetrics, Handshakes, Sessions, Snapshots},
    notifications::Notifications,
    preferences::AllPreferences,
    registries::Registries,
    state::{Depth, Reader, ScopedViews},
    stats::Stats,
    streams::LogMetrics,
    supervision::Supervisor,
    tasks::{TaskContext, Tasks},
    trusted_proxies::TrustedProxies,
};
use crate::{
    message,
    model::{ContainerId, HostId, Timestamp},
    wire::{ActionError, ErrorKind},
};
use std::{path::Path, sync::Arc};

#[derive(Clone)]
pub struct App {
    pub auth: Auth,
    /// The whole state. What a caller may see of it: [`Self::state_for`].
    pub reader: Reader,
    pub scoped_views: ScopedViews,
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
    /// The state as the caller may see it.
    pub fn state_for(&self, caller: &Caller) -> Reader {
        caller.scope().map_or_else(|| self.reader.clone(), |scope| self.scoped_views.of(scope))
    }

    /// Fails for a caller who may not see the container, as if it did not exist. Others learn from the engine whether it exists.
    pub fn require_visible(&self, caller: &Caller, host: &HostId, id: &ContainerId) -> Result<(), ActionError> {
        let is_visible = || self.state_for(caller).look(|state| state.container(host, id).is_some());
        if caller.scope().is_none() || is_visible() {
            return Ok(());
        }
        Err(ActionError::new(ErrorKind::NotFound, message!("Container not found"))
            .hint(message!("Check the name, or whether it was just removed.")))
    }

    /// The dependencies of a task on `engine`.
    pub fn context(&self, engine: WritableEngine) -> TaskContext {
        TaskContext { engine, registries: self.registries.clone() }
    }
}
