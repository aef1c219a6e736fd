//! `GET /metrics`: what Prometheus is told of this server and of the containers. docs/metrics.md lists it.

mod containers;
mod exposition;
mod pipeline;
mod process;

use crate::server::app::App;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use exposition::Exposition;

pub async fn metrics(State(app): State<App>) -> Response {
    // Ten thousand containers are 30,000 lines: written where no socket waits for it.
    let text = tokio::task::spawn_blocking(move || exposition(&app)).await;
    let headers = [(header::CONTENT_TYPE, exposition::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    text.map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |text| (headers, text).into_response())
}

fn exposition(app: &App) -> String {
    // A copy: looking at it while writing would hold up the one who changes it.
    let (state, position) = app.reader.snapshot();
    let mut text = Exposition::default();
    process::write(&mut text, app.started);
    pipeline::write(&mut text, app, &state, position);
    containers::write(&mut text, &state, &app.stats);
    text.into_string()
}
