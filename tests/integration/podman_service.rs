//! Podman for one test: its service with Docker's API and its CLI, removed without a trace.

use std::{
    future::Future,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

const TIMEOUT: Duration = Duration::from_secs(20);

/// Podman requests more open files and processes than CI machines grant, and then starts no container at all.
const SETTINGS: &str = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1000:1000\"]\n";

pub struct Podman {
    folder: TempDir,
    service: Child,
}

impl Podman {
    /// Returns when the service responds and has the test image, whose name there is `localhost/quaylight-test/busybox:1`.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("qlit-podman-").tempdir().unwrap();
        std::fs::write(folder.path().join("containers.conf"), SETTINGS).unwrap();
        let podman = Self { service: serve(folder.path()).await, folder };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-image");
        let output = Command::new(script).env("DOCKER_HOST", podman.url()).output().await.unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        podman
    }

    pub fn url(&self) -> String {
        format!("unix://{}", socket(self.folder.path()).display())
    }

    /// The path of a file in its folder, which is removed with it.
    pub fn place(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Stops the service. The containers keep running: they are not its child processes.
    pub async fn end_service(&mut self) {
        self.service.kill().await.unwrap();
    }

    pub async fn serve_again(&mut self) {
        self.service = serve(self.folder.path()).await;
    }

    /// Runs `podman ARGS` next to the service and returns its output.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> impl Future<Output = String> {
        let (at, line, tried) = (std::panic::Location::caller(), args.join(" "), self.attempt(args));
        async move { tried.await.unwrap_or_else(|error| panic!("{at}: podman {line}: {error}")) }
    }

    /// Returns its output, or its error message when it fails.
    pub fn attempt(&self, args: &[&str]) -> impl Future<Output = Result<String, String>> {
        let mut command = Command::from(podman(self.folder.path()));
        command.args(args);
        async move {
            let output = command.output().await.expect("there is a podman");
            let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
            if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
        }
    }

    /// The response to `GET path`, without any of our code in between.
    pub async fn get(&self, path: &str) -> serde_json::Value {
        let mut stream = UnixStream::connect(socket(self.folder.path())).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: podman\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(TIMEOUT, stream.read_to_string(&mut answer)).await.expect("it answers").unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        for args in [&["rm", "--all", "--force", "--time", "0"][..], &["network", "prune", "--force"]] {
            let _ = podman(self.folder.path()).args(args).output();
        }
        let _ = self.service.start_kill();
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("podman.sock")
}

/// All of its data is in `folder`, separate from the machine's own Podman. Its storage driver makes plain copies, so no
/// mounts can be left behind.
fn podman(folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new("podman");
    for (flag, place) in
        [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp"), ("--network-config-dir", "networks")]
    {
        command.arg(flag).arg(folder.join(place));
    }
    command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
    command.env("CONTAINERS_CONF", folder.join("containers.conf")).env_remove("CONTAINER_HOST").stdin(Stdio::null());
    command
}

async fn serve(folder: &Path) -> Child {
    let url = format!("unix://{}", socket(folder).display());
    let mut command = Command::from(podman(folder));
    command.args(["system", "service", "--time=0", &url]).stdout(Stdio::null()).stderr(Stdio::null());
    let service = command.kill_on_drop(true).spawn().expect("there is a podman");
    let answers = async {
        while UnixStream::connect(socket(folder)).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(TIMEOUT, answers).await.expect("the service answers");
    service
}
