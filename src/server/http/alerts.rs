//! `GET /api/alerts`: pending and firing alerts. docs/protocol.md describes it.

use crate::{
    model::Alert,
    server::{
        alerts::{visible, worst_first},
        app::App,
        auth::Caller,
    },
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

pub async fn alerts(State(app): State<App>, caller: Caller) -> Response {
    let alerts = worst_first(visible(&app, &caller, app.alerts.active()));
    ([(header::CACHE_CONTROL, "no-store")], Json(Active { alerts })).into_response()
}
