//! `GET /api/alerts`: pending and firing alerts. docs/protocol.md describes it.

use crate::{
    model::{Alert, Permission},
    server::{
        alerts::worst_first,
        app::App,
        auth::{Caller, require},
        problem::Problem,
    },
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

#[derive(Serialize)]
struct Active {
    alerts: Vec<Alert>,
}

pub async fn alerts(State(app): State<App>) -> Response {
    if let Err(refused) = require(&app, &Caller::local_admin(), Permission::See) {
        return Problem::new(StatusCode::FORBIDDEN, "Not allowed", refused.message).into_response();
    }
    let alerts = worst_first(app.alerts.active());
    ([(header::CACHE_CONTROL, "no-store")], Json(Active { alerts })).into_response()
}
