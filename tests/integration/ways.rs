//! Connections to an engine: features work over all transports, and failures are reported with a hint.

use crate::{
    authority::{Authority, Identity},
    builds::context,
    live::Client,
    raw_http::{Raw, ask},
    server_process::{ServerProcess, refused},
    ssh_server::SshServer,
    support::{Docker, IMAGE, RECONCILE, TIMEOUT, TestServer, Watched, engine_url, eventually},
    tasks::upload,
    tls_engine::TlsEngine,
};
use quaylight::{
    model::{ContainerAction, ContainerId, ContainerState, FilePath, FilesOf, Found, Host},
    server::engine::{Endpoint, LogRange, Shell, TlsFiles, WritableEngine, tar_of_file},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// The machine's own engine, where it is at a local socket.
fn socket() -> PathBuf {
    engine_url().strip_prefix("unix://").expect("these tests need an engine at a local socket").into()
}

/// Forwards TCP connections on loopback to a local socket, through TLS if an acceptor is given. Ends when dropped.
struct Forwarder {
    address: String,
    task: JoinHandle<()>,
}

impl Forwarder {
    async fn start(socket: &Path, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let socket = socket.to_owned();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (socket, acceptor) = (socket.clone(), acceptor.clone());
                tokio::spawn(async move {
                    let mut engine = UnixStream::connect(socket).await.unwrap();
                    match acceptor {
                        None => copy_bidirectional(&mut stream, &mut engine).await.ok(),
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(mut stream) => copy_bidirectional(&mut stream, &mut engine).await.ok(),
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, task }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn tls(address: &str, files: TlsFiles) -> Endpoint {
    Endpoint::Tls { authority: address.to_owned(), files }
}

fn over_ssh(server: &SshServer, user: &str, socket: &Path, config: PathBuf) -> Endpoint {
    let url = format!("ssh://{user}@127.0.0.1:{}{}", server.port, socket.display());
    match url.parse().unwrap() {
        Endpoint::Ssh(destination) => Endpoint::Ssh(destination.with_config(Some(config))),
        other => panic!("{other} is no SSH endpoint"),
    }
}

fn user() -> String {
    let output = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_engine_feature_works_over_every_transport() {
    let (engine, ssh) = (TlsEngine::start().await, SshServer::start().await);
    let docker = engine.docker();
    let plain = Forwarder::start(&engine.socket(), None).await;
    let ways = [
        Endpoint::Unix(engine.socket()),
        Endpoint::Tcp(plain.address.clone()),
        tls(&engine.address, engine.files()),
        over_ssh(&ssh, &user(), &engine.socket(), ssh.known_client()),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        eprintln!("{way}");
        let watched = Watched::at(way, RECONCILE).await;
        everything_works(&watched, &docker, &format!("way{number}")).await;
        watched.engine.close().await;
    }
}

async fn everything_works(watched: &Watched, docker: &Docker, name: &str) {
    // The list is live.
    let name = docker.create(name, &["--stop-signal", "KILL"]).await;
    watched.until_container(&name, |it| it.state == ContainerState::Created).await;
    docker.run(&["start", &name]).await;
    watched.until_container(&name, |it| it.state == ContainerState::Running && it.pid.is_some()).await;
    let (engine, id) = (&watched.engine, watched.container(&name).id);
    stats_are_read(engine, &id).await;
    a_terminal_echoes(engine, &id).await;
    files_come_and_go(engine, &id).await;
    logs_are_followed(engine, docker, &name).await;
    engine.act_on_container(&id, ContainerAction::Stop { timeout: None }).await.unwrap();
    watched.until_container(&name, |it| it.state == ContainerState::Exited).await;
    engine.act_on_container(&id, ContainerAction::Remove { force: false, volumes: true }).await.unwrap();
    watched.until("the container is gone", |state| state.containers().all(|it| it.name != name)).await;
}

async fn stats_are_read(engine: &WritableEngine, id: &ContainerId) {
    let mut readings = engine.readings(id).await.unwrap();
    let first = timeout(TIMEOUT, readings.next()).await.expect("a reading comes").unwrap();
    assert!(first.expect("it runs").memory.expect("it is counted").limit > 0);
}

async fn a_terminal_echoes(engine: &WritableEngine, id: &ContainerId) {
    let shell = Shell { columns: 80, rows: 24, ..Shell::default() };
    let mut terminal = engine.terminal(id, shell).await.unwrap();
    terminal.writer.write_some(b"echo $((40 + 2)); exit 3\n").await.unwrap();
    let mut said = Vec::new();
    let end = async {
        while let Some(bytes) = terminal.reader.next().await {
            said.extend(bytes);
        }
    };
    timeout(TIMEOUT, end).await.expect("the shell ends");
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("\n42"), "{said}");
    assert_eq!(terminal.exec.exit_code().await.unwrap(), Some(3));
}

async fn files_come_and_go(engine: &WritableEngine, id: &ContainerId) {
    let path = |text: &str| FilePath::new(text).unwrap();
    let reach = || async { engine.reach(&FilesOf::Container(id.clone()), true, &[]).await.unwrap() };
    let content = "a line\n".repeat(20_000);
    let bytes = futures::stream::iter([Ok::<_, std::io::Error>(content.clone().into())]);
    let tar = tar_of_file("up", content.len() as u64, bytes);
    reach().await.put(&path("/"), tar).await.unwrap();
    match reach().await.look(&path("/up")).await.unwrap() {
        Found::File(file) => assert_eq!(file.size, content.len() as u64),
        other => panic!("/up is {other:?}"),
    }
    assert!(matches!(reach().await.look(&path("/")).await.unwrap(), Found::Folder(_)));
}

async fn logs_are_followed(engine: &WritableEngine, docker: &Docker, name: &str) {
    let (talker, label) = (format!("{name}-talks"), docker.label());
    let says = "echo first; sleep 0.2; echo second";
    let run = ["run", "--detach", "--name", &talker, "--label", &label, "--network", "none", IMAGE, "sh", "-c", says];
    let id = ContainerId::new(&docker.run(&run).await).unwrap();
    let range = LogRange { follow: true, ..LogRange::default() };
    let mut log = engine.log(&id, range).await.unwrap();
    let mut parts = 0;
    let end = async {
        while log.next().await.unwrap().is_some() {
            parts += 1;
        }
    };
    timeout(TIMEOUT, end).await.expect("the log ends with the container");
    assert!(parts >= 2, "{parts} parts of a log of two lines");
    docker.run(&["rm", "-f", &talker]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn image_is_built_over_every_transport() {
    let (engine, ssh) = (TlsEngine::start().await, SshServer::start().await);
    let docker = engine.docker();
    let plain = Forwarder::start(&engine.socket(), None).await;
    let file = |name: &str| engine.file(name).display().to_string();
    let (ca, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let config = ssh.known_client().display().to_string();
    let socket = engine.socket().display().to_string();
    let ways: [(String, Vec<&str>); 4] = [
        (format!("unix://{socket}"), vec![]),
        (format!("tcp://{}", plain.address), vec![]),
        (
            format!("tcp://{}", engine.address),
            vec!["--engine-tls-ca", &ca, "--engine-tls-cert", &certificate, "--engine-tls-key", &key],
        ),
        (format!("ssh://{}@127.0.0.1:{}{socket}", user(), ssh.port), vec!["--engine-ssh-config", &config]),
    ];
    for (number, (url, flags)) in ways.iter().enumerate() {
        eprintln!("{url}");
        let server = TestServer::at(url, flags).await;
        let mut client = Client::connect(&server).await;
        client.watch_tasks().await;
        let name = docker.name(&format!("built{number}:1"));
        let context = context(&[("Dockerfile", &format!("FROM {IMAGE}\nCOPY said /said\n")), ("said", &name)]);
        let task = upload(&server, &format!("/api/images/build?name={name}"), &context).await;
        let built = client.ended(task).await;
        assert_eq!(built["state"], "done", "{built}");
        let label = docker.label();
        let said = docker.run(&["run", "--rm", "--label", &label, "--network", "none", &name, "cat", "/said"]).await;
        assert_eq!(said, name);
        server.stop().await;
    }
}

/// The error shown on the page when an engine can't be reached this way.
async fn reason(endpoint: Endpoint, wanted: &str) -> String {
    let watched = Watched::connecting(endpoint, RECONCILE).await;
    let says = |host: &Host| host.error.as_ref().is_some_and(|error| error.to_string().contains(wanted));
    let seen = watched.until_within(Duration::from_secs(30), wanted, |state| state.hosts().any(|it| says(it)));
    seen.await;
    watched.engine.close().await;
    watched.reader.look(|state| state.hosts().next().unwrap().error.as_ref().unwrap().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_failures_report_their_cause_and_a_hint() {
    let (folder, authority, other) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    authority.write(&folder.path().join("ca.pem"));
    other.write(&folder.path().join("other.pem"));
    let trusting = |ca: &str| TlsFiles { ca: Some(folder.path().join(ca)), client: None };
    let front = async |identity: Identity| Forwarder::start(&socket(), Some(identity.acceptor())).await;
    let good = front(authority.identity("127.0.0.1")).await;
    let watched = Watched::at(tls(&good.address, trusting("ca.pem")), RECONCILE).await;
    drop(watched);
    let expired = front(authority.expired("127.0.0.1")).await;
    let said = reason(tls(&expired.address, trusting("ca.pem")), "has expired").await;
    assert_eq!(said, "The certificate of 127.0.0.1 has expired. Renew it on the Docker host.");
    let named = front(authority.identity("nas")).await;
    reason(tls(&named.address, trusting("ca.pem")), "is for a different host name").await;
    reason(tls(&good.address, trusting("other.pem")), "was signed by an unknown CA").await;
    // The machine's trusted authorities don't vouch for it either.
    reason(tls(&good.address, TlsFiles::default()), "was signed by an unknown CA").await;
    reason(tls(&good.address, trusting("none.pem")), "Couldn't read the CA certificate file").await;
    let plain = Forwarder::start(&socket(), None).await;
    reason(tls(&plain.address, trusting("ca.pem")), "doesn't use TLS on that port").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_read_without_a_restart() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let ca = folder.path().join("ca.pem");
    Authority::new().write(&ca);
    let front = Forwarder::start(&socket(), Some(authority.identity("127.0.0.1").acceptor())).await;
    let files = TlsFiles { ca: Some(ca.clone()), client: None };
    let watched = Watched::connecting(tls(&front.address, files), RECONCILE).await;
    watched.until("it is refused", |state| state.hosts().any(|it| it.error.is_some())).await;
    authority.write(&ca);
    watched.until("it is reached", |state| state.hosts().any(|it| it.is_reachable())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_engine_reports_why_a_client_certificate_is_refused() {
    let engine = TlsEngine::start().await;
    let ca = Some(engine.file("ca.pem"));
    let client = |certificate: &str, key: &str| Some((engine.file(certificate), engine.file(key)));
    let with = |client| tls(&engine.address, TlsFiles { ca: ca.clone(), client });
    reason(with(None), "requires a client certificate").await;
    Authority::new().identity("client").write(&engine.file("other.pem"), &engine.file("other-key.pem"));
    reason(with(client("other.pem", "other-key.pem")), "rejected the client certificate").await;
    engine.authority.expired("client").write(&engine.file("old.pem"), &engine.file("old-key.pem"));
    let said = reason(with(client("old.pem", "old-key.pem")), "client certificate").await;
    assert!(said.contains("expired") || said.contains("rejected"), "{said}");
    reason(with(client("cert.pem", "old-key.pem")), "don't match").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_failures_report_their_cause_and_a_hint() {
    let ssh = SshServer::start().await;
    let (me, engine) = (user(), socket());
    let way = |known_hosts: &str, key: &str| over_ssh(&ssh, &me, &engine, ssh.client(known_hosts, key));
    let said = reason(way("no_known_hosts", "id"), "is unknown").await;
    assert!(said.contains(&ssh.fingerprint()), "{said} lacks {}", ssh.fingerprint());
    let said = reason(way("other_known_hosts", "id"), "has changed").await;
    assert!(said.contains(&ssh.fingerprint()), "{said}");
    let said = reason(way("known_hosts", "stranger"), "denied access").await;
    assert_eq!(
        said,
        format!(
            "The SSH server on 127.0.0.1 denied access to {me}. Check that the user exists and that the server accepts the SSH key."
        )
    );
    let stranger = over_ssh(&ssh, "unknown-user", &engine, ssh.known_client());
    reason(stranger, "denied access to unknown-user").await;
    let elsewhere = over_ssh(&ssh, &me, Path::new("/nowhere/docker.sock"), ssh.known_client());
    reason(elsewhere, "no engine is responding at /nowhere/docker.sock").await;
}

/// The ssh processes that forward to the test's SSH server.
fn ssh_processes(server: &SshServer) -> BTreeSet<u32> {
    let port = server.port.to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    let is_ours = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        words.first().is_some_and(|it| it == "ssh") && words.iter().any(|it| *it == port)
    };
    pids.filter(is_ours).collect()
}

fn signal(pid: u32, name: &str) {
    let done = std::process::Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(done.success(), "kill -{name} {pid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ssh_tunnel_is_one_process_that_ends_with_the_server() {
    let ssh = SshServer::start().await;
    let watched = Watched::at(over_ssh(&ssh, &user(), &socket(), ssh.known_client()), RECONCILE).await;
    let begun = Instant::now();
    let list = async || ask_version(&watched.engine).await;
    for _ in 0..50 {
        list().await;
    }
    // A process for each call would take half a second.
    assert!(begun.elapsed() < Duration::from_secs(10), "50 calls took {:?}", begun.elapsed());
    let processes = ssh_processes(&ssh);
    assert_eq!(processes.len(), 1, "{processes:?}\n{}", ssh.log());
    watched.engine.close().await;
    eventually(TIMEOUT, "ssh ends", async || ssh_processes(&ssh).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_tunnel_ends_when_the_server_is_killed() {
    let (ssh, folder) = (SshServer::start().await, tempfile::tempdir().unwrap());
    let url = format!("ssh://{}@127.0.0.1:{}{}", user(), ssh.port, socket().display());
    let config = ssh.known_client();
    let variables = [
        ("DOCKER_HOST", url.as_str()),
        ("QUAYLIGHT_ENGINE_SSH_CONFIG", config.to_str().unwrap()),
        ("TMPDIR", folder.path().to_str().unwrap()),
    ];
    let tunnels = || {
        let names = fs::read_dir(folder.path()).unwrap().flatten().map(|it| it.path());
        names.filter(|it| it.to_string_lossy().contains("quaylight-ssh-")).collect::<Vec<_>>()
    };
    let server = ServerProcess::start_with(&variables, folder.path());
    is_reached(&server.url).await;
    assert_eq!((ssh_processes(&ssh).len(), tunnels().len()), (1, 1));
    let mode = fs::metadata(&tunnels()[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "other users can't reach the engine through it");
    drop(server);
    eventually(TIMEOUT, "ssh ends and leaves nothing", async || ssh_processes(&ssh).is_empty() && tunnels().is_empty())
        .await;
}

async fn ask_version(engine: &WritableEngine) {
    engine.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_or_hanging_ssh_tunnel_reconnects() {
    let ssh = SshServer::start().await;
    let watched = Watched::at(over_ssh(&ssh, &user(), &socket(), ssh.known_client()), Duration::from_secs(3)).await;
    for name in ["KILL", "STOP"] {
        let before = ssh_processes(&ssh);
        let since = watched.reader.look(|state| state.hosts().next().unwrap().since);
        let begun = Instant::now();
        signal(*before.first().unwrap(), name);
        let is_back = |host: &Host| host.is_reachable() && host.since > since;
        let time_limit = Duration::from_secs(60);
        watched.until_within(time_limit, "it is back", |state| state.hosts().any(|it| is_back(it))).await;
        eprintln!("back {:?} after {name}", begun.elapsed());
        let after = ssh_processes(&ssh);
        assert!(after.is_disjoint(&before) && after.len() == 1, "{before:?} {after:?}");
    }
    watched.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_ssh_program_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start_with(&[("DOCKER_HOST", "ssh://nas"), ("PATH", "/nonexistent")], folder.path());
    let health = async || ask(&server.url, "GET", "/api/state", "").await.1.contains("The ssh command wasn't found");
    eventually(TIMEOUT, "it says so", health).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_context_is_used_with_its_certificates() {
    let (engine, folder) = (TlsEngine::start().await, tempfile::tempdir().unwrap());
    let docker_folder = folder.path().join("docker");
    let (meta, files) = (docker_folder.join("contexts/meta/a1"), docker_folder.join("contexts/tls/a1/docker"));
    fs::create_dir_all(&meta).unwrap();
    fs::create_dir_all(&files).unwrap();
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        fs::copy(engine.file(name), files.join(name)).unwrap();
    }
    let host = format!("tcp://{}", engine.address);
    let text = serde_json::json!({"Name": "nas", "Metadata": {}, "Endpoints": {"docker": {"Host": host}}});
    fs::write(meta.join("meta.json"), text.to_string()).unwrap();
    let variables =
        [("DOCKER_HOST", ""), ("DOCKER_CONFIG", docker_folder.to_str().unwrap()), ("QUAYLIGHT_ENGINE_CONTEXT", "nas")];
    let server = ServerProcess::start_with(&variables, folder.path());
    is_reached(&server.url).await;
    // Docker's TLS variables give the same connection.
    drop(server);
    let variables =
        [("DOCKER_HOST", host.as_str()), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", files.to_str().unwrap())];
    let server = ServerProcess::start_with(&variables, folder.path());
    is_reached(&server.url).await;
}

async fn is_reached(url: &str) {
    let reached = async || {
        let health = ask(url, "GET", "/healthz", "").await.1;
        let health: Value = serde_json::from_str(&health).unwrap_or_default();
        health["engines"][0]["reachable"] == true
    };
    eventually(TIMEOUT, "the engine is reached", reached).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn remote_plain_tcp_is_refused_or_shown_as_a_warning() {
    let address = "192.0.2.1:2375";
    let url = format!("tcp://{address}");
    let folder = tempfile::tempdir().unwrap();
    let words = refused(&[("DOCKER_HOST", &url)], folder.path());
    assert!(words.contains("is not encrypted") && words.contains("--engine-insecure"), "{words}");
    let server = TestServer::at(&url, &["--engine-insecure"]).await;
    let page = Raw::get(&server.url(), "/containers").await.whole().await;
    assert!(page.contains("The connection to the engine is not encrypted."), "{page}");
    server.stop().await;
    let server = TestServer::start(&[]).await;
    let page = Raw::get(&server.url(), "/containers").await.whole().await;
    assert!(!page.contains("is not encrypted"), "{page}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machine_stats_are_sent_for_a_local_engine_over_any_transport() {
    let docker = Docker::new();
    let name = docker.create("near", &[]).await;
    docker.run(&["start", &name]).await;
    let here = TestServer::start(&[]).await;
    let plain = Forwarder::start(&socket(), None).await;
    let over_tcp = TestServer::at(&format!("tcp://{}", plain.address), &[]).await;
    for server in [&here, &over_tcp] {
        let mut client = Client::connect(server).await;
        client.look_at_loads().await;
        client.until(None, |it| it["type"] == "stats" && !it["machines"][0].is_null()).await;
    }
    here.stop().await;
    over_tcp.stop().await;
}
