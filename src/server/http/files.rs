//! Files in containers and volumes, on their way to a browser or from it.

use super::{
    Problem,
    transfers::{self, Piece, WAITING, as_file, counted, download, engine_for, forward, refused},
};
use crate::{
    model::{ContainerId, FilePath, FilesOf, HostId, Permission, TaskKind, VolumeName},
    server::{
        app::App,
        auth::Caller,
        commands::{note, on_files, start_task},
        engine::{Context, Reach, tar_of_file},
        files::reach,
        tasks::Report,
    },
    wire::{ActionError, ErrorKind},
};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::Deserialize;
use std::io;
use tokio::{
    io::{AsyncSeekExt, AsyncWriteExt},
    sync::{mpsc, oneshot},
};
use tokio_util::io::ReaderStream;

#[derive(Deserialize)]
pub struct Question {
    path: String,
    /// Of a file that is uploaded.
    #[serde(default)]
    name: String,
    host: Option<HostId>,
}

/// `GET /api/containers/:id/files?path=…`: a file as it is, a folder as a tar.
pub async fn of_container(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Problem> {
    take(&app, FilesOf::Container(container(&id)?), question).await
}

/// `GET /api/volumes/:name/files?path=…`: likewise.
pub async fn of_volume(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(question): Query<Question>,
) -> Result<Response, Problem> {
    take(&app, FilesOf::Volume(volume(&name)?), question).await
}

/// `POST /api/containers/:id/files?path=…&name=…`: the body is the content of a file that is to be in the folder. Answered when it is.
pub async fn into_container(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(question): Query<Question>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    bring(&app, FilesOf::Container(container(&id)?), question, &headers, body).await
}

/// `POST /api/volumes/:name/files?path=…&name=…`: likewise.
pub async fn into_volume(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(question): Query<Question>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    bring(&app, FilesOf::Volume(volume(&name)?), question, &headers, body).await
}

#[derive(Deserialize)]
pub struct WholeQuestion {
    host: Option<HostId>,
}

/// `GET /api/volumes/:name/backup`: all that is in it, as a tar.
pub async fn backup(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(question): Query<WholeQuestion>,
) -> Result<Response, Problem> {
    let caller = Caller::local_admin();
    let name = volume(&name)?;
    let engine = engine_for(&app, &caller, question.host, Permission::Reveal)?;
    let of = FilesOf::Volume(name);
    let deed = on_files(&app, &caller, (engine.host(), &of), "backup");
    let tar = async { reach(&app, &engine, &of).await?.backup().await.map_err(ActionError::from) };
    match tar.await {
        Ok(tar) => Ok(download(&app, deed, TaskKind::Backup, Box::pin(tar))),
        Err(error) => Err(refused(&app, deed, TaskKind::Backup, error)),
    }
}

/// `POST /api/volumes/:name/restore`: the body is what a backup gave. What is there already stays, but for files of the same name.
pub async fn restore(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(question): Query<WholeQuestion>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let caller = Caller::local_admin();
    let name = volume(&name)?;
    let engine = engine_for(&app, &caller, question.host, Permission::Write)?;
    let of = FilesOf::Volume(name.clone());
    let reach = reach(&app, &engine, &of).await?;
    transfers::once(&app, &headers)?;
    let deed = on_files(&app, &caller, (engine.host(), &of), "restore");
    let length = transfers::length(&headers);
    let (sender, receiver) = mpsc::channel(WAITING);
    let done = start_task(&app, deed, TaskKind::Restore, |report| async move {
        let tar = Context::stream(counted(receiver, length, report.clone()));
        reach.put(&FilePath::root(), tar).await.map_err(|error| {
            ActionError::from(error)
                .hint("It may have some of the files by now: restore it again, from a whole backup.")
        })?;
        Ok(format!("{name} has what was in the backup"))
    });
    forward(body, sender).await;
    Ok(Json(done).into_response())
}

async fn take(app: &App, of: FilesOf, Question { path, host, .. }: Question) -> Result<Response, Problem> {
    let caller = Caller::local_admin();
    let path = self::path(&path)?;
    let engine = engine_for(app, &caller, host, Permission::Reveal)?;
    let mut deed = on_files(app, &caller, (engine.host(), &of), "download");
    deed.attributes.insert("path".into(), path.to_string());
    let found = async { reach(app, &engine, &of).await?.download(&path).await.map_err(ActionError::from) };
    let (length, bytes) = match found.await {
        Ok(found) => found,
        Err(error) => return Err(refused(app, deed, TaskKind::Export, error)),
    };
    let Some(length) = length else {
        deed.name = if path.is_root() { deed.name } else { format!("{}-{}", deed.name, path.name()) };
        return Ok(download(app, deed, TaskKind::Export, Box::pin(bytes)));
    };
    note(app, deed, None);
    let bytes = bytes.map(|piece| piece.map_err(|error| io::Error::other(error.to_string())));
    let mut response = (as_file("application/octet-stream", path.name()), Body::from_stream(bytes)).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

async fn bring(
    app: &App,
    of: FilesOf,
    Question { path, name, host }: Question,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let caller = Caller::local_admin();
    let folder = self::path(&path)?;
    let file = folder.child(&name).map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "Not a file's name",
            "It has no slash, no zero byte, and is no dot or two.",
        )
    })?;
    let engine = engine_for(app, &caller, host, Permission::Write)?;
    let reach = reach(app, &engine, &of).await?;
    transfers::once(app, headers)?;
    let mut deed = on_files(app, &caller, (engine.host(), &of), "upload");
    deed.attributes.insert("path".into(), file.to_string());
    deed.name = format!("{} to {}", name, deed.name);
    let length = transfers::length(headers);
    let (sender, receiver) = mpsc::channel(WAITING);
    let (tell, told) = oneshot::channel();
    let dir = app.data_dir.clone();
    let done = start_task(app, deed, TaskKind::Upload, |report| async move {
        let outcome = write(&reach, &folder, &file, (receiver, length), dir.as_deref(), &report).await;
        let _ = tell.send(outcome.clone());
        outcome
    });
    forward(body, sender).await;
    match told.await {
        Ok(Ok(_)) => Ok(Json(done).into_response()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(ActionError::new(ErrorKind::Conflict, "It was cancelled").into()),
    }
}

/// The file is replaced when all of it has come, and not before.
async fn write(
    reach: &Reach,
    folder: &FilePath,
    file: &FilePath,
    (receiver, length): (mpsc::Receiver<Piece>, Option<u64>),
    dir: Option<&std::path::Path>,
    report: &Report,
) -> Result<String, ActionError> {
    let full = |error: io::Error| {
        ActionError::new(ErrorKind::Engine, format!("The upload could not be kept: {error}"))
            .hint("It waits in Quaylight's data dir until all of it has come: make room there.")
    };
    let made = dir.map_or_else(tempfile::tempfile, |dir| tempfile::tempfile_in(dir).or_else(|_| tempfile::tempfile()));
    let mut kept = tokio::fs::File::from_std(made.map_err(full)?);
    let mut pieces = std::pin::pin!(counted(receiver, length, report.clone()));
    let mut came = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| ActionError::new(ErrorKind::Conflict, error.to_string()))?;
        came += piece.len() as u64;
        kept.write_all(&piece).await.map_err(full)?;
    }
    kept.rewind().await.map_err(full)?;
    report.words("Writing");
    match reach.put(folder, tar_of_file(file.name(), came, ReaderStream::new(kept))).await {
        Ok(()) => Ok(format!("{file} is there")),
        Err(error) => {
            let is_full = error.is_full();
            let error = ActionError::from(error);
            Err(if is_full { error.hint("A part of it may be there: make room, and upload it again.") } else { error })
        }
    }
}

fn container(id: &str) -> Result<ContainerId, Problem> {
    let detail = "A container's id is 12 to 64 hex digits.";
    ContainerId::new(id).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "Not a container's id", detail))
}

fn volume(name: &str) -> Result<VolumeName, Problem> {
    let detail = "A volume's name is letters, digits, dots, dashes and underscores.";
    VolumeName::new(name).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "Not a volume's name", detail))
}

fn path(text: &str) -> Result<FilePath, Problem> {
    FilePath::new(text)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "Not a path", format!("This is {error}.")))
}
