//! File downloads and uploads of containers and volumes.

use super::transfers::{self, Piece, WAITING, as_file, counted, download, engine_for, forward, refused};
use crate::{
    message,
    model::{ContainerId, FilePath, FilesOf, HostId, Message, TaskKind, VolumeName},
    server::{
        app::App,
        auth::Caller,
        body::streamed,
        engine::{Context, EngineError, FileAccess, tar_of_file},
        files::reach,
        operations::{note, on_files, start_task},
        problem::Problem,
        spool::{Spool, SpoolError},
        tasks::Report,
    },
    wire::{ActionError, ErrorKind},
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::Deserialize;
use std::io;
use tokio::sync::{mpsc, oneshot};

#[derive(Deserialize)]
pub struct FileQuery {
    path: String,
    /// Name of an uploaded file.
    #[serde(default)]
    name: String,
    host: Option<HostId>,
}

/// `GET /api/containers/:id/files?path=…`: a file as it is, a folder as a tar.
pub async fn of_container(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<FileQuery>,
) -> Result<Response, Problem> {
    take(&app, &caller, FilesOf::Container(container(&id)?), query).await
}

/// `POST /api/volumes/:name/download?path=…`: the same for a volume. A volume is accessed through a helper container, which a
/// `GET` must not create: any page could make a browser send one.
pub async fn of_volume(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
) -> Response {
    let taken = async { take(&app, &caller, FilesOf::Volume(volume(&name)?), query).await };
    of_a_form(&headers, taken.await)
}

/// `POST /api/containers/:id/files?path=…&name=…`: stores the body as a file in the folder. Answers when the file is stored.
pub async fn into_container(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    bring(&app, &caller, FilesOf::Container(container(&id)?), query, &headers, body).await
}

/// `POST /api/volumes/:name/files?path=…&name=…`: the same for a volume.
pub async fn into_volume(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    bring(&app, &caller, FilesOf::Volume(volume(&name)?), query, &headers, body).await
}

#[derive(Deserialize)]
pub struct BackupQuery {
    host: Option<HostId>,
}

/// `POST /api/volumes/:name/backup`: the whole volume, as a tar.
pub async fn backup(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<BackupQuery>,
    headers: HeaderMap,
) -> Response {
    of_a_form(&headers, whole(&app, &caller, &name, query.host).await)
}

/// Response to a form. A browser replaces our page with the response to a form, unless it is a download. A response without
/// content leaves our page in place, where the failed task shows the reason.
fn of_a_form(headers: &HeaderMap, answer: Result<Response, Problem>) -> Response {
    let navigates = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    match answer {
        Err(_) if navigates => StatusCode::NO_CONTENT.into_response(),
        answer => answer.into_response(),
    }
}

async fn whole(app: &App, caller: &Caller, name: &str, host: Option<HostId>) -> Result<Response, Problem> {
    let name = volume(name)?;
    let engine = engine_for(app, host)?;
    let of = FilesOf::Volume(name.clone());
    let deed = on_files(app, caller, (engine.host(), &of), "backup");
    let tar = async {
        if let Some(tar) = engine.exported_volume(&name).await? {
            return Ok::<_, ActionError>(tar.left_stream());
        }
        Ok(reach(app, caller, &engine, &of).await?.backup().await?.right_stream())
    };
    match tar.await {
        Ok(tar) => download(app, deed, TaskKind::Backup, Box::pin(tar)).await,
        Err(error) => Err(refused(app, deed, TaskKind::Backup, error).await),
    }
}

/// `POST /api/volumes/:name/restore`: the body is a backup. Existing files stay, except those with the same name as one in it.
pub async fn restore(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Query(query): Query<BackupQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let name = volume(&name)?;
    let engine = engine_for(&app, query.host)?;
    let of = FilesOf::Volume(name.clone());
    let reach = reach(&app, &caller, &engine, &of).await?;
    transfers::once(&app, &headers)?;
    let deed = on_files(&app, &caller, (engine.host(), &of), "restore");
    let length = transfers::length(&headers);
    let (sender, receiver) = mpsc::channel(WAITING);
    let (reader, host) = (app.reader.clone(), engine.host().clone());
    let subject = Message::verbatim(&deed.name);
    let done = start_task(&app, deed, (TaskKind::Restore, subject), |report| async move {
        let (root, tar) = (FilePath::root(), Context::stream(counted(receiver, length, report.clone())));
        let put = reader.while_reachable(&host, reach.put(&root, tar)).await;
        put.unwrap_or_else(|| Err(EngineError::lost())).map_err(|error| {
            ActionError::from(error)
                .hint(message!("The volume may be partially restored. Restore it again from a complete backup."))
        })?;
        Ok(message!("{name} restored from backup", name))
    })
    .await?;
    forward(&app, engine.host(), body, sender).await;
    Ok(Json(done).into_response())
}

async fn take(
    app: &App,
    caller: &Caller,
    of: FilesOf,
    FileQuery { path, host, .. }: FileQuery,
) -> Result<Response, Problem> {
    let path = self::path(&path)?;
    let engine = engine_for(app, host)?;
    let mut deed = on_files(app, caller, (engine.host(), &of), "download");
    deed.attributes.insert("path".into(), path.to_string());
    let found = async { reach(app, caller, &engine, &of).await?.download(&path).await.map_err(ActionError::from) };
    let (length, bytes) = match found.await {
        Ok(found) => found,
        Err(error) => return Err(refused(app, deed, TaskKind::Export, error).await),
    };
    let Some(length) = length else {
        deed.name = if path.is_root() { deed.name } else { format!("{}-{}", deed.name, path.name()) };
        return download(app, deed, TaskKind::Export, Box::pin(bytes)).await;
    };
    note(app, deed, None);
    let bytes = bytes.map(|piece| piece.map_err(|error| io::Error::other(error.to_string())));
    let headers = as_file("application/octet-stream", path.name());
    let mut response = (Extension(engine.host().clone()), headers, streamed(bytes)).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

async fn bring(
    app: &App,
    caller: &Caller,
    of: FilesOf,
    FileQuery { path, name, host }: FileQuery,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let folder = self::path(&path)?;
    let file = folder.child(&name).map_err(|_| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "Invalid file name",
            message!("File names can't be . or .. and can't contain / or null bytes."),
        )
    })?;
    let engine = engine_for(app, host)?;
    let reach = reach(app, caller, &engine, &of).await?;
    transfers::once(app, headers)?;
    let mut deed = on_files(app, caller, (engine.host(), &of), "upload");
    deed.attributes.insert("path".into(), file.to_string());
    let subject = message!("{file} to {target}", file = name, target = deed.name);
    deed.name = subject.to_string();
    let length = transfers::length(headers);
    let (sender, receiver) = mpsc::channel(WAITING);
    let (outcome_sender, outcome_receiver) = oneshot::channel();
    let (dir, reader, host) = (app.data_dir.clone(), app.reader.clone(), engine.host().clone());
    let done = start_task(app, deed, (TaskKind::Upload, subject), |report| async move {
        let written = write(&reach, &folder, &file, (receiver, length), dir.as_deref(), &report);
        let outcome = reader.while_reachable(&host, written).await.unwrap_or_else(|| Err(EngineError::lost().into()));
        let _ = outcome_sender.send(outcome.clone());
        outcome
    })
    .await?;
    forward(app, engine.host(), body, sender).await;
    match outcome_receiver.await {
        Ok(Ok(_)) => Ok(Json(done).into_response()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(ActionError::new(ErrorKind::Conflict, message!("Cancelled")).into()),
    }
}

/// The file is replaced only after all of it has arrived.
async fn write(
    reach: &FileAccess,
    folder: &FilePath,
    file: &FilePath,
    (receiver, length): (mpsc::Receiver<Piece>, Option<u64>),
    dir: Option<&std::path::Path>,
    report: &Report,
) -> Result<Message, ActionError> {
    let spool = Spool::receive(dir, length, counted(receiver, length, report.clone())).await?;
    report.words(message!("Writing"));
    match reach.put(folder, tar_of_file(file.name(), spool.length(), spool.into_stream())).await {
        Ok(()) => Ok(message!("Uploaded {file}", file = file.to_string())),
        Err(error) => {
            let is_full = error.is_full();
            let error = ActionError::from(error);
            Err(if is_full {
                error.hint(message!("The upload may be incomplete. Free up disk space and upload it again."))
            } else {
                error
            })
        }
    }
}

impl From<SpoolError> for ActionError {
    fn from(error: SpoolError) -> Self {
        let kind = if matches!(error, SpoolError::Storage(_)) { ErrorKind::Storage } else { ErrorKind::Conflict };
        let hint = match error {
            SpoolError::Storage(_) => {
                message!("Uploads are staged in Quaylight's data directory. Free up space there.")
            }
            _ => message!("No changes were made. Upload it again."),
        };
        Self::new(kind, error.message()).hint(hint)
    }
}

fn container(id: &str) -> Result<ContainerId, Problem> {
    let detail = message!("A container ID is 12 to 64 hexadecimal characters.");
    ContainerId::new(id).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "Invalid container ID", detail))
}

fn volume(name: &str) -> Result<VolumeName, Problem> {
    let detail = message!("Volume names can contain only letters, digits, dots, dashes and underscores.");
    VolumeName::new(name).map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "Invalid volume name", detail))
}

fn path(text: &str) -> Result<FilePath, Problem> {
    FilePath::new(text).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "Invalid path",
            message!("This is an {error}.", error = Message::from(error)),
        )
    })
}
