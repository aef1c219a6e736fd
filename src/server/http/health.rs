//! `GET /healthz`: 200 while serving; the body reports whether each engine is reachable.

use crate::{
    model::{FailedList, HistoryStatus, HostId, Message, Timestamp},
    server::{app::App, auth::Caller, problem::Problem, supervision::Failed},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

const OK: &str = "ok";

/// The server runs, but a part of it does not work.
const DEGRADED: &str = "degraded";

#[derive(Serialize)]
struct Health {
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

/// To callers who are not signed in or have a scope, only the state of the server: the rest describes engines.
pub async fn health(State(app): State<App>, caller: Result<Caller, Problem>) -> Response {
    let failed_tasks = app.supervisor.failed();
    let status = if failed_tasks.is_empty() { OK } else { DEGRADED };
    if !caller.is_ok_and(|it| it.scope().is_none()) {
        return Json(json!({ "status": status, "failed_tasks": failed_tasks })).into_response();
    }
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
    Json(Health { status, version, epoch, revision, server_time, engines, history, failed_tasks }).into_response()
}
