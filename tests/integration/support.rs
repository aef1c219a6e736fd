//! Test harness: a watched engine, a server on a free port, the docker CLI, and waiting for conditions.

use quaylight::{
    model::{Container, EngineState, HostId},
    server::{
        self,
        clock::Clock,
        config::{Arguments, AuthMode, Config},
        engine::{Endpoint, WritableEngine},
        history::{History, Limits, Settings},
        hosts::Hosts,
        state::{self, Reader},
        supervision::Supervisor,
    },
    wire::ActionError,
};
use std::{future::Future, path::Path, time::Duration};
use tempfile::TempDir;
use tokio::{process::Command, sync::oneshot, task::JoinHandle, time::timeout};

pub const IMAGE: &str = "quaylight-test/busybox:1";

/// Longer than any change takes, short enough for a test to fail soon.
pub const TIMEOUT: Duration = Duration::from_secs(10);

pub fn engine_url() -> String {
    let set = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
    set("QUAYLIGHT_TEST_ENGINE").or_else(|| set("DOCKER_HOST")).unwrap_or_else(|| "unix:///var/run/docker.sock".into())
}

/// The hint of an error, in English.
pub fn hint_of(error: &ActionError) -> String {
    error.hint.as_ref().map(ToString::to_string).unwrap_or_default()
}

pub fn local() -> HostId {
    HostId::new("local").unwrap()
}

/// Polls a condition that emits no wake-up: a simulator's actual state, a client's map.
#[track_caller]
pub fn eventually(time_limit: Duration, what: &str, condition: impl AsyncFn() -> bool) -> impl Future<Output = ()> {
    const LOOK_EVERY: Duration = Duration::from_millis(10);
    let at = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        let wait = async {
            while !condition().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        assert!(timeout(time_limit, wait).await.is_ok(), "{at}: not within {time_limit:?}: {what}");
    }
}

/// A history that keeps the latest events in memory only.
pub async fn no_history() -> History {
    History::start(Settings { folder: None, limits: Limits::default(), retry: Settings::RETRY }, Clock::SYSTEM).await
}

/// An engine with a watcher, and the state it fills.
pub struct Watched {
    pub reader: Reader,
    pub engine: WritableEngine,
    tasks: Vec<JoinHandle<()>>,
}

impl Watched {
    /// Returns when the engine has been listed.
    pub async fn start(url: &str) -> Self {
        Self::reconciling(url, RECONCILE).await
    }

    /// With this reconcile interval.
    pub async fn reconciling(url: &str, reconcile: Duration) -> Self {
        Self::at(url.parse().unwrap(), reconcile).await
    }

    pub async fn at(endpoint: Endpoint, reconcile: Duration) -> Self {
        let watched = Self::connecting(endpoint, reconcile).await;
        watched.until("the engine is reachable", |state| state.hosts().any(|host| host.is_reachable())).await;
        watched
    }

    /// Returns before the engine has been reached, if it ever is.
    pub async fn connecting(endpoint: Endpoint, reconcile: Duration) -> Self {
        let (writer, reader, inbox) = state::open(Clock::SYSTEM);
        let engine = WritableEngine::new(local(), endpoint);
        let hosts = Hosts::new([engine.clone()]);
        let mut tasks = hosts.watch(
            &Supervisor::new(Clock::SYSTEM),
            &reader,
            &inbox,
            &no_history().await,
            Clock::SYSTEM,
            reconcile,
        );
        tasks.push(tokio::spawn(writer.run()));
        Self { reader, engine, tasks }
    }

    /// Waits until the state meets `condition`; woken by changes, not by a timer.
    #[track_caller]
    pub fn until(&self, what: &str, condition: impl Fn(&EngineState) -> bool) -> impl Future<Output = ()> {
        self.until_within(TIMEOUT, what, condition)
    }

    #[track_caller]
    pub fn until_within(
        &self,
        time_limit: Duration,
        what: &str,
        condition: impl Fn(&EngineState) -> bool,
    ) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        let mut batches = self.reader.follow(None).batches;
        let reader = self.reader.clone();
        let what = what.to_owned();
        async move {
            let wait = async {
                while !reader.look(&condition) {
                    batches.recv().await.ok();
                }
            };
            assert!(timeout(time_limit, wait).await.is_ok(), "{at}: not within {time_limit:?}: {what}");
        }
    }

    /// Waits until the container of this name matches.
    #[track_caller]
    pub fn until_container(&self, name: &str, wanted: impl Fn(&Container) -> bool) -> impl Future<Output = ()> {
        let its_name = name.to_owned();
        self.until(name, move |state| state.containers().any(|it| it.name == its_name && wanted(it)))
    }

    pub fn container(&self, name: &str) -> Container {
        let found = self.reader.look(|state| state.containers().find(|it| it.name == name).cloned());
        Container::clone(&found.unwrap_or_else(|| panic!("there is no container {name}")))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The docker CLI and the objects that one test creates with it. Their names end with a suffix unique to the test.
pub struct Docker {
    url: String,
    suffix: String,
    cleans_up: bool,
}

impl Docker {
    pub fn new() -> Self {
        Self::at(&engine_url(), true)
    }

    /// Without a cleanup: the objects disappear with the simulated engine.
    pub fn simulated(url: &str) -> Self {
        Self::at(url, false)
    }

    fn at(url: &str, cleans_up: bool) -> Self {
        let suffix = format!("qlit-{:08x}", rand::random::<u32>());
        Self { url: url.to_owned(), suffix, cleans_up }
    }

    pub fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.suffix)
    }

    pub fn label(&self) -> String {
        format!("quaylight.test={}", self.suffix)
    }

    /// Runs `docker ARGS` and returns its output.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> impl Future<Output = String> {
        let at = std::panic::Location::caller();
        let mut command = Command::new("docker");
        command.args(args).env("DOCKER_HOST", &self.url);
        let line = args.join(" ");
        async move {
            let output = command.output().await.expect("there is a docker CLI");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{at}: docker {line}: {error}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }
    }

    /// The output of `docker ARGS`, or its error message when it fails.
    pub async fn try_run(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new("docker");
        let output = command.args(args).env("DOCKER_HOST", &self.url).output().await.expect("there is a docker CLI");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// The output of `docker images ARGS`. With containerd's image store, the command fails if another test removes an image
    /// meanwhile: then it runs again.
    pub async fn images(&self, args: &[&str]) -> String {
        loop {
            match self.try_run(&[&["images"], args].concat()).await {
                Ok(output) => return output,
                Err(error) => assert!(error.contains("NotFound: content digest"), "docker images {args:?}: {error}"),
            }
        }
    }

    /// Creates a container that sleeps, with `options` of `docker create`. Returns its name.
    pub async fn create(&self, name: &str, options: &[&str]) -> String {
        let (name, label) = (self.name(name), self.label());
        let start = ["create", "--name", &name, "--label", &label, "--network", "none", "--stop-timeout", "0"];
        self.run(&[&start, options, &[IMAGE, "sleep", "600"]].concat()).await;
        name
    }

    pub async fn volume(&self, name: &str) -> String {
        let (name, label) = (self.name(name), self.label());
        self.run(&["volume", "create", "--label", &label, &name]).await;
        name
    }

    pub async fn network(&self, name: &str) -> String {
        let (name, label) = (self.name(name), self.label());
        self.run(&["network", "create", "--label", &label, &name]).await;
        name
    }
}

impl Drop for Docker {
    /// Removes the objects that the test created, and nothing else.
    fn drop(&mut self) {
        if !self.cleans_up {
            return;
        }
        let docker = |args: &[&str]| {
            let output = std::process::Command::new("docker").args(args).env("DOCKER_HOST", &self.url).output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let filter = format!("label={}", self.label());
        for id in docker(&["ps", "-aq", "--filter", &filter]) {
            docker(&["rm", "-fv", &id]);
        }
        for id in docker(&["network", "ls", "-q", "--filter", &filter]) {
            docker(&["network", "rm", &id]);
        }
        for name in docker(&["volume", "ls", "-q", "--filter", &filter]) {
            docker(&["volume", "rm", "-f", &name]);
        }
        for tag in docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]) {
            if tag.contains(&self.suffix) {
                docker(&["rmi", "--no-prune", &tag]);
            }
        }
        // Leftovers of builds. A prune is refused while another test's is running.
        for id in docker(&["images", "-q", "--no-trunc", "--filter", "dangling=true", "--filter", &filter]) {
            docker(&["rmi", &id]);
        }
    }
}

/// The server's default.
pub const RECONCILE: Duration = Duration::from_secs(30);

/// A whole server on a free loopback port.
pub struct TestServer {
    pub address: std::net::SocketAddr,
    /// The history's folder, if it is removed with the server.
    _folder: Option<TempDir>,
    shutdown: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

impl TestServer {
    pub async fn start(flags: &[&str]) -> Self {
        Self::at(&engine_url(), flags).await
    }

    /// For the engine at `url`.
    pub async fn at(url: &str, flags: &[&str]) -> Self {
        Self::with(url, flags, RECONCILE, Clock::SYSTEM).await
    }

    /// For the engine at `url`, with a separate clock.
    pub async fn clocked(url: &str, clock: Clock) -> Self {
        Self::with(url, &[], RECONCILE, clock).await
    }

    /// For the engine at `url`, with this reconcile interval.
    pub async fn reconciling(url: &str, reconcile: Duration) -> Self {
        Self::with(url, &[], reconcile, Clock::SYSTEM).await
    }

    /// With the data of an existing folder, which is removed with the server.
    pub async fn in_folder(folder: TempDir) -> Self {
        Self::keeping(folder, &engine_url(), &[], RECONCILE, Clock::SYSTEM).await
    }

    /// With the data of an existing folder, which is kept.
    pub async fn keeping_in(folder: &Path, flags: &[&str]) -> Self {
        Self::on(folder, None, &engine_url(), flags, RECONCILE, Clock::SYSTEM).await
    }

    async fn with(url: &str, flags: &[&str], reconcile: Duration, clock: Clock) -> Self {
        Self::keeping(tempfile::tempdir().unwrap(), url, flags, reconcile, clock).await
    }

    async fn keeping(folder: TempDir, url: &str, flags: &[&str], reconcile: Duration, clock: Clock) -> Self {
        let path = folder.path().to_owned();
        Self::on(&path, Some(folder), url, flags, reconcile, clock).await
    }

    async fn on(
        path: &Path,
        folder: Option<TempDir>,
        url: &str,
        flags: &[&str],
        reconcile: Duration,
        clock: Clock,
    ) -> Self {
        use clap::Parser;
        let data_dir = path.to_str().unwrap();
        let own = ["quaylight", "--engine", url, "--data-dir", data_dir];
        let arguments = Arguments::parse_from([&own, flags].concat());
        let config = Config { reconcile, ..Config::read(arguments, AuthMode::None).unwrap() };
        // As in the binary: with a short accept queue, a burst of connections would wait a second.
        let listener = server::http::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, asked) = oneshot::channel();
        let serving = tokio::spawn(async move {
            server::run(listener, &config, clock, async {
                asked.await.ok();
            })
            .await
        });
        Self { address, _folder: folder, shutdown: Some(shutdown), serving: Some(serving) }
    }

    /// The server's URL for `raw_http`.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Waits until the state has the engine's first lists. A client that connects earlier receives an empty one.
    pub async fn until_listed(&self) {
        eventually(TIMEOUT, "the engine's first lists", async || {
            let (_, state) = crate::raw_http::ask(&self.url(), "GET", "/api/state", "").await;
            let state: serde_json::Value = serde_json::from_str(&state).unwrap();
            state["data"]["hosts"][0]["status"] == "reachable"
        })
        .await;
    }

    /// The server's result when it ends by itself.
    pub async fn ends(mut self) -> std::io::Result<()> {
        let serving = self.serving.take().expect("it ends once");
        timeout(TIMEOUT, serving).await.expect("it ends soon").unwrap()
    }

    /// Stops the server and waits for its end.
    pub async fn stop(mut self) {
        self.shutdown.take().map(|shutdown| shutdown.send(()));
        let serving = self.serving.take().expect("it is stopped once");
        timeout(TIMEOUT, serving).await.expect("it stops soon").unwrap().unwrap();
    }
}
