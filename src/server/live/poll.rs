//! `GET /api/state`: polling, for clients that no other transport reaches. `GET /api/ping`: the round-trip time for clients
//! that have no socket.

use super::{
    Asked,
    follower::{Follower, Payload},
    hello, pong,
    sessions::Transport,
    tasks::seen_by,
};
use crate::{
    message,
    server::{app::App, auth::Caller, problem::Problem, state::Reader},
    wire::{Channels, Diff, Encoding, Position, ServerFrame, Tasks, Update, json},
};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::timeout;

/// Maximum seconds that an answer is held back until something changes.
const LONGEST_WAIT: u64 = 30;

/// Seconds for which a task that has ended is still reported.
const TELLING: i64 = 15;

#[derive(Deserialize)]
pub struct PollQuery {
    since: Option<String>,
    /// Seconds to wait for a change if nothing has changed since.
    wait: Option<u64>,
    encoding: Option<String>,
    /// Whether Quaylight's own page requests a hello message.
    hello: Option<bool>,
}

pub async fn state(
    State(app): State<App>,
    caller: Caller,
    Query(known): Query<PollQuery>,
    headers: HeaderMap,
) -> Response {
    let since: Option<Position> = match known.since.as_deref().map(str::parse) {
        None => None,
        Some(Ok(position)) => Some(position),
        Some(Err(())) => {
            let detail = message!("`since` must be an epoch and a revision separated by a hyphen, as in an ETag.");
            return Problem::new(StatusCode::BAD_REQUEST, "Invalid feed position", detail).into_response();
        }
    };
    app.fanout_metrics.polls.add(1);
    let reader = app.state_for(&caller);
    // A client that requests a hello stays: there must be a place for its later requests.
    if known.hello == Some(true) && app.sessions.enter(Transport::Polling).is_none() {
        return full();
    }
    if let (Some(since), Some(seconds)) = (since, known.wait) {
        let Some(_place) = app.sessions.enter(Transport::Polling) else {
            return full();
        };
        let seconds = if telling(&app, &caller).is_some() { 1 } else { seconds.min(LONGEST_WAIT) };
        something_after((&app, &reader), since, Duration::from_secs(seconds)).await;
    }
    let asked = Asked { encoding: known.encoding, ..Asked::default() };
    match asked.encoding() {
        Encoding::Json => in_json((&app, &reader), since, &headers),
        Encoding::Postcard => in_postcard(&app, (&caller, reader), since, known.hello == Some(true)),
    }
}

fn full() -> Response {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many connections", message!("Try again later.")).into_response()
}

/// Returns when there is something new for the client at `since`, when `time_limit` is over, or when the server closes.
async fn something_after((app, reader): (&App, &Reader), since: Position, time_limit: Duration) {
    let mut batches = reader.follow(Some(since)).batches;
    if reader.position() != since {
        return;
    }
    tokio::select! {
        next = timeout(time_limit, batches.recv()) => {
            if let Ok(Ok(batch)) = next {
                app.fanout_metrics.sending(&batch, app.clock);
            }
        }
        () = app.sessions.closing() => {}
    }
}

fn in_json((app, reader): (&App, &Reader), since: Option<Position>, headers: &HeaderMap) -> Response {
    let position = reader.position();
    let etag = format!("\"{position}\"");
    let known_tag = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known_tag.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let (position, body) = match since.and_then(|since| Some((since, reader.since(since)?))) {
        Some((since, batches)) => {
            let to = batches.last().map_or(since.revision, |batch| batch.to);
            let diffs: Vec<Diff> = batches.iter().map(|batch| batch.diff(since.epoch)).collect();
            let body = json::encode_diffs(since.epoch, since.revision, to, &diffs);
            (Position { epoch: since.epoch, revision: to }, body)
        }
        None => {
            if since.is_some() {
                app.fanout_metrics.resyncs_of_returned.add(1);
            }
            let (data, position) = reader.snapshot();
            let Position { epoch, revision } = position;
            let update = Update { epoch, revision, timestamp: app.clock.now(), data };
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

/// For Quaylight's own page: the messages that a socket would have sent, one after the other.
fn in_postcard(app: &App, (caller, reader): (&Caller, Reader), since: Option<Position>, greet: bool) -> Response {
    let mut body = Vec::new();
    let now = app.clock.now();
    if greet {
        body.extend_from_slice(&Payload::of(hello(&reader), Encoding::Postcard).message(now, now).into_data());
    }
    let mut follower = Follower::new((app.clone(), reader), Encoding::Postcard, Channels::ALL, since);
    while let Some(sent) = follower.ready() {
        body.extend_from_slice(&sent.message(now).into_data());
    }
    if let Some(tasks) = telling(app, caller).or_else(|| greet.then(|| seen_by(caller, &app.tasks))) {
        let payload = Payload::of(ServerFrame::Tasks(tasks), Encoding::Postcard);
        body.extend_from_slice(&payload.message(now, now).into_data());
    }
    binary_answer(body)
}

/// All tasks, while one of them runs or ended less than [`TELLING`] seconds ago. Meanwhile polls wait at most one second.
fn telling(app: &App, caller: &Caller) -> Option<Tasks> {
    let now = app.clock.now().seconds();
    let tasks = seen_by(caller, &app.tasks);
    let tells = tasks.tasks.iter().any(|it| it.ended.is_none_or(|ended| now - ended.seconds() < TELLING));
    tells.then_some(tasks)
}

/// `GET /api/ping`: the server's clock, in the binary encoding.
pub async fn ping(State(app): State<App>, caller: Caller) -> Response {
    let (now, reader) = (app.clock.now(), app.state_for(&caller));
    binary_answer(
        Payload::of(pong(&app, (&caller, &reader), 0), Encoding::Postcard).message(now, now).into_data().into(),
    )
}

pub(super) fn binary_answer(body: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}
