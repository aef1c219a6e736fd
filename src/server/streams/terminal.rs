//! `GET /ws/terminal`: a shell in a container, on a separate socket. Binary messages carry terminal bytes in both directions.
//! Text messages are JSON: `{"resize": [columns, rows]}` from the client, and `{"exit": code}` or `{"error": words}` from the
//! server at the end.

use crate::{
    message,
    model::{Container, ContainerId, HostId, StructuredMessage},
    server::{
        app::App,
        auth::Caller,
        engine::{Shell, Terminal},
        live::{self, Gone, Socket},
        operations::note_terminal,
        problem::Problem,
    },
    wire::{ActionError, ErrorKind},
};
use axum::{
    extract::{Query, State, WebSocketUpgrade, ws::Message},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Timeout for the exit code after a command's last byte.
const CODE_TIMEOUT: Duration = Duration::from_secs(2);

/// Maximum bytes of input that the command has not read yet. Above this, no more input is received until the command reads
/// some.
const MOST_WAITING: usize = 1 << 20;

const WIDE: u16 = 80;
const HIGH: u16 = 24;

#[derive(Deserialize)]
pub struct TerminalQuery {
    id: String,
    command: Option<String>,
    user: Option<String>,
    columns: Option<u16>,
    rows: Option<u16>,
}

#[derive(Deserialize)]
struct ClientMessage {
    resize: (u16, u16),
}

pub async fn terminal(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TerminalQuery>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let id = match ContainerId::new(&query.id) {
        Ok(id) => id,
        Err(error) => {
            return Problem::new(StatusCode::BAD_REQUEST, "Invalid request", error).into_response();
        }
    };
    let container = app.reader.look(|state| state.containers().find(|it| it.id == id).cloned());
    let Some(container) = container else {
        let detail = message!("Check the name, or whether it was just removed.");
        return Problem::new(StatusCode::NOT_FOUND, "Container not found", detail).into_response();
    };
    live::upgrade(&app.clone(), caller.clone(), upgrade, false, async move |mut socket| {
        if let Err(error) = serve(&app, &caller, &container, query, &mut socket).await {
            let _ = socket
                .send(Message::text(
                    json!({"error": error.words(), "message": StructuredMessage(error.words())}).to_string(),
                ))
                .await;
        }
        let _ = socket.send(Message::Close(None)).await;
    })
}

async fn serve(
    app: &App,
    caller: &Caller,
    container: &Arc<Container>,
    query: TerminalQuery,
    socket: &mut Socket,
) -> Result<(), ActionError> {
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let shell = Shell {
        command: said(query.command),
        user: said(query.user),
        columns: query.columns.unwrap_or(WIDE).max(1),
        rows: query.rows.unwrap_or(HIGH).max(1),
    };
    let words = shell.command.clone().unwrap_or_else(|| "a shell".to_owned());
    let opened = app.hosts.writable(&container.host)?.terminal(&container.id, shell).await.map_err(ActionError::from);
    note_terminal(app, caller, container, &words, opened.as_ref().err());
    let mut terminal = opened?;
    match run_until_ended(app, &container.host, &mut terminal, socket).await {
        Ended::Command => {
            let code = async {
                loop {
                    if let Some(code) = terminal.exec.exit_code().await? {
                        return Ok::<_, ActionError>(code);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            // Processes that the command started may outlive it and keep the terminal open.
            let code = timeout(CODE_TIMEOUT, code).await.ok().transpose()?;
            let _ = socket.send(Message::text(json!({"exit": code}).to_string())).await;
        }
        Ended::Viewer => terminal.exec.hang_up().await?,
        Ended::Broken => {
            terminal.exec.hang_up().await?;
            return Err(lost());
        }
        Ended::Unreachable => {
            // The hang-up may still arrive; the client need not wait for it.
            tokio::spawn(async move { terminal.exec.hang_up().await });
            return Err(lost());
        }
    }
    Ok(())
}

fn lost() -> ActionError {
    ActionError::new(ErrorKind::Unavailable, message!("Lost connection to the engine"))
}

enum Ended {
    Command,
    Viewer,
    /// The engine accepts no more input.
    Broken,
    /// The engine neither sends nor receives any more.
    Unreachable,
}

async fn run_until_ended(app: &App, host: &HostId, terminal: &mut Terminal, socket: &mut Socket) -> Ended {
    let sessions = app.sessions.clone();
    let (closing, unreachable) = (sessions.closing(), app.reader.until_unreachable(host));
    tokio::pin!(closing, unreachable);
    let mut waiting = Vec::new();
    loop {
        let message = tokio::select! {
            written = terminal.reader.next() => match written {
                Some(bytes) => Message::Binary(bytes.into()),
                None => return Ended::Command,
            },
            // A command that reads no input must not block its output or its end.
            taken = terminal.writer.write_some(&waiting), if !waiting.is_empty() => match taken {
                Ok(count) => {
                    waiting.drain(..count);
                    continue;
                }
                Err(_) => return Ended::Broken,
            },
            heard = hear(socket, waiting.len() < MOST_WAITING) => {
                match heard {
                    Ok(Message::Binary(bytes)) => waiting.extend_from_slice(&bytes),
                    Ok(Message::Text(text)) => {
                        if let Ok(ClientMessage { resize: (columns, rows) }) = serde_json::from_str(&text) {
                            terminal.exec.resize(columns.max(1), rows.max(1)).await;
                        }
                    }
                    Ok(_) => {}
                    Err(Gone) => return Ended::Viewer,
                }
                continue;
            }
            () = &mut closing => return Ended::Viewer,
            () = &mut unreachable => return Ended::Unreachable,
        };
        if socket.send(message).await.is_err() {
            return Ended::Viewer;
        }
    }
}

/// Receives the next message if there is room for it. Otherwise receives nothing while the client is connected.
async fn hear(socket: &mut Socket, has_room: bool) -> Result<Message, Gone> {
    if has_room { socket.next().await } else { Err(socket.keep_alive().await) }
}
