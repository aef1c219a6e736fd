//! `GET /healthz`: 200 while serving; the body says whether each engine answers.

use crate::{
    model::{HistoryStatus, HostId, Timestamp},
    server::app::App,
};
use axum::{Json, extract::State};
use serde::Serialize;

#[derive(Serialize)]
pub struct Health {
    status: &'static str,
    version: &'static str,
    epoch: u64,
    revision: u64,
    server_time: Timestamp,
    engines: Vec<EngineHealth>,
    history: HistoryHealth,
}

#[derive(Serialize)]
struct HistoryHealth {
    #[serde(flatten)]
    status: HistoryStatus,
    /// Events that came faster than they could be written.
    lost: u64,
}

#[derive(Serialize)]
struct EngineHealth {
    id: HostId,
    reachable: bool,
    since: Timestamp,
    error: Option<String>,
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
            drift,
        };
        state.hosts().map(engine).collect()
    });
    let version = env!("CARGO_PKG_VERSION");
    let (epoch, revision, server_time) = (position.epoch, position.revision, app.clock.now());
    let history = HistoryHealth { status: app.history.status(), lost: app.history.lost() };
    Json(Health { status: "ok", version, epoch, revision, server_time, engines, history })
}
