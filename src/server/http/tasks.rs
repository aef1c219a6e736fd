//! `GET /api/tasks/:id/output`: the whole output of a task, as text.

use crate::{
    message,
    model::TaskId,
    server::{app::App, problem::Problem},
};
use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

pub async fn output(State(app): State<App>, Path(id): Path<u64>) -> Response {
    let Some(lines) = app.tasks.output(TaskId(id)) else {
        let detail = message!("It may have expired: only recent tasks are kept.");
        return Problem::new(StatusCode::NOT_FOUND, "Task not found", detail).into_response();
    };
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, lines.join("\n")).into_response()
}
