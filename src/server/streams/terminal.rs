//! `GET /ws/terminal`: a shell in a container, on a socket of its own. Binary messages are its bytes, both ways; text messages
//! are JSON: `{"resize": [columns, rows]}` to it, and `{"exit": code}` or `{"error": words}` from it at the end.

use crate::{
    model::{Container, ContainerId, Permission},
    server::{
        app::App,
        auth::{Caller, require},
        commands::note_terminal,
        engine::{Shell, Terminal},
        http::Problem,
        live::Transport,
    },
    wire::{ActionError, ErrorKind},
};
use axum::{
    body::Bytes,
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, interval_at, timeout};

const PING_EVERY: Duration = Duration::from_secs(20);

const SEND_PATIENCE: Duration = Duration::from_secs(30);

/// Between a command's last byte and its exit code.
const CODE_PATIENCE: Duration = Duration::from_secs(2);

/// Bytes typed or pasted that the command has not taken yet: with more nothing is heard until it takes some.
const MOST_WAITING: usize = 1 << 20;

const WIDE: u16 = 80;
const HIGH: u16 = 24;

#[derive(Deserialize)]
pub struct Question {
    id: String,
    command: Option<String>,
    user: Option<String>,
    columns: Option<u16>,
    rows: Option<u16>,
}

#[derive(Deserialize)]
struct Said {
    resize: (u16, u16),
}

/// Who may not is told so before any upgrade.
pub async fn terminal(State(app): State<App>, Query(question): Query<Question>, upgrade: WebSocketUpgrade) -> Response {
    let caller = Caller::local_admin();
    if let Err(refused) = require(&app, &caller, Permission::Execute) {
        return Problem::new(StatusCode::FORBIDDEN, "Not allowed", refused.words()).into_response();
    }
    let id = match ContainerId::new(&question.id) {
        Ok(id) => id,
        Err(error) => {
            return Problem::new(StatusCode::BAD_REQUEST, "Not understood", error.to_string()).into_response();
        }
    };
    let container = app.reader.look(|state| state.containers().find(|it| it.id == id).cloned());
    let Some(container) = container else {
        let detail = "It may have been removed a moment ago by somebody else.";
        return Problem::new(StatusCode::NOT_FOUND, "There is no such container", detail).into_response();
    };
    let Some(place) = app.sessions.enter(Transport::WebSocket) else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many connections", "Try again later.")
            .into_response();
    };
    upgrade.max_message_size(MOST_WAITING).write_buffer_size(0).on_upgrade(async move |mut socket| {
        if let Err(error) = serve(&app, &caller, &container, question, &mut socket).await {
            let _ = socket.send(Message::text(json!({"error": error.words()}).to_string())).await;
        }
        let _ = socket.send(Message::Close(None)).await;
        drop(place);
    })
}

async fn serve(
    app: &App,
    caller: &Caller,
    container: &Arc<Container>,
    question: Question,
    socket: &mut WebSocket,
) -> Result<(), ActionError> {
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let shell = Shell {
        command: said(question.command),
        user: said(question.user),
        columns: question.columns.unwrap_or(WIDE).max(1),
        rows: question.rows.unwrap_or(HIGH).max(1),
    };
    let words = shell.command.clone().unwrap_or_else(|| "a shell".to_owned());
    let opened = app.hosts.engine(&container.host)?.terminal(&container.id, shell).await.map_err(ActionError::from);
    note_terminal(app, caller, container, &words, opened.as_ref().err());
    let mut terminal = opened?;
    match converse(app, &mut terminal, socket).await {
        Ended::Command => {
            let code = async {
                loop {
                    if let Some(code) = terminal.exec.exit_code().await? {
                        return Ok::<_, ActionError>(code);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            // What it has started may go on behind it, and hold the terminal.
            let code = timeout(CODE_PATIENCE, code).await.ok().transpose()?;
            let _ = socket.send(Message::text(json!({"exit": code}).to_string())).await;
        }
        Ended::Viewer => terminal.exec.hang_up().await?,
        Ended::Broken => {
            terminal.exec.hang_up().await?;
            return Err(ActionError::new(ErrorKind::Unavailable, "The connection to the engine was lost"));
        }
    }
    Ok(())
}

enum Ended {
    Command,
    Viewer,
    /// The engine takes nothing more.
    Broken,
}

async fn converse(app: &App, terminal: &mut Terminal, socket: &mut WebSocket) -> Ended {
    let sessions = app.sessions.clone();
    let closing = sessions.closing();
    tokio::pin!(closing);
    let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut waiting = Vec::new();
    loop {
        let message = tokio::select! {
            written = terminal.reader.next() => match written {
                Some(bytes) => Message::Binary(bytes.into()),
                None => return Ended::Command,
            },
            // A command that takes no input must not keep its output, or the end, from being heard.
            taken = terminal.writer.write_some(&waiting), if !waiting.is_empty() => match taken {
                Ok(count) => {
                    waiting.drain(..count);
                    continue;
                }
                Err(_) => return Ended::Broken,
            },
            heard = socket.recv(), if waiting.len() < MOST_WAITING => {
                match heard {
                    Some(Ok(Message::Binary(bytes))) => waiting.extend_from_slice(&bytes),
                    Some(Ok(Message::Text(text))) => {
                        if let Ok(Said { resize: (columns, rows) }) = serde_json::from_str(&text) {
                            terminal.exec.resize(columns.max(1), rows.max(1)).await;
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ended::Viewer,
                }
                continue;
            }
            _ = pings.tick() => Message::Ping(Bytes::new()),
            () = &mut closing => return Ended::Viewer,
        };
        if !matches!(timeout(SEND_PATIENCE, socket.send(message)).await, Ok(Ok(()))) {
            return Ended::Viewer;
        }
    }
}
