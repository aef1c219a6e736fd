//! `POST /api/actions/:action`: the protocol's `action` message, for clients without a WebSocket.

use crate::{
    message,
    model::HostId,
    server::{app::App, auth::Caller, dispatch::dispatch, problem::Problem},
    wire::{ActionError, Done, ErrorKind},
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    target: String,
    host: Option<HostId>,
    options: Option<Box<RawValue>>,
}

/// The body is parsed as JSON, whatever its content type: `target`, and `options` and `host` where they matter.
pub async fn action(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let Asked { target, host, options } = serde_json::from_slice(&body).map_err(|error| {
        ActionError::new(ErrorKind::Invalid, message!("Invalid request body: {error}", error = error.to_string()))
    })?;
    let options = options.as_ref().map_or("{}", |it| it.get());
    Ok(Json(dispatch(&app, &caller, host, (&name, &target, options)).await?))
}
