//! A command in a container with a terminal around it: bytes both ways.
//!
//! By hand, as the log is: bollard's decoder waits for lines, and a prompt has no end.

use super::{Call, Engine, EngineError, EngineUrl, READ_PATIENCE};
use crate::model::ContainerId;
use bollard::{exec::StartExecOptions, models::ExecConfig, query_parameters::ResizeExecOptions};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// What runs in it.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// A command line for `sh`; without it the best shell that there is.
    pub command: Option<String>,
    /// As `docker exec --user` takes it; the image's own without.
    pub user: Option<String>,
    pub columns: u16,
    pub rows: u16,
}

/// Before it has been read to its end its command may still run.
pub struct Terminal {
    pub reader: TerminalReader,
    pub writer: TerminalWriter,
    pub exec: Exec,
}

pub struct TerminalReader(ReadHalf<TokioIo<Upgraded>>);

pub struct TerminalWriter(WriteHalf<TokioIo<Upgraded>>);

/// What the engine knows the command by, and we what it has started.
pub struct Exec {
    engine: Engine,
    container: ContainerId,
    id: String,
    user: Option<String>,
    /// In the environment of all that the command starts.
    mark: String,
}

/// Nothing else of the terminal goes on meanwhile.
const RESIZE_PATIENCE: Duration = Duration::from_secs(1);

/// The shells that people like, best first.
const BEST_SHELL: &str = "for it in bash ash sh; do command -v $it >/dev/null 2>&1 && exec $it; done";

/// Before the command: an engine gives a terminal its size only once something runs in it, which by then may have asked.
fn sized(columns: u16, rows: u16, command: &str) -> String {
    format!("stty cols {columns} rows {rows} 2>/dev/null; {command}")
}

fn in_sh(line: String) -> Vec<String> {
    vec!["sh".to_owned(), "-c".to_owned(), line]
}

impl Engine {
    /// Starts it; the container has to run.
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
        let docker = self.url.docker()?;
        let create = async { Ok(docker.create_exec(id.as_str(), config).await?) };
        let exec = self.calls.time(Call::ExecCreate, create).await?.id;
        let exec = Exec { engine: self.clone(), container: id.clone(), id: exec, user, mark };
        let upgraded = self.calls.time(Call::ExecStart, self.start(&exec.id)).await?;
        let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
        exec.resize(columns, rows).await;
        Ok(Terminal { reader: TerminalReader(reader), writer: TerminalWriter(writer), exec })
    }

    async fn start(&self, exec: &str) -> Result<Upgraded, EngineError> {
        match &self.url {
            EngineUrl::Unix(path) => upgrade(UnixStream::connect(path).await, exec).await,
            EngineUrl::Tcp(authority) => {
                let stream = TcpStream::connect(authority).await;
                if let Ok(stream) = &stream {
                    let _ = stream.set_nodelay(true);
                }
                upgrade(stream, exec).await
            }
        }
    }
}

/// Takes the connection over.
async fn upgrade<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: std::io::Result<S>,
    exec: &str,
) -> Result<Upgraded, EngineError> {
    let stream = stream.map_err(|error| EngineError::Unreachable(error.to_string()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    let request = Request::post(format!("/exec/{exec}/start"))
        .header(hyper::header::HOST, "docker")
        .header(hyper::header::CONTENT_TYPE, "application/json")
        .header(hyper::header::CONNECTION, "Upgrade")
        .header(hyper::header::UPGRADE, "tcp")
        .body(Full::new(Bytes::from_static(br#"{"Detach":false,"Tty":true}"#)))
        .map_err(|error| EngineError::Malformed(error.to_string()))?;
    let answer = timeout(READ_PATIENCE, sender.send_request(request)).await.map_err(|_| EngineError::Timeout)??;
    let status = answer.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let body = answer.into_body().collect().await?.to_bytes();
        return Err(super::read::refused(status, &body));
    }
    Ok(hyper::upgrade::on(answer).await?)
}

impl TerminalReader {
    /// What it has written; none at its end. Cancel safe.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(16 * 1024);
        match self.0.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(bytes),
        }
    }
}

impl TerminalWriter {
    /// Writes as many of the bytes as are taken now, and gives their number. Cancel safe.
    pub async fn write_some(&mut self, bytes: &[u8]) -> Result<usize, EngineError> {
        self.0.write(bytes).await.map_err(|error| EngineError::Unreachable(error.to_string()))
    }
}

impl Exec {
    /// A terminal of another size is no reason to end it, and one that has ended has none.
    pub async fn resize(&self, columns: u16, rows: u16) {
        let resize = async {
            let options = ResizeExecOptions { w: i32::from(columns), h: i32::from(rows) };
            Ok::<_, EngineError>(self.engine.url.docker()?.resize_exec(&self.id, options).await?)
        };
        if let Ok(Err(error)) = timeout(RESIZE_PATIENCE, resize).await {
            tracing::debug!(%error, "a terminal keeps its size");
        }
    }

    /// Ends the command and all that it has started: an engine leaves running what has lost its terminal.
    pub async fn hang_up(&self) -> Result<(), EngineError> {
        let docker = self.engine.url.docker()?;
        let kill =
            format!("for it in /proc/[0-9]*; do grep -qs {} $it/environ && kill -HUP ${{it#/proc/}}; done", self.mark);
        let config = ExecConfig { cmd: Some(in_sh(kill)), user: self.user.clone(), ..ExecConfig::default() };
        let exec = docker.create_exec(self.container.as_str(), config).await?.id;
        docker.start_exec(&exec, Some(StartExecOptions { detach: true, ..StartExecOptions::default() })).await?;
        Ok(())
    }

    /// With which code it has ended; none while it runs.
    pub async fn exit_code(&self) -> Result<Option<i64>, EngineError> {
        let told = self.engine.url.docker()?.inspect_exec(&self.id).await?;
        Ok(told.exit_code.filter(|_| told.running != Some(true)))
    }
}
