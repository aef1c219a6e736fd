//! What comes from a browser's file, or goes into one: images, and containers' file systems. It is too large for the socket.

use super::Problem;
use crate::{
    model::{Build, ContainerId, Event, HostId, ImageName, Permission, TaskKind},
    server::{
        app::App,
        auth::{Caller, require},
        commands::{blank, on_container, start_task},
        engine::{Context, Engine, EngineError, percent_encode},
        tasks,
    },
    wire::{ActionError, IDEMPOTENCY_KEY},
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::{future::Future, io};
use tokio::sync::mpsc;

/// Pieces of an upload that the engine has not taken yet.
pub(super) const WAITING: usize = 16;

/// Bytes of an upload that are read though nobody wants them any more.
const MOST_UNWANTED: usize = 64 << 20;

/// Characters; a longer key is none.
const LONGEST_KEY: usize = 200;

#[derive(Deserialize)]
pub struct BuildQuestion {
    name: String,
    #[serde(default)]
    no_cache: bool,
    #[serde(default)]
    pull: bool,
    host: Option<HostId>,
}

/// `POST /api/images/build`: the body is a tar with a Dockerfile in it, which may be compressed. Each `arg` is a build
/// argument, `key=value`.
pub async fn build(
    State(app): State<App>,
    Query(question): Query<BuildQuestion>,
    Query(pairs): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let BuildQuestion { name, no_cache, pull, host } = question;
    let args = pairs.iter().filter(|(key, _)| key == "arg").filter_map(|(_, arg)| arg.split_once('='));
    let mut build = Build { no_cache, pull, ..Build::default() };
    for (key, value) in args {
        build.args.insert(key.to_owned(), value.to_owned());
    }
    let Ok(name) = ImageName::new(&name) else {
        let detail = "A name is a repository and, after a colon, a tag.";
        return Problem::new(StatusCode::BAD_REQUEST, "Not an image's name", detail).into_response();
    };
    let asked = Asked { host, kind: TaskKind::Build, subject: name.to_string() };
    let registries = app.registries.clone();
    upload(&app, asked, &headers, body, async move |context, engine, report| {
        tasks::build(&engine, &registries, &name, &build, context, &report).await
    })
    .await
}

#[derive(Deserialize)]
pub struct ImportQuestion {
    /// Of the file, for people.
    #[serde(default)]
    file: String,
    host: Option<HostId>,
}

/// `POST /api/images/import`: the body is what an export gave.
pub async fn import(
    State(app): State<App>,
    Query(question): Query<ImportQuestion>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let ImportQuestion { file, host } = question;
    let file: String = file.chars().filter(|it| !it.is_control()).take(120).collect();
    let subject = if file.is_empty() { "a tar".to_owned() } else { file };
    let asked = Asked { host, kind: TaskKind::Import, subject };
    upload(&app, asked, &headers, body, async |context, engine, report| tasks::import(&engine, context, &report).await)
        .await
}

/// What an upload is for.
pub(super) struct Asked {
    pub(super) host: Option<HostId>,
    pub(super) kind: TaskKind,
    /// For people.
    pub(super) subject: String,
}

/// Starts the task with what comes, and answers when all has come: a browser listens no sooner.
async fn upload<F>(
    app: &App,
    Asked { host, kind, subject }: Asked,
    headers: &HeaderMap,
    body: Body,
    work: impl FnOnce(Context, Engine, tasks::Report) -> F,
) -> Response
where
    F: Future<Output = Result<String, ActionError>> + Send + 'static,
{
    let caller = Caller::local_admin();
    let engine = match engine_for(app, &caller, host, Permission::Create) {
        Ok(engine) => engine,
        Err(error) => return Problem::from(error).into_response(),
    };
    if let Err(again) = once(app, headers) {
        return again.into_response();
    }
    let length = length(headers);
    let (sender, receiver) = mpsc::channel(WAITING);
    let deed = on_images(app, &caller, engine.host(), kind, subject);
    let done = start_task(app, deed, kind, |report| {
        let context = Context::stream(counted(receiver, length, report.clone()));
        work(context, engine, report)
    });
    forward(body, sender).await;
    Json(done).into_response()
}

pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// As the history will have it.
fn on_images(app: &App, caller: &Caller, host: &HostId, kind: TaskKind, subject: String) -> Event {
    Event { host: host.clone(), ..blank(app, caller, "image", &kind.verb().to_ascii_lowercase(), subject) }
}

pub(super) fn engine_for(
    app: &App,
    caller: &Caller,
    host: Option<HostId>,
    permission: Permission,
) -> Result<Engine, ActionError> {
    require(app, caller, permission)?;
    app.hosts.meant(host.as_ref()).cloned()
}

/// A browser sends an upload once more, by itself, when its connection breaks before an answer: what it was for has failed or was
/// cancelled by then, and must not begin again.
pub(super) fn once(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let key = headers.get(IDEMPOTENCY_KEY).and_then(|it| it.to_str().ok()).filter(|it| it.len() <= LONGEST_KEY);
    if key.is_none_or(|key| app.tasks.begins(key)) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::CONFLICT, "It has come before", "The task that began with it says what became of it."))
}

/// Until all is there, or nobody takes any more: a task that has failed says so itself. A little that is still on its way is
/// taken all the same, since a browser hears no answer before it has sent everything.
pub(super) async fn forward(body: Body, sender: mpsc::Sender<Piece>) {
    let mut pieces = body.into_data_stream();
    let mut unwanted = 0;
    while let Some(piece) = pieces.next().await {
        // What a browser had sent before it went away must not count as all: there is no end to it.
        let Ok(piece) = piece else { return };
        let length = piece.len();
        if unwanted > 0 || sender.send(Piece::Bytes(piece)).await.is_err() {
            unwanted += length;
        }
        if unwanted > MOST_UNWANTED {
            return;
        }
    }
    let _ = sender.send(Piece::End).await;
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
    report.words("Uploading");
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
                None => Some((Err(io::Error::other("the upload was broken off")), None)),
            }
        }
    })
}

/// `GET /api/images/export?name=…`: those images as one tar, as `docker save` makes it.
pub async fn export(State(app): State<App>, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let caller = Caller::local_admin();
    let said = |key: &'static str| pairs.iter().filter(move |(it, _)| it == key).map(|(_, value)| value.as_str());
    let names: Result<Vec<_>, _> = said("name").map(ImageName::new).collect();
    let names = match names {
        Ok(names) if !names.is_empty() => names,
        _ => {
            let detail = "Say one or more images by `name`: names or ids.";
            return Problem::new(StatusCode::BAD_REQUEST, "Not an image's name", detail).into_response();
        }
    };
    let host = said("host").next().and_then(|host| HostId::new(host).ok());
    let engine = match engine_for(&app, &caller, host, Permission::Reveal) {
        Ok(engine) => engine,
        Err(error) => return Problem::from(error).into_response(),
    };
    let subject = match &names[..] {
        [name] => name.to_string(),
        names => format!("{} images", names.len()),
    };
    let deed = on_images(&app, &caller, engine.host(), TaskKind::Export, subject);
    match engine.export(&names).await {
        Ok(tar) => download(&app, deed, TaskKind::Export, tar),
        Err(error) => refused(&app, deed, TaskKind::Export, error).into_response(),
    }
}

#[derive(Deserialize)]
pub struct ExportQuestion {
    host: Option<HostId>,
}

/// `GET /api/containers/:id/export`: its file system as a tar, as `docker export` makes it.
pub async fn export_container(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(question): Query<ExportQuestion>,
) -> Response {
    let caller = Caller::local_admin();
    let Ok(id) = ContainerId::new(&id) else {
        let detail = "A container's id is 12 to 64 hex digits.";
        return Problem::new(StatusCode::BAD_REQUEST, "Not a container's id", detail).into_response();
    };
    let engine = match engine_for(&app, &caller, question.host, Permission::Reveal) {
        Ok(engine) => engine,
        Err(error) => return Problem::from(error).into_response(),
    };
    let deed = on_container(&app, &caller, (engine.host(), &id), "export");
    match engine.export_container(&id).await {
        Ok(tar) => download(&app, deed, TaskKind::Export, tar),
        Err(error) => refused(&app, deed, TaskKind::Export, error).into_response(),
    }
}

/// What makes a browser keep it under that name, whatever letters it has.
pub(super) fn as_file(kind: &'static str, name: &str) -> [(header::HeaderName, String); 3] {
    let plain = name.replace(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_')), "_");
    let whole = percent_encode(name, b"-._~");
    [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ]
}

/// A download that can't begin is a task that has failed: a browser that is to keep a file shows nobody the answer.
pub(super) fn refused(app: &App, deed: Event, kind: TaskKind, error: impl Into<ActionError>) -> Problem {
    let error = error.into();
    let told = error.clone();
    start_task(app, deed, kind, |_| async { Err(told) });
    error.into()
}

/// A task that lasts as long as the browser takes.
pub(super) fn download(
    app: &App,
    deed: Event,
    kind: TaskKind,
    tar: impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin + 'static,
) -> Response {
    let headers = as_file("application/x-tar", &format!("{}.tar", deed.name));
    let (sender, receiver) = mpsc::channel(WAITING);
    start_task(app, deed, kind, |report| tasks::export(tar, sender, report));
    let body = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    (headers, Body::from_stream(body)).into_response()
}
