//! `GET /api/state`: polling, for where nothing else comes through.

use super::follower::update;
use crate::{
    server::{app::App, http::Problem},
    wire::{Channels, Diff, Position, ServerFrame, json},
};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Known {
    since: Option<String>,
}

pub async fn state(State(app): State<App>, Query(known): Query<Known>, headers: HeaderMap) -> Response {
    let since: Option<Position> = match known.since.as_deref().map(str::parse) {
        None => None,
        Some(Ok(position)) => Some(position),
        Some(Err(())) => {
            let detail = "`since` is an epoch and a revision with a dash between, as in an ETag.";
            return Problem::new(StatusCode::BAD_REQUEST, "Not a place in the feed", detail).into_response();
        }
    };
    let position = app.reader.position();
    let etag = format!("\"{position}\"");
    let known_tag = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known_tag.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let (position, body) = match since.and_then(|since| Some((since, app.reader.since(since)?))) {
        Some((since, batches)) => {
            let to = batches.last().map_or(since.revision, |batch| batch.to);
            let diffs: Vec<Diff> = batches.iter().map(|batch| batch.diff(since.epoch)).collect();
            let body = json::encode_diffs(since.epoch, since.revision, to, &diffs);
            (Position { epoch: since.epoch, revision: to }, body)
        }
        None => {
            let (state, position) = app.reader.snapshot();
            let update = update(&state, position, Channels::ALL, app.clock);
            (position, json::encode_server(&ServerFrame::EngineStateUpdate(update)))
        }
    };
    let headers = [
        (header::ETAG, format!("\"{position}\"")),
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, body).into_response()
}
