//! The engine's half: from the engine to the browsers' sockets.

pub mod app;
pub mod auth;
pub mod clock;
pub mod commands;
pub mod config;
pub mod engine;
pub mod healthcheck;
pub mod hosts;
pub mod http;
pub mod live;
pub mod probes;
pub mod state;
pub mod telemetry;
pub mod watch;

use app::App;
use axum::serve::ListenerExt;
use clock::Clock;
use config::Config;
use engine::Engine;
use hosts::Hosts;
use live::{Handshakes, Sessions, Snapshots};
use std::{future::Future, io, time::Duration};
use tokio::{net::TcpListener, sync::watch as signal, time::timeout};

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
    let (writer, reader, inbox) = state::open(clock);
    let writer = tokio::spawn(writer.run());
    let local = crate::model::HostId::new("local").expect("a word");
    let hosts = Hosts::new([Engine::new(local, config.engine.clone())]);
    let watchers = hosts.watch(&reader, &inbox, clock, config.reconcile);

    let (close, closing) = signal::channel(false);
    let app = App {
        reader,
        hosts,
        clock,
        sessions: Sessions::new(closing.clone()),
        snapshots: Snapshots::default(),
        handshakes: Handshakes::default(),
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
    writer.abort();
    ended
}
