//! `GET /metrics`: metrics of the server and the containers for Prometheus. docs/metrics.md lists them.

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
    // Ten thousand containers are 30,000 lines: serialized on a blocking thread, so that no socket has to wait.
    let text = tokio::task::spawn_blocking(move || exposition(&app)).await;
    let headers = [(header::CONTENT_TYPE, exposition::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")];
    text.map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |text| (headers, text).into_response())
}

fn exposition(app: &App) -> String {
    // A copy: reading the state while serializing would block its writer.
    let (state, position) = app.reader.snapshot();
    let mut text = Exposition::default();
    process::write(&mut text, app.started);
    pipeline::write(&mut text, app, &state, position);
    containers::write(&mut text, &state, &app.stats);
    text.into_string()
}
