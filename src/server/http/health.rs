//! `GET /healthz`: 200 while serving; the body reports whether each engine is reachable.

use crate::{
    model::{FailedList, HistoryStatus, HostId, Message, Timestamp},
    server::{app::App, supervision::Failed},
};
use axum::{Json, extract::State};
use serde::Serialize;

const OK: &str = "ok";

/// The server runs, but a part of it does not work.
const DEGRADED: &str = "degraded";

#[derive(Serialize)]
pub struct Health {
    status: &'static str,
    version: &'static str,
    epoch: u64,
    revision: u64,
    server_time: Timestamp,
    engines: Vec<EngineHealth>,
    history: HistoryHealth,
    /// Tasks of the server that panicked and have not recovered.
    failed_tasks: Vec<Failed>,
}

#[derive(Serialize)]
struct HistoryHealth {
    #[serde(flatten)]
    status: HistoryStatus,
    /// Events dropped because the write queue was full.
    lost: u64,
}

#[derive(Serialize)]
struct EngineHealth {
    id: HostId,
    reachable: bool,
    since: Timestamp,
    error: Option<Message>,
    /// Kinds whose last known state is shown, since the engine fails to list them.
    failed_lists: Vec<FailedList>,
    drift: u64,
}

pub async fn health(State(app): State<App>) -> Json<Health> {
    let position = app.reader.position();
    let drift = app.reader.drift();
    let engines = app.reader.look(|state| {
        let engine = |host: &std::sync::Arc<crate::model::Host>| EngineHealth {
            id: host.id.clone(),
            reachable: host.is_reachable(),
            since: host.since,
            error: host.error.clone(),
            failed_lists: host.failed_lists.clone(),
            drift,
        };
        state.hosts().map(engine).collect()
    });
    let version = env!("CARGO_PKG_VERSION");
    let (epoch, revision, server_time) = (position.epoch, position.revision, app.clock.now());
    let history = HistoryHealth { status: app.history.status(), lost: app.history.lost() };
    let failed_tasks = app.supervisor.failed();
    let status = if failed_tasks.is_empty() { OK } else { DEGRADED };
    Json(Health { status, version, epoch, revision, server_time, engines, history, failed_tasks })
}
