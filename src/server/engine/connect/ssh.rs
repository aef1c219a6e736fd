//! SSH tunnel to an engine's socket: one supervised `ssh -N -L` process, which forwards a local socket file.
//!
//! It runs the user's own `ssh`, so their configuration, keys, agent and known hosts apply. One process per connection, as
//! `docker -H ssh://` starts, would add half a second to each call.

use crate::server::engine::EngineError;
use crate::{message, model::Message};
use std::{
    ffi::OsString,
    fmt, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    str::FromStr,
    sync::{Arc, Mutex as SyncMutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::{Child, ChildStdin, Command},
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// `user@host:port/path/to/socket`. Only the host is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshDestination {
    user: Option<String>,
    host: String,
    port: Option<u16>,
    socket: Option<String>,
    /// Path of an SSH configuration file. None for the user's own.
    config: Option<PathBuf>,
}

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// Timeout for the tunnel to start. `ssh` itself uses half of it as its connect timeout.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Polling interval while the tunnel starts: no event reports that the socket file has appeared.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Timeout for the engine's answer to the first request through the tunnel.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout for ssh to exit. It is short because ssh is killed.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Retry delays after a failure to connect. Servers ban clients that try a wrong key every second.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(15);

/// Maximum number of bytes kept of the output of `ssh`.
const LONGEST_REPORT: usize = 16 << 10;

/// Shell script that runs `ssh` and kills it as soon as our end of standard input is closed. That also covers a killed
/// server, which can neither kill `ssh` nor remove the folder itself. `ssh` may be suspended, so only SIGKILL is reliable.
const SUPERVISE: &str = r#"folder=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
ssh=$!
{
  cat <&3 >/dev/null
  [ -n "$folder" ] && rm -f "$folder/docker.sock" && rmdir "$folder"
  kill -KILL $ssh
} 2>/dev/null &
guard=$!
wait $ssh
code=$?
kill $guard 2>/dev/null
exit $code"#;

/// Exit code of a shell that does not find a program.
const NO_PROGRAM: i32 = 127;

impl SshDestination {
    /// Sets another SSH configuration file than the user's own.
    pub fn with_config(self, config: Option<PathBuf>) -> Self {
        Self { config, ..self }
    }

    fn socket(&self) -> &str {
        self.socket.as_deref().unwrap_or(DEFAULT_SOCKET)
    }
}

impl FromStr for SshDestination {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (authority, path) = text.find('/').map_or((text, ""), |at| text.split_at(at));
        let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
        let (host, port) = match place.strip_prefix('[').and_then(|it| it.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        // Reject anything that ssh could parse as an option, and passwords.
        let is_word = |word: &str| {
            let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%' | '+');
            !word.is_empty() && !word.starts_with('-') && word.chars().all(allowed)
        };
        if !is_word(host) || user.is_some_and(|user| !is_word(user) || user.contains(':')) {
            return Err(());
        }
        // ssh splits the argument of `-L` at colons.
        let socket = Some(path).filter(|path| path.len() > 1);
        if socket.is_some_and(|path| path.contains([':', '\n', '$', '%'])) {
            return Err(());
        }
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port: port.map(str::parse).transpose().map_err(drop)?,
            socket: socket.map(str::to_owned),
            config: None,
        })
    }
}

impl fmt::Display for SshDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') { write!(f, "[{}]", self.host) } else { write!(f, "{}", self.host) }?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

pub(super) struct Tunnel {
    destination: SshDestination,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// Why the tunnel does not run, and when the next retry is due.
    failure: Option<(EngineError, Instant)>,
    /// Number of consecutive failures.
    failures: u32,
    is_closed: bool,
}

/// An established tunnel. Dropping it ends the tunnel.
struct Running {
    process: Process,
    /// Accessible to this user only. Removed with the tunnel.
    folder: TempDir,
}

struct Process {
    child: Child,
    /// See [`SUPERVISE`].
    lifeline: Option<ChildStdin>,
    report: Report,
    /// Task that reads the output of ssh. It ends with ssh.
    reading: JoinHandle<()>,
}

/// The end of the output of `ssh`.
#[derive(Clone, Default)]
struct Report(Arc<SyncMutex<Vec<u8>>>);

impl Report {
    fn add(&self, bytes: &[u8]) {
        let mut report = self.0.lock().expect("the lock isn't poisoned");
        report.extend_from_slice(bytes);
        let excess = report.len().saturating_sub(LONGEST_REPORT);
        report.drain(..excess);
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("the lock isn't poisoned")).into_owned()
    }
}

impl Tunnel {
    pub(super) fn new(destination: SshDestination) -> Self {
        Self { destination, state: Mutex::default() }
    }

    /// Opens a connection through the tunnel. Starts the tunnel first if it does not run.
    pub(super) async fn open(&self) -> Result<UnixStream, EngineError> {
        let mut state = self.state.lock().await;
        if state.is_closed {
            return Err(EngineError::Unreachable(message!("the server is shutting down")));
        }
        if let Some(Running { process, .. }) = &mut state.running
            && let Some(status) = process.child.try_wait().ok().flatten()
        {
            tracing::warn!(destination = %self.destination, %status, report = process.report.text(), "SSH tunnel exited");
            state.running = None;
        }
        if let Some((error, _)) = state.failure.as_ref().filter(|(_, due)| Instant::now() < *due) {
            return Err(error.clone());
        }
        let running = match state.running.take() {
            Some(running) => running,
            None => match self.start().await {
                Ok(running) => running,
                Err(error) => {
                    let wait = FIRST_RETRY.saturating_mul(1 << state.failures.min(8)).min(LONGEST_RETRY);
                    state.failures += 1;
                    state.failure = Some((error.clone(), Instant::now() + wait));
                    return Err(error);
                }
            },
        };
        (state.failure, state.failures) = (None, 0);
        let socket = running.socket();
        state.running = Some(running);
        drop(state);
        UnixStream::connect(socket).await.map_err(super::unreachable)
    }

    /// Ends a tunnel that may hang. The next connection starts another.
    pub(super) async fn reset(&self) {
        if self.state.lock().await.running.take().is_some() {
            tracing::warn!(destination = %self.destination, "SSH tunnel isn't responding: restarting it");
        }
    }

    /// Ends the tunnel permanently.
    pub(super) async fn close(&self) {
        let mut state = self.state.lock().await;
        state.is_closed = true;
        let Some(mut running) = state.running.take() else { return };
        running.process.end().await;
    }

    async fn start(&self) -> Result<Running, EngineError> {
        let folder = tempfile::Builder::new()
            .prefix("quaylight-ssh-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .map_err(|error| {
                EngineError::Connect(message!("Couldn't create a directory for the SSH tunnel: {error}.", error))
            })?;
        let process = run(folder.path(), &self.forwarding(&folder.path().join(SOCKET)))?;
        let mut running = Running { process, folder };
        let started = timeout(START_TIMEOUT, running.stands()).await;
        match started {
            Ok(true) => {}
            Ok(false) => return Err(self.explain(running.process).await),
            Err(_) => {
                let host = &self.destination.host;
                return Err(EngineError::Unreachable(message!("{host} isn't responding over SSH", host)));
            }
        }
        if !running.is_answered().await {
            return Err(self.explain_silence(running.process).await);
        }
        tracing::info!(destination = %self.destination, "SSH tunnel established");
        Ok(running)
    }

    fn forwarding(&self, socket: &Path) -> Vec<OsString> {
        let mut forward = socket.as_os_str().to_owned();
        forward.push(":");
        forward.push(self.destination.socket());
        let mut arguments: Vec<OsString> = ["-N", "-L"].map(Into::into).to_vec();
        arguments.push(forward);
        arguments.extend(self.connecting());
        arguments
    }

    /// Arguments of every `ssh` call: no prompts, no terminal, no connection shared with the user's other sessions, and no
    /// agent or X11 forwarding to the other machine.
    fn connecting(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["-T", "-a", "-x"].map(Into::into).to_vec();
        for option in [
            "BatchMode=yes",
            "ConnectTimeout=10",
            "ControlMaster=no",
            "ControlPath=none",
            "ExitOnForwardFailure=yes",
            "RemoteCommand=none",
            // ssh exits 10 s after the connection is lost.
            "ServerAliveInterval=5",
            "ServerAliveCountMax=2",
            "StreamLocalBindMask=0177",
            "StreamLocalBindUnlink=yes",
        ] {
            arguments.extend(["-o".into(), option.into()]);
        }
        let SshDestination { user, host, port, config, .. } = &self.destination;
        if let Some(config) = config {
            arguments.extend(["-F".into(), config.into()]);
        }
        if let Some(user) = user {
            arguments.extend(["-l".into(), user.into()]);
        }
        if let Some(port) = port {
            arguments.extend(["-p".into(), port.to_string().into()]);
        }
        arguments.extend(["--".into(), host.into()]);
        arguments
    }

    /// Explains why no engine answers through an established tunnel.
    async fn explain_silence(&self, mut process: Process) -> EngineError {
        let host = &self.destination.host;
        EngineError::Connect(if process.end().await.contains("administratively prohibited") {
            message!(
                "The SSH server on {host} doesn't allow socket forwarding. Enable AllowStreamLocalForwarding in its sshd_config.",
                host
            )
        } else {
            let socket = self.destination.socket();
            message!(
                "Connected to {host} over SSH, but no engine is responding at {socket}. Check that it's running and that the SSH user can access its socket.",
                host,
                socket
            )
        })
    }

    /// Explains why ssh has exited.
    async fn explain(&self, mut process: Process) -> EngineError {
        let code = process.child.try_wait().ok().flatten().and_then(|status| status.code());
        let report = process.end().await;
        let fingerprint = if report.contains("Host key verification failed") { self.host_key().await } else { None };
        explain(&self.destination, &report, code, fingerprint.as_deref())
    }

    /// Returns the fingerprint of the other machine's host key. ssh prints it only in verbose mode (`-v`).
    async fn host_key(&self) -> Option<String> {
        let arguments = [vec!["-v".into()], self.connecting(), vec!["true".into()]].concat();
        let mut process = run(Path::new(""), &arguments).ok()?;
        let _ = timeout(START_TIMEOUT, process.child.wait()).await;
        let report = process.end().await;
        let key = report.lines().find_map(|line| line.split_once("Server host key: "))?.1;
        Some(key.trim().to_owned())
    }
}

/// Starts `ssh`. The folder of its socket, if it has one, is removed when it ends.
fn run(folder: &Path, arguments: &[OsString]) -> Result<Process, EngineError> {
    let child = Command::new("sh")
        .args(["-c", SUPERVISE, "sh"])
        .arg(folder)
        .arg("ssh")
        .args(arguments)
        // `explain` matches the English messages of ssh.
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => no_program(),
        _ => EngineError::Connect(message!("Couldn't start ssh: {error}.", error)),
    })?;
    let lifeline = child.stdin.take().expect("the stream is piped");
    let mut stderr = child.stderr.take().expect("the stream is piped");
    let report = Report::default();
    let kept = report.clone();
    let reading = tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
            kept.add(&buffer[..length]);
        }
    });
    Ok(Process { child, lifeline: Some(lifeline), report, reading })
}

const SOCKET: &str = "docker.sock";

impl Process {
    /// Ends the process if it still runs, and returns its output.
    async fn end(&mut self) -> String {
        self.lifeline = None;
        let ended = async { (self.child.wait().await, (&mut self.reading).await) };
        let _ = timeout(END_TIMEOUT, ended).await;
        self.report.text()
    }
}

impl Running {
    fn socket(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }

    /// Whether an engine answers at the other end: ssh establishes a tunnel even if none does.
    async fn is_answered(&self) -> bool {
        let ask = async {
            let mut stream = UnixStream::connect(self.socket()).await?;
            stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n").await?;
            stream.read(&mut [0; 64]).await
        };
        matches!(timeout(PROBE_TIMEOUT, ask).await, Ok(Ok(1..)))
    }

    /// Waits until the tunnel accepts connections. Returns false if ssh exits instead.
    async fn stands(&mut self) -> bool {
        loop {
            if let Ok(Some(_)) = self.process.child.try_wait() {
                return false;
            }
            if UnixStream::connect(self.socket()).await.is_ok() {
                return true;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

fn no_program() -> EngineError {
    EngineError::Connect(message!("The ssh command wasn't found. Install the OpenSSH client on the Quaylight server."))
}

/// Translates the messages of ssh for the user. A server gives the same answer for a wrong user and for a wrong key.
fn explain(destination: &SshDestination, report: &str, code: Option<i32>, fingerprint: Option<&str>) -> EngineError {
    let SshDestination { user, host, .. } = destination;
    let says = |words: &str| report.contains(words);
    let key = fingerprint.map_or_else(|| message!("unknown"), Message::verbatim);
    EngineError::Connect(if code == Some(NO_PROGRAM) && says("not found") {
        return no_program();
    } else if says("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        message!(
            "The SSH host key of {host} has changed ({key}). Someone may be impersonating this host. Remove the old key from known_hosts only if you know why it changed.",
            host,
            key
        )
    } else if says("Host key verification failed") {
        message!(
            "The SSH host key of {host} is unknown ({key}). If the fingerprint is correct, connect once with ssh to add the key to known_hosts.",
            host,
            key
        )
    } else if says("Permission denied") {
        let user = user.as_ref().map_or_else(|| message!("the configured SSH user"), Message::verbatim);
        message!(
            "The SSH server on {host} denied access to {user}. Check that the user exists and that the server accepts the SSH key.",
            host,
            user
        )
    } else if says("Could not resolve hostname") {
        message!("Couldn't resolve {host}. Check the host name.", host)
    } else {
        let last = report.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("ssh exited");
        return EngineError::Unreachable(Message::verbatim(last.trim()));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_destinations_are_parsed_and_options_rejected() {
        for text in ["nas", "root@nas", "root@nas:2222", "nas/run/user/1000/docker.sock", "a@[::1]:22/x", "[::1]"] {
            assert_eq!(text.parse::<SshDestination>().unwrap().to_string(), text);
        }
        assert_eq!("nas/".parse::<SshDestination>().unwrap().socket(), DEFAULT_SOCKET);
        for text in
            ["", "-oProxyCommand=x", "-l@nas", "root@-x", "u:secret@nas", "nas:x", "nas:", "n as", "nas/a:b", "a;b"]
        {
            assert!(text.parse::<SshDestination>().is_err(), "{text}");
        }
    }

    #[test]
    fn ssh_output_maps_to_user_facing_errors() {
        let destination = "root@nas".parse().unwrap();
        for (report, words) in [
            ("Warning: x\nHost key verification failed.\n", "is unknown (ssh-ed25519 SHA256:x)"),
            ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n", "has changed"),
            ("root@nas: Permission denied (publickey).\n", "denied access to root"),
            ("ssh: Could not resolve hostname nas: Name or service not known\n", "Couldn't resolve nas"),
            ("ssh: connect to host nas port 22: Connection refused\n", "port 22: Connection refused"),
            ("", "ssh exited"),
        ] {
            let error = explain(&destination, report, Some(255), Some("ssh-ed25519 SHA256:x")).to_string();
            assert!(error.contains(words), "{report:?}: {error}");
        }
        let error = explain(&destination, "sh: 3: ssh: not found\n", Some(127), None).to_string();
        assert!(error.contains("The ssh command wasn't found"), "{error}");
    }
}
