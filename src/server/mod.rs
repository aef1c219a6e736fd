//! The engine's half: from the engine to the browsers' sockets.

pub mod alerts;
pub mod app;
pub mod auth;
pub mod clock;
pub mod commands;
pub mod config;
pub mod engine;
pub mod files;
pub mod healthcheck;
pub mod history;
pub mod hosts;
pub mod http;
pub mod live;
pub mod measure;
pub mod named;
pub mod noticed;
pub mod preferences;
pub mod probes;
pub mod registries;
pub mod state;
pub mod stats;
pub mod streams;
pub mod tasks;
pub mod telemetry;
pub mod vault;
pub mod watch;

use alerts::{
    Alerts,
    notify::{Courier, Outbound, Retries},
};
use app::App;
use axum::serve::ListenerExt;
use clock::Clock;
use config::Config;
use engine::Engine;
use history::History;
use hosts::Hosts;
use live::{Handshakes, Sessions, Snapshots};
use noticed::Noticed;
use preferences::AllPreferences;
use registries::Registries;
use stats::Stats;
use std::{future::Future, io, sync::Arc, time::Duration};
use tasks::Tasks;
use tokio::{net::TcpListener, sync::watch as signal, time::timeout};
use vault::Vault;

/// Each socket is an open file, and the usual limit is 1,024.
const OPEN_FILES: u64 = 16 * 1024;

/// Open requests get this long to end when the server goes away.
const FAREWELL: Duration = Duration::from_secs(3);

/// Serves until `shutdown` completes. Starts from the state outwards, stops from the browsers inwards.
pub async fn run(
    listener: TcpListener,
    config: &Config,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    if let Err(error) = rlimit::increase_nofile_limit(OPEN_FILES) {
        tracing::warn!(%error, "can't raise the limit of open files");
    }
    let history = History::start(config.into(), clock).await;
    let (writer, reader, inbox) = state::open(clock);
    let writer = tokio::spawn(writer.run());
    let local = crate::model::HostId::new("local").expect("a word");
    let hosts = Hosts::new([Engine::new(local, config.engine.clone())]);
    let watchers = hosts.watch(&reader, &inbox, &history, clock, config.reconcile);

    let stats = Stats::new(hosts.clone(), reader.clone(), clock);
    let statistician = tokio::spawn(stats.clone().run());
    let recorder = tokio::spawn(stats::record(stats.clone(), history.clone(), clock));

    let (courier, rounds) = Courier::open(Outbound::default(), clock, Retries::default());
    let courier_on_rounds = tokio::spawn(rounds.run());
    let noticed = Noticed::load(&history).await;
    let alerts = Alerts::new(history.clone(), noticed.clone(), courier, clock);
    let watchman = alerts::watch(alerts.clone(), reader.clone(), hosts.clone(), stats.clone(), clock);
    let watchman = tokio::spawn(watchman);

    let vault = Vault::open(config.data_dir.as_deref());
    let registries = Registries::load(history.clone(), vault, config.docker_config.clone()).await;
    let (close, closing) = signal::channel(false);
    let app = App {
        reader,
        history: history.clone(),
        stats,
        alerts,
        noticed,
        preferences: AllPreferences::load(history.clone()).await,
        registries,
        tasks: Tasks::new(clock),
        inbox: inbox.depth(),
        hosts,
        clock,
        sessions: Sessions::new(closing.clone()),
        snapshots: Snapshots::default(),
        handshakes: Handshakes::default(),
        figures: Arc::default(),
        started: clock.now(),
        data_dir: config.data_dir.as_deref().map(Into::into),
        read_only: config.read_only,
        base_path: config.base_path.as_str().into(),
        leptos: config::leptos_options().map_err(io::Error::other)?,
    };
    let sweeper = tokio::spawn(probes::sweep(app.clone()));
    // A change is one small message: it must not wait for a second one.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not turn off Nagle's algorithm");
        }
    });
    let mut going = closing.clone();
    let serving = axum::serve(listener, http::router(app)).with_graceful_shutdown(async move {
        let _ = going.wait_for(|closing| *closing).await;
    });
    let serving = std::future::IntoFuture::into_future(serving);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = shutdown => {
            tracing::info!("going away");
            close.send_replace(true);
            timeout(FAREWELL, serving).await.unwrap_or(Ok(()))
        }
    };
    for watcher in watchers {
        watcher.abort();
    }
    drop(inbox);
    sweeper.abort();
    watchman.abort();
    courier_on_rounds.abort();
    recorder.abort();
    statistician.abort();
    writer.abort();
    // After the last that had something to tell.
    let _ = timeout(FAREWELL, history.close()).await;
    ended
}
