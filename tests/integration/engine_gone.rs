//! Unreachable engines, and the server's facts about a reachable one.

use crate::support::{RECONCILE, Watched, local, no_history};
use quaylight::{
    model::HostStatus,
    server::{clock::Clock, engine::Engine, hosts::Hosts, state, supervision::Supervisor},
};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn missing_engine_is_reported_as_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("unix://{}/docker.sock", folder.path().display());
    let (writer, reader, inbox) = state::open(Clock::SYSTEM);
    let hosts = Hosts::new([Engine::new(local(), url.parse().unwrap())]);
    let mut batches = reader.follow(None).batches;
    let watchers =
        hosts.watch(&Supervisor::new(Clock::SYSTEM), &reader, &inbox, &no_history().await, Clock::SYSTEM, RECONCILE);
    let writer = tokio::spawn(writer.run());
    let unreachable = async {
        while !reader.look(|state| state.hosts().any(|it| it.status == HostStatus::Unreachable && it.error.is_some())) {
            batches.recv().await.ok();
        }
    };
    timeout(Duration::from_secs(5), unreachable).await.expect("it is marked unreachable");
    watchers.iter().chain([&writer]).for_each(tokio::task::JoinHandle::abort);
}

/// The engine's restart is tested in the browser, where its effect is visible.
#[tokio::test]
async fn watched_engine_reports_its_facts() {
    let watched = Watched::start(&crate::support::engine_url()).await;
    let host = watched.reader.look(|state| state.host(&local()).cloned()).unwrap();
    let engine = host.engine.as_ref().unwrap();
    assert!(engine.cpus > 0 && engine.memory > 0 && !engine.version.is_empty(), "{engine:?}");
}
