//! `GET /api/containers/{id}/logs`: a log as text or as NDJSON, to read, follow or download.

use super::follow::find;
use crate::{
    message,
    model::{ContainerId, LogStream, Message, Timestamp, moment},
    server::{
        app::App,
        auth::Caller,
        body::streamed,
        engine::{Log, LogLines, LogPart, LogRange},
        problem::Problem,
    },
    wire::{ActionError, ErrorKind},
};
use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use std::io;

#[derive(Deserialize)]
pub struct LogTextQuery {
    #[serde(default)]
    follow: bool,
    tail: Option<u32>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    timestamps: bool,
    format: Option<String>,
    #[serde(default)]
    download: bool,
}

#[derive(Clone, Copy)]
enum Form {
    /// Byte for byte as it was written.
    Text {
        timestamps: bool,
    },
    NdJson,
}

pub async fn log_text(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<LogTextQuery>,
) -> Response {
    let bad = |detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "Invalid request", Message::Verbatim(detail)).into_response()
    };
    let id = match ContainerId::new(&id) {
        Ok(id) => id,
        Err(error) => return bad(error.to_string()),
    };
    let form = match query.format.as_deref() {
        None | Some("" | "text") => Form::Text { timestamps: query.timestamps },
        Some("ndjson") => Form::NdJson,
        Some(other) => return bad(format!("format={other}: must be text or ndjson")),
    };
    let now = app.clock.now();
    let nanos = |key: &str, said: &Option<String>| match said.as_deref().filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => moment(text, now)
            .map(|time| time.micros().checked_mul(1_000))
            .ok_or_else(|| format!("{key}={text}: use an RFC 3339 time or an age such as 90s, 15m, 24h or 7d")),
    };
    let (since, until) = match (nanos("since", &query.since), nanos("until", &query.until)) {
        (Ok(since), Ok(until)) => (since, until),
        (Err(why), _) | (_, Err(why)) => return bad(why),
    };
    let range = LogRange { follow: query.follow, tail: query.tail, since, until };
    let Some(source) = find(&app.state_for(&caller), &id) else {
        let detail = message!("Check the name, or whether it was just removed.");
        return Problem::new(StatusCode::NOT_FOUND, "Container not found", detail).into_response();
    };
    let Some(engine) = app.hosts.get(&source.host).cloned() else {
        return Problem::new(StatusCode::NOT_FOUND, "Unknown host", Message::default()).into_response();
    };
    let log = match engine.log(&source.id, range).await {
        Ok(log) => log,
        Err(error) => return unreadable(error.into()),
    };
    let (kind, end) = match form {
        Form::Text { .. } => ("text/plain; charset=utf-8", "log"),
        Form::NdJson => ("application/x-ndjson", "ndjson"),
    };
    let mut response = streamed(written(log, form)).into_response();
    response.extensions_mut().insert(source.host.clone());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    if query.download {
        // Docker's names contain only characters that a header accepts.
        let name = format!("attachment; filename=\"{}.{end}\"", source.name.replace(['"', '\\'], "_"));
        if let Ok(name) = name.parse() {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
    }
    response
}

fn unreadable(error: ActionError) -> Response {
    let status = match error.kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    Problem::new(status, "Couldn't read the log", error.words()).into_response()
}

fn written(log: Log, form: Form) -> impl Stream<Item = io::Result<Vec<u8>>> {
    stream::unfold(Some((log, LogLines::default())), move |state| async move {
        let (mut log, mut lines) = state?;
        loop {
            let piece = match log.next().await {
                Ok(Some(part)) => match form {
                    Form::Text { timestamps } => text(&part, timestamps),
                    Form::NdJson => match lines.take(part) {
                        Some((line, _)) => json(&line),
                        None => continue,
                    },
                },
                // The last line of a terminal may have no line break.
                Ok(None) => {
                    let rest: Vec<u8> = match form {
                        Form::Text { .. } => Vec::new(),
                        Form::NdJson => lines.rest().flat_map(|line| json(&line)).collect(),
                    };
                    return (!rest.is_empty()).then_some((Ok(rest), None));
                }
                // Fail the body, so that the client knows that the file is incomplete.
                Err(error) => return Some((Err(io::Error::other(error.to_string())), None)),
            };
            return Some((Ok(piece), Some((log, lines))));
        }
    })
}

fn text(part: &LogPart, timestamps: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(part.bytes.len() + 32);
    if timestamps && part.begins {
        text.extend(Timestamp::from_micros(part.nanos.div_euclid(1_000)).to_string().as_bytes());
        text.push(b' ');
    }
    text.extend_from_slice(&part.bytes);
    if part.ends {
        text.push(b'\n');
    }
    text
}

fn json(line: &crate::model::LogLine) -> Vec<u8> {
    #[derive(Serialize)]
    struct Written<'a> {
        time: Timestamp,
        stream: LogStream,
        text: &'a str,
        #[serde(skip_serializing_if = "is_zero")]
        cut: u32,
    }
    let written = Written { time: line.at, stream: line.stream, text: &line.text, cut: line.cut };
    let mut json = serde_json::to_vec(&written).unwrap_or_default();
    json.push(b'\n');
    json
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
