//! Interactive terminal: a command in a container with a TTY, and its input and output as byte streams.
//!
//! Like the log, it does not go through bollard, whose decoder waits for whole lines: a prompt has no line end.

use super::{Call, EngineError, READ_TIMEOUT, WritableEngine, read::refusal};
use crate::model::{ContainerId, Message};
use bollard::{exec::StartExecOptions, models::ExecConfig, query_parameters::ResizeExecOptions};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    time::timeout,
};

/// The command to run, and the size of the terminal.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// A command line for `sh`. None to detect a shell.
    pub command: Option<String>,
    /// A user in the syntax of `docker exec --user`. None for the container's default user.
    pub user: Option<String>,
    pub columns: u16,
    pub rows: u16,
}

/// A running terminal. Until `reader` is read to its end, the command may still run.
pub struct Terminal {
    pub reader: TerminalReader,
    pub writer: TerminalWriter,
    pub exec: Exec,
}

pub struct TerminalReader(ReadHalf<TokioIo<Upgraded>>);

pub struct TerminalWriter(WriteHalf<TokioIo<Upgraded>>);

/// Identifies the command for the engine, and its child processes for us.
pub struct Exec {
    engine: WritableEngine,
    container: ContainerId,
    id: String,
    user: Option<String>,
    /// Environment variable that all child processes inherit.
    mark: String,
}

/// Timeout for a resize. It is short because a resize blocks the rest of the terminal.
const RESIZE_TIMEOUT: Duration = Duration::from_secs(1);

/// Detects a shell, in order of preference.
const BEST_SHELL: &str = "for it in bash ash sh; do command -v $it >/dev/null 2>&1 && exec $it; done";

/// Sets the terminal's size before the command. An engine sets it only after a process runs, which may have read it by then.
fn sized(columns: u16, rows: u16, command: &str) -> String {
    format!("stty cols {columns} rows {rows} 2>/dev/null; {command}")
}

fn in_sh(line: String) -> Vec<String> {
    vec!["sh".to_owned(), "-c".to_owned(), line]
}

impl WritableEngine {
    /// Starts a terminal in a running container.
    pub async fn terminal(&self, id: &ContainerId, shell: Shell) -> Result<Terminal, EngineError> {
        let Shell { command, user, columns, rows } = shell;
        let mark = format!("QUAYLIGHT_TERMINAL={:032x}", rand::random::<u128>());
        let config = ExecConfig {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(true),
            env: Some(vec!["TERM=xterm-256color".to_owned(), mark.clone()]),
            cmd: Some(in_sh(sized(columns, rows, command.as_deref().unwrap_or(BEST_SHELL)))),
            user: user.clone(),
            ..ExecConfig::default()
        };
        let docker = self.docker()?;
        let create = async { Ok(docker.create_exec(id.as_str(), config).await?) };
        let exec = match self.calls.act(Call::ExecCreate, create).await {
            Ok(created) => created.id,
            Err(error) => return Err(self.explain_of(Call::ExecCreate, id, error).await),
        };
        let exec = Exec { engine: self.clone(), container: id.clone(), id: exec, user, mark };
        let upgraded = self.calls.time(Call::ExecStart, self.start(&exec.id)).await?;
        let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
        exec.resize(columns, rows).await;
        Ok(Terminal { reader: TerminalReader(reader), writer: TerminalWriter(writer), exec })
    }

    /// Starts the exec and upgrades the connection.
    async fn start(&self, exec: &str) -> Result<Upgraded, EngineError> {
        let body = Full::new(Bytes::from_static(br#"{"Detach":false,"Tty":true}"#));
        let request = Request::post(format!("/exec/{exec}/start"))
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .header(hyper::header::CONNECTION, "Upgrade")
            .header(hyper::header::UPGRADE, "tcp")
            .body(body.map_err(|never| match never {}).boxed_unsync())
            .map_err(|error| EngineError::Malformed(error.to_string()))?;
        let answer = timeout(READ_TIMEOUT, self.transport.send(request)).await.map_err(|_| EngineError::Timeout)??;
        let status = answer.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refusal(status, answer.into_body()).await);
        }
        Ok(hyper::upgrade::on(answer).await?)
    }
}

impl TerminalReader {
    /// Returns the next output. None at its end. Cancel safe.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(16 * 1024);
        match self.0.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(bytes),
        }
    }
}

impl TerminalWriter {
    /// Writes as many bytes as the connection accepts now, and returns their number. Cancel safe.
    pub async fn write_some(&mut self, bytes: &[u8]) -> Result<usize, EngineError> {
        self.0.write(bytes).await.map_err(|error| EngineError::Unreachable(Message::verbatim(error)))
    }
}

impl Exec {
    /// Resizes the terminal. Ignores failures: a wrong size is no reason to end it, and it may have ended already.
    pub async fn resize(&self, columns: u16, rows: u16) {
        let resize = async {
            let options = ResizeExecOptions { w: i32::from(columns), h: i32::from(rows) };
            Ok::<_, EngineError>(self.engine.docker()?.resize_exec(&self.id, options).await?)
        };
        if let Ok(Err(error)) = timeout(RESIZE_TIMEOUT, resize).await {
            tracing::debug!(%error, "failed to resize a terminal");
        }
    }

    /// Ends the command and all its child processes: an engine does not end processes that have lost their terminal.
    pub async fn hang_up(&self) -> Result<(), EngineError> {
        let hang_up = async {
            let docker = self.engine.docker()?;
            let exec = docker.create_exec(self.container.as_str(), self.killing()).await?.id;
            let options = StartExecOptions { detach: true, ..StartExecOptions::default() };
            docker.start_exec(&exec, Some(options)).await?;
            Ok(())
        };
        timeout(READ_TIMEOUT, hang_up).await.map_err(|_| EngineError::Timeout)?
    }

    fn killing(&self) -> ExecConfig {
        let kill =
            format!("for it in /proc/[0-9]*; do grep -qs {} $it/environ && kill -HUP ${{it#/proc/}}; done", self.mark);
        ExecConfig { cmd: Some(in_sh(kill)), user: self.user.clone(), ..ExecConfig::default() }
    }

    /// Returns the command's exit code. None while it runs.
    pub async fn exit_code(&self) -> Result<Option<i64>, EngineError> {
        let exec = self.engine.docker()?.inspect_exec(&self.id).await?;
        Ok(exec.exit_code.filter(|_| exec.running != Some(true)))
    }
}
