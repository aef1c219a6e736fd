//! The server: everything between the Docker engine and the browsers' sockets.

pub mod alerts;
pub mod app;
pub mod audit;
pub mod auth;
pub mod body;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod docker_context;
pub mod engine;
pub mod files;
pub mod healthcheck;
pub mod history;
pub mod hosts;
pub mod http;
pub mod live;
pub mod metrics;
pub mod notifications;
pub mod operations;
pub mod own_container;
pub mod percent;
pub mod preferences;
pub mod private_files;
pub mod problem;
pub mod registries;
pub mod spool;
pub mod state;
pub mod stats;
pub mod streams;
pub mod supervision;
pub mod sweeper;
pub mod tasks;
pub mod telemetry;
pub mod trusted_proxies;
pub mod vault;
pub mod watch;
pub mod web_client;

use alerts::{
    Alerts,
    notify::{Dispatcher, Outbound, Retries},
};
use app::App;
use audit::Audit;
use auth::{Auth, Oidc, PasswordSignIn, ProxySignIn};
use clock::Clock;
use config::{AuthMode, Config};
use engine::OwnContainers;
use history::History;
use hosts::{Handle, Hosts};
use http::Connections;
use live::{Handshakes, Sessions, Snapshots};
use notifications::Notifications;
use preferences::AllPreferences;
use registries::Registries;
use stats::Stats;
use std::{
    future::Future,
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};
use supervision::Supervisor;
use tasks::Tasks;
use tokio::{net::TcpListener, sync::watch as signal, time::timeout};
use trusted_proxies::TrustedProxies;
use vault::Vault;
use web_client::WebClient;

/// Limits of open files, wanted and assumed. Each connection is an open file.
const OPEN_FILES: u64 = 16 * 1024;
const USUAL_OPEN_FILES: u64 = 1024;

/// Time limit for open requests to end at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Serves until `shutdown` completes. Starts the state first and the listener last; stops in the reverse order.
pub async fn run(
    listener: TcpListener,
    config: &Config,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let open_files = rlimit::increase_nofile_limit(OPEN_FILES).unwrap_or_else(|error| {
        tracing::warn!(%error, "can't raise the limit of open files");
        USUAL_OPEN_FILES
    });
    let tls = config.certificate.clone().map(http::acceptor).transpose()?;
    let history = History::start(config.history_settings(), clock).await;
    let (writer, reader, inbox) = state::open(clock);
    let supervisor = Supervisor::new(clock);
    let writer = supervisor.vital("state", writer.run());
    let local = crate::model::HostId::new("local").expect("a word");
    let own = OwnContainers::open(config.data_dir.as_deref());
    let hosts = Hosts::new([Handle::new(local, config.engine.clone(), config.read_only, own)]);
    let watchers = hosts.watch(&supervisor, &reader, &inbox, &history, clock, config.reconcile);

    let stats = Stats::new(hosts.clone(), reader.clone(), clock);
    let statistician = supervisor.restarting("stats", {
        let stats = stats.clone();
        move || stats.clone().run()
    });
    let recorder = supervisor.restarting("usage history", {
        let (stats, history) = (stats.clone(), history.clone());
        move || stats::record(stats.clone(), history.clone(), clock)
    });

    let web = WebClient::default();
    let (dispatcher, dispatcher_task) = Dispatcher::open(Outbound::from(web.clone()), clock, Retries::default());
    let dispatcher_task = supervisor.once("notifications", dispatcher_task.run());
    let notifications = Notifications::load(&history).await;
    let vault = Vault::open(config.data_dir.as_deref());
    let alerts = Alerts::new(history.clone(), vault.clone(), notifications.clone(), dispatcher, clock);
    let watchman = supervisor.restarting("alerts", {
        let (alerts, reader, hosts, stats) = (alerts.clone(), reader.clone(), hosts.clone(), stats.clone());
        move || alerts::watch(alerts.clone(), reader.clone(), hosts.clone(), stats.clone(), clock)
    });

    let trusted_proxies = Arc::new(TrustedProxies::new(&config.trusted_proxies).map_err(io::Error::other)?);
    let auth = sign_in(config, &trusted_proxies, listener.local_addr()?, &history, &vault, web, clock).await?;
    let revoker = supervisor.restarting("sessions", {
        let auth = auth.clone();
        move || {
            let auth = auth.clone();
            async move { auth.end_revoked_sessions().await }
        }
    });
    let registries = Registries::load(history.clone(), vault, config.docker_config.clone()).await;
    let audit = Audit::open(&history);
    let auditor = supervisor.once("audit", audit.clone().record_interrupted());
    let (close, closing) = signal::channel(false);
    let app = App {
        auth,
        scoped_views: state::ScopedViews::new(reader.clone(), clock),
        reader,
        history: history.clone(),
        audit,
        stats,
        alerts,
        notifications,
        preferences: AllPreferences::load(history.clone(), clock).await,
        registries,
        tasks: Tasks::new(clock),
        inbox: inbox.depth(),
        hosts,
        clock,
        sessions: Sessions::new(closing.clone()),
        snapshots: Snapshots::default(),
        handshakes: Handshakes::default(),
        supervisor: supervisor.clone(),
        connections: Connections::up_to(open_files.min(OPEN_FILES), trusted_proxies.clone()),
        fanout_metrics: Arc::default(),
        log_metrics: Arc::default(),
        started: clock.now(),
        data_dir: config.data_dir.as_deref().map(Into::into),
        read_only: config.read_only,
        is_open_network: config.is_open_network,
        host_names: config.host_names.as_slice().into(),
        trusted_proxies,
        base_path: config.base_path.as_str().into(),
        leptos: config::leptos_options().map_err(io::Error::other)?,
    };
    let sweeper = supervisor.restarting("sweeper", {
        let app = app.clone();
        move || sweeper::sweep(app.clone())
    });
    let connections = app.connections.clone();
    let hosts = app.hosts.clone();
    let mut ended = Ok(());
    let going_away = async {
        tokio::select! {
            () = shutdown => tracing::info!("going away"),
            task = supervisor.lost() => ended = Err(io::Error::other(format!("the task {task:?} panicked"))),
        }
        close.send_replace(true);
    };
    connections.serve(listener, tls, http::router(app), going_away, SHUTDOWN_TIMEOUT).await;
    for watcher in watchers {
        watcher.abort();
    }
    drop(inbox);
    hosts.close().await;
    sweeper.abort();
    auditor.abort();
    revoker.abort();
    watchman.abort();
    dispatcher_task.abort();
    // Reports the undelivered notifications as lost.
    let _ = dispatcher_task.await;
    recorder.abort();
    statistician.abort();
    writer.abort();
    // After the last producer of events.
    let _ = timeout(SHUTDOWN_TIMEOUT, history.close()).await;
    ended
}

/// Opens the sign-in, and prints the setup link while there are no users.
async fn sign_in(
    config: &Config,
    proxies: &Arc<TrustedProxies>,
    address: SocketAddr,
    history: &History,
    vault: &Vault,
    web: WebClient,
    clock: Clock,
) -> io::Result<Auth> {
    match config.auth {
        AuthMode::None => return Ok(Auth::None),
        AuthMode::Proxy => {
            return Ok(Auth::Proxy(ProxySignIn::new(config.proxy_sign_in.clone(), proxies.clone()).into()));
        }
        AuthMode::Password => {}
    }
    let folder = config.data_dir.as_deref().ok_or_else(|| {
        io::Error::other("signing in with a password requires a data directory: set --data-dir, or --auth none")
    })?;
    let auth = PasswordSignIn::open(folder, history.clone(), vault.clone(), clock).await.map_err(io::Error::other)?;
    let auth = auth.with_oidc(config.oidc.clone().map(|settings| Oidc::new(settings, web, clock)));
    if config.is_unencrypted() {
        tracing::warn!(
            "passwords and session cookies from other machines arrive unencrypted: set tls-cert and tls-key, or list a reverse \
             proxy with TLS in trusted-proxies"
        );
    }
    if let Some(link) = auth.setup_link() {
        announce(&format!("Create the first user: {}{link}", config.url(address)));
    }
    Ok(Auth::Password(auth.into()))
}

/// Prints a line that users and scripts wait for.
pub fn announce(line: &str) {
    // Fails if the output is closed.
    let _ = writeln!(io::stdout(), "{line}");
}
