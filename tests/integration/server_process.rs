//! Server binary in a separate process, with separate thread and memory counts.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Child, Command, Stdio},
};

const BINARY: &str = env!("CARGO_BIN_EXE_quaylight");

/// User and group ID of an unprivileged user that owns no files.
const UNPRIVILEGED: u32 = 65534;

/// A server process, killed when dropped.
pub struct ServerProcess {
    child: Child,
    /// `tcp://host:port`
    pub url: String,
}

impl ServerProcess {
    /// Returns when the server listens.
    pub fn start(engine: &str, data_dir: &Path) -> Self {
        Self::spawn(Command::new(BINARY), engine, data_dir)
    }

    /// Runs as a user whose only right is access to the engine's socket.
    pub fn start_without_rights(socket: &Path, data_dir: &Path) -> Self {
        let engine = format!("unix://{}", socket.display());
        // The build folder may be inaccessible to other users.
        let binary = data_dir.join("quaylight");
        fs::copy(BINARY, &binary).unwrap();
        std::os::unix::fs::chown(data_dir, Some(UNPRIVILEGED), Some(UNPRIVILEGED)).unwrap();
        let group = fs::metadata(socket).unwrap().gid();
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={UNPRIVILEGED}"))
            .arg(format!("--regid={UNPRIVILEGED}"))
            .arg(format!("--groups={group}"));
        command.arg(binary);
        Self::spawn(command, &engine, data_dir)
    }

    /// Runs with this limit of open files.
    pub fn start_with_open_files(limit: u32, engine: &str, data_dir: &Path) -> Self {
        let mut command = Command::new("prlimit");
        command.arg(format!("--nofile={limit}:{limit}")).arg(BINARY);
        Self::spawn(command, engine, data_dir)
    }

    /// Runs in a separate mount namespace, without the kernel's cgroup files.
    pub fn start_without_cgroups(engine: &str, data_dir: &Path) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", "umount /sys/fs/cgroup && exec \"$0\" \"$@\"", BINARY]);
        Self::spawn(command, engine, data_dir)
    }

    /// Runs with these environment variables, one of which holds the engine's URL.
    pub fn start_with(variables: &[(&str, &str)], data_dir: &Path) -> Self {
        let mut command = Command::new(BINARY);
        command.envs(variables.iter().copied());
        Self::serve(command, data_dir)
    }

    fn spawn(mut command: Command, engine: &str, data_dir: &Path) -> Self {
        command.env("DOCKER_HOST", engine);
        Self::serve(command, data_dir)
    }

    /// Runs with sign-in, the default. Also returns the path and query of the setup link, if there are no users yet.
    pub fn start_with_sign_in(engine: &str, data_dir: &Path, has_users: bool, env: &[(&str, &str)]) -> (Self, String) {
        let mut command = Command::new(BINARY);
        command.env("DOCKER_HOST", engine).env_remove("QUAYLIGHT_AUTH").envs(env.iter().copied());
        let (server, mut lines) = Self::serve_reading(command, data_dir);
        let link = if has_users { String::new() } else { lines.next().expect("it prints the setup link") };
        let path = link.split_once("http://").and_then(|(_, link)| link.split_once('/'));
        (server, path.map(|(_, path)| format!("/{path}")).unwrap_or_default())
    }

    fn serve(command: Command, data_dir: &Path) -> Self {
        Self::serve_reading(command, data_dir).0
    }

    /// Also returns the lines that the server prints afterwards.
    fn serve_reading(command: Command, data_dir: &Path) -> (Self, impl Iterator<Item = String>) {
        let mut child = serving(command, data_dir).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| line.split_once("://").map(|it| it.1.to_owned()));
        let address = address.expect("it says where it listens");
        (Self { child, url: format!("tcp://{}", address.trim_end_matches('/')) }, lines)
    }

    /// A number from `/proc/PID/status`; memory is in kilobytes.
    fn status(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).expect(key);
        line.trim_matches(|it: char| !it.is_ascii_digit()).parse().unwrap()
    }

    pub fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    /// Anonymous memory in megabytes.
    pub fn anonymous_memory(&self) -> u64 {
        self.status("RssAnon:") / 1024
    }
}

fn serving(mut command: Command, data_dir: &Path) -> Command {
    command.args(["serve", "--data-dir"]).arg(data_dir).current_dir(data_dir);
    for (name, value) in [("QUAYLIGHT_LISTEN", "127.0.0.1:0"), ("QUAYLIGHT_AUTH", "none")] {
        if !command.get_envs().any(|(set, _)| set == name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs `quaylight healthcheck` with these environment variables.
pub fn check_health(variables: &[(&str, &str)], folder: &Path) -> bool {
    let mut command = Command::new(BINARY);
    command.arg("healthcheck").envs(variables.iter().copied()).current_dir(folder);
    command.status().unwrap().success()
}

/// The error message of a server that fails to start with these environment variables.
pub fn refused(variables: &[(&str, &str)], data_dir: &Path) -> String {
    let mut command = Command::new(BINARY);
    command.envs(variables.iter().copied());
    let output = serving(command, data_dir).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// Runs `quaylight user`. Returns its output, or its error message.
pub fn manage_users(data_dir: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(BINARY);
    command.args(["user", "--data-dir"]).arg(data_dir).args(arguments).current_dir(data_dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Fails if the command reads no input.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
