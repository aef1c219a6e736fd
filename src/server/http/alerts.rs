//! `GET /api/alerts`: pending and firing alerts. docs/protocol.md describes it.

use crate::{
    model::Alert,
    server::{alerts::worst_first, app::App},
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;

#[derive(Serialize)]
struct Active {
    alerts: Vec<Alert>,
}

pub async fn alerts(State(app): State<App>) -> Response {
    let alerts = worst_first(app.alerts.active());
    ([(header::CACHE_CONTROL, "no-store")], Json(Active { alerts })).into_response()
}
