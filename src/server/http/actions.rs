//! `POST /api/actions/:action`: what the protocol's `action` message asks for, by those who have no socket.

use super::Problem;
use crate::{
    model::HostId,
    server::{app::App, auth::Caller, named::perform_named},
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

/// The body is JSON, whatever it is said to be: `target`, and `options` and `host` where they matter.
pub async fn action(State(app): State<App>, Path(name): Path<String>, body: Bytes) -> Result<Json<Done>, Problem> {
    let Asked { target, host, options } = serde_json::from_slice(&body)
        .map_err(|error| ActionError::new(ErrorKind::Invalid, format!("The body is not understood: {error}")))?;
    let options = options.as_ref().map_or("{}", |it| it.get());
    Ok(Json(perform_named(&app, &Caller::local_admin(), host, (&name, &target, options)).await?))
}
