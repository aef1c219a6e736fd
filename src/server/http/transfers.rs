//! Uploads and downloads of images and container file systems, which are too large for the WebSocket.

use super::streaming::drain;
use crate::{
    message,
    model::{Build, ContainerId, Event, HostId, ImageName, Message, TaskKind},
    server::{
        app::App,
        auth::Caller,
        body::streamed,
        engine::{Context, Engine, EngineError, WritableEngine},
        operations::{blank, on_container, start_task},
        percent::component,
        problem::Problem,
        tasks,
    },
    wire::{ActionError, IDEMPOTENCY_KEY},
};
use axum::{
    Extension, Json,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::{future::Future, io, time::Duration};
use tokio::{sync::mpsc, time::timeout};

/// Chunks queued for the engine or the browser.
pub(super) const WAITING: usize = 2;

/// Timeout of an upload that sends nothing.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);

/// In characters; a longer key is ignored.
const LONGEST_KEY: usize = 200;

#[derive(Deserialize)]
pub struct BuildQuery {
    name: String,
    #[serde(default)]
    no_cache: bool,
    #[serde(default)]
    pull: bool,
    /// Path of the Dockerfile in the tar.
    dockerfile: Option<String>,
    target: Option<String>,
    platform: Option<String>,
    host: Option<HostId>,
}

/// `POST /api/images/build`: the body is a tar with a Dockerfile, which may be compressed. Each `arg` is a build argument,
/// `key=value`.
pub async fn build(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<BuildQuery>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let BuildQuery { name, no_cache, pull, dockerfile, target, platform, host } = query;
    let args = pairs.iter().filter(|(key, _)| key == "arg").filter_map(|(_, arg)| arg.split_once('='));
    let mut build = Build { dockerfile_path: dockerfile, target, platform, no_cache, pull, ..Build::default() };
    for (key, value) in args {
        build.args.insert(key.to_owned(), value.to_owned());
    }
    let Ok(name) = ImageName::new(&name) else {
        let detail = message!("Use repository:tag, for example nginx:1.27.");
        return Problem::new(StatusCode::BAD_REQUEST, "Invalid image name", detail).into_response();
    };
    let asked = Asked { host, kind: TaskKind::Build, subject: Message::verbatim(&name) };
    let registries = app.registries.clone();
    upload(&app, &caller, asked, &headers, body, async move |context, engine, report| {
        tasks::build(&engine, &registries, &name, &build, context, &report).await
    })
    .await
}

#[derive(Deserialize)]
pub struct ImportQuery {
    /// The file's name, for display.
    #[serde(default)]
    file: String,
    host: Option<HostId>,
}

/// `POST /api/images/import`: the body is an export.
pub async fn import(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let ImportQuery { file, host } = query;
    let file: String = file.chars().filter(|it| !it.is_control()).take(120).collect();
    let subject = if file.is_empty() { message!("a tar archive") } else { Message::Verbatim(file) };
    let asked = Asked { host, kind: TaskKind::Import, subject };
    upload(&app, &caller, asked, &headers, body, async |context, engine, report| {
        tasks::import(&engine, context, &report).await
    })
    .await
}

/// Purpose of an upload.
pub(super) struct Asked {
    pub(super) host: Option<HostId>,
    pub(super) kind: TaskKind,
    /// For display.
    pub(super) subject: Message,
}

/// Starts the task with the body, and answers when all of it has arrived: a browser reads no response sooner.
async fn upload<F>(
    app: &App,
    caller: &Caller,
    Asked { host, kind, subject }: Asked,
    headers: &HeaderMap,
    body: Body,
    work: impl FnOnce(Context, WritableEngine, tasks::Report) -> F,
) -> Response
where
    F: Future<Output = Result<Message, ActionError>> + Send + 'static,
{
    let engine = match writable_engine_for(app, host) {
        Ok(engine) => engine,
        Err(error) => return Problem::from(error).into_response(),
    };
    if let Err(again) = once(app, headers) {
        return again.into_response();
    }
    let (length, host) = (length(headers), engine.host().clone());
    let (sender, receiver) = mpsc::channel(WAITING);
    let deed = on_images(app, caller, &host, kind, subject.to_string());
    let started = start_task(app, deed, (kind, subject), |report| {
        let context = Context::stream(counted(receiver, length, report.clone()));
        let (work, reader, host) = (work(context, engine, report), app.reader.clone(), host.clone());
        // The upload breaks off with the engine, and any error then is only a consequence of that.
        async move {
            work.await.map_err(|error| if reader.is_unreachable(&host) { EngineError::lost().into() } else { error })
        }
    })
    .await;
    forward(app, &host, body, sender).await;
    started.map_or_else(|error| Problem::from(error).into_response(), |done| Json(done).into_response())
}

pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The event for the history.
fn on_images(app: &App, caller: &Caller, host: &HostId, kind: TaskKind, subject: String) -> Event {
    Event { host: host.clone(), ..blank(app, caller, "image", &kind.verb().to_ascii_lowercase(), subject) }
}

pub(super) fn engine_for(app: &App, host: Option<HostId>) -> Result<Engine, ActionError> {
    app.hosts.meant(host.as_ref()).cloned()
}

fn writable_engine_for(app: &App, host: Option<HostId>) -> Result<WritableEngine, ActionError> {
    let engine = engine_for(app, host)?;
    app.hosts.writable(engine.host()).cloned()
}

/// Rejects a repeated upload. A browser retries an upload by itself if its connection breaks before a response: by then the
/// task has failed or was cancelled, and must not start again.
pub(super) fn once(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let key = headers.get(IDEMPOTENCY_KEY).and_then(|it| it.to_str().ok()).filter(|it| it.len() <= LONGEST_KEY);
    if key.is_none_or(|key| app.tasks.begins(key)) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "This upload was already received",
        message!("See the original task for the result."),
    ))
}

/// Forwards the upload until it is complete or breaks off, the engine is unreachable, or the task has ended: a failed task
/// reports its own error.
pub(super) async fn forward(app: &App, host: &HostId, body: Body, sender: mpsc::Sender<Piece>) {
    let mut pieces = body.into_data_stream();
    let pass_on = async {
        // Dropping the sender without an end marks the upload as broken off: what a browser sent before it disconnected must
        // not count as complete.
        while let Ok(next) = timeout(RECEIVE_TIMEOUT, pieces.next()).await {
            let (piece, is_end) = match next {
                Some(Ok(bytes)) => (Piece::Bytes(bytes), false),
                Some(Err(_)) => return,
                None => (Piece::End, true),
            };
            if sender.send(piece).await.is_err() || is_end {
                return;
            }
        }
    };
    tokio::select! {
        () = pass_on => if !sender.is_closed() { return },
        () = app.reader.until_unreachable(host) => return,
        () = sender.closed() => {}
    }
    drain(pieces).await;
}

pub(super) enum Piece {
    Bytes(Bytes),
    End,
}

pub(super) fn counted(
    receiver: mpsc::Receiver<Piece>,
    length: Option<u64>,
    report: tasks::Report,
) -> impl Stream<Item = Result<Bytes, io::Error>> {
    report.words(message!("Uploading"));
    stream::unfold(Some((receiver, 0_u64)), move |state| {
        let report = report.clone();
        async move {
            let (mut receiver, came) = state?;
            match receiver.recv().await {
                Some(Piece::Bytes(bytes)) => {
                    let came = came + bytes.len() as u64;
                    let length = length.unwrap_or(0);
                    // The engine's own work is the other half.
                    let permille = (came * 500).checked_div(length).unwrap_or(0);
                    report.progress(u16::try_from(permille).unwrap_or(500), came, length);
                    Some((Ok(bytes), Some((receiver, came))))
                }
                Some(Piece::End) => None,
                None => Some((Err(io::Error::other("upload interrupted")), None)),
            }
        }
    })
}

/// `GET /api/images/export?name=…`: the images as one tar, in the format of `docker save`.
pub async fn export(State(app): State<App>, caller: Caller, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let said = |key: &'static str| pairs.iter().filter(move |(it, _)| it == key).map(|(_, value)| value.as_str());
    let names: Result<Vec<_>, _> = said("name").map(ImageName::new).collect();
    let names = match names {
        Ok(names) if !names.is_empty() => names,
        _ => {
            let detail = message!("Specify one or more images with `name` (name or ID).");
            return Problem::new(StatusCode::BAD_REQUEST, "Invalid image name", detail).into_response();
        }
    };
    let host = said("host").next().and_then(|host| HostId::new(host).ok());
    let engine = match engine_for(&app, host) {
        Ok(engine) => engine,
        Err(error) => return Problem::from(error).into_response(),
    };
    let subject = match &names[..] {
        [name] => name.to_string(),
        names => message!("{count} images", count = names.len()).to_string(),
    };
    let deed = on_images(&app, &caller, engine.host(), TaskKind::Export, subject);
    match engine.export(&names).await {
        Ok(tar) => download(&app, deed, TaskKind::Export, tar).await.into_response(),
        Err(error) => refused(&app, deed, TaskKind::Export, error).await.into_response(),
    }
}

#[derive(Deserialize)]
pub struct ExportQuery {
    host: Option<HostId>,
}

/// `GET /api/containers/:id/export`: the container's file system as a tar, in the format of `docker export`.
pub async fn export_container(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ExportQuery>,
) -> Response {
    let Ok(id) = ContainerId::new(&id) else {
        let detail = message!("A container ID is 12 to 64 hexadecimal characters.");
        return Problem::new(StatusCode::BAD_REQUEST, "Invalid container ID", detail).into_response();
    };
    let engine = match engine_for(&app, query.host) {
        Ok(engine) => engine,
        Err(error) => return Problem::from(error).into_response(),
    };
    let deed = on_container(&app, &caller, (engine.host(), &id), "export");
    match engine.export_container(&id).await {
        Ok(tar) => download(&app, deed, TaskKind::Export, tar).await.into_response(),
        Err(error) => refused(&app, deed, TaskKind::Export, error).await.into_response(),
    }
}

/// Headers that make a browser save the response under this name, with any characters.
pub(super) fn as_file(kind: &'static str, name: &str) -> [(header::HeaderName, String); 3] {
    let plain = name.replace(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_')), "_");
    let whole = component(name);
    [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ]
}

/// Reports a download that can't start as a failed task: a browser that expects a file does not show the response.
pub(super) async fn refused(app: &App, deed: Event, kind: TaskKind, error: impl Into<ActionError>) -> Problem {
    let error = error.into();
    let reported = error.clone();
    // If too many tasks run, the response has to suffice.
    let subject = Message::verbatim(&deed.name);
    let _ = start_task(app, deed, (kind, subject), |_| async { Err(reported) }).await;
    error.into()
}

/// Starts a task that lasts as long as the browser reads.
pub(super) async fn download(
    app: &App,
    deed: Event,
    kind: TaskKind,
    tar: impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + 'static,
) -> Result<Response, Problem> {
    let (host, headers) = (deed.host.clone(), as_file("application/x-tar", &format!("{}.tar", deed.name)));
    let (sender, receiver) = mpsc::channel(WAITING);
    let subject = Message::verbatim(&deed.name);
    start_task(app, deed, (kind, subject), |report| tasks::export(tar, sender, report)).await?;
    let body = stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Ok(Some(bytes))) => Some((Ok(bytes), Some(receiver))),
            Some(Ok(None)) => None,
            Some(Err(error)) => Some((Err(error), None)),
            // The task was cancelled: a partial tar must not look complete.
            None => Some((Err(io::Error::other("the download was cancelled")), None)),
        }
    });
    Ok((Extension(host), headers, streamed(body)).into_response())
}
