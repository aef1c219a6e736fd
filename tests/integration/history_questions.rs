//! Searches in a large history whose clients disconnect before the response.

use crate::{
    raw_http::{Raw, ask},
    server_process::ServerProcess,
};
use futures::future::join_all;
use quaylight::{
    server::{
        clock::Clock,
        history::{History, Limits, Settings},
    },
    sim::{Options, Sim},
};
use rusqlite::Connection;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// The number of concurrent searches.
const READERS: u64 = 4;

/// Two thousand objects with a text of 100 KB each: a full search takes seconds.
async fn large_history(folder: &Path) {
    let settings = Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry: Settings::RETRY };
    History::start(settings, Clock::SYSTEM).await.close().await;
    let now = Clock::SYSTEM.now().micros();
    let sql = format!(
        "PRAGMA synchronous = OFF;
         BEGIN;
         INSERT INTO actions VALUES (1, 'container', 'start', '', 0);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO things
            SELECT i, i, 'local', 'container', 'id' || i, 'n' || i, '', replace(printf('%.50000c', 'x'), 'x', 'xy'), '{{}}' FROM n;
         INSERT INTO events (seq, time, fingerprint, thing, action, attributes)
            SELECT ref, {now} + ref, ref, ref, 1, '{{}}' FROM things;
         COMMIT;"
    );
    Connection::open(folder.join("history.db")).unwrap().execute_batch(&sql).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_searches_stop_and_do_not_block_other_queries() {
    let folder = tempfile::tempdir().unwrap();
    large_history(folder.path()).await;
    let sim = Sim::start(Options { containers: 1, ..Options::default() }).await.unwrap();
    let server = ServerProcess::start(sim.url(), folder.path());
    let (status, body) = ask(&server.url, "GET", "/api/events?limit=1", "").await;
    assert!(status == 200 && body.contains("\"n2000\""), "it has the large history: {body}");
    let idle = server.threads();
    // All but the last letter matches everywhere.
    let search = format!("/api/events?q={}z", "xy".repeat(2_000));
    for _ in 0..12 {
        let searches = join_all((0..READERS).map(|_| Raw::get(&server.url, &search))).await;
        for mut search in searches {
            assert!(search.is_silent().await, "it takes longer than that: {}", search.text());
        }
    }
    // The searches share the thread pool with other blocking work.
    assert!(server.threads() <= idle + 2 * READERS, "{idle} threads before, {} now", server.threads());
    let asked = Instant::now();
    let (status, _) = ask(&server.url, "GET", "/api/events?limit=1", "").await;
    // It used to wait for all searches, each of which takes seconds. On a busy machine a limit of one second is not enough.
    assert!(status == 200 && asked.elapsed() < Duration::from_secs(4), "{status} after {:?}", asked.elapsed());
}
