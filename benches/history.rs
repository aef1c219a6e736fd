//! Benchmark of a filtered page of a million events: `cargo bench --features ssr --bench history`. Uses 200 MB of the
//! temporary folder while it runs.

// The benchmark prints its result.
#![allow(clippy::print_stdout)]

use quaylight::{
    model::EventQuery,
    server::{
        clock::Clock,
        history::{Cursor, History, Limits, Settings},
    },
};
use rusqlite::Connection;
use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

/// The limit for the median of five queries with the slowest filter.
const BOUND: Duration = Duration::from_millis(50);

async fn start(folder: &Path) -> History {
    let settings = Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry: Settings::RETRY };
    History::start(settings, Clock::SYSTEM).await
}

fn query(address: &[(&str, &str)]) -> EventQuery {
    let mut query = EventQuery::default();
    for (key, value) in address {
        assert!(query.read(key, value, Clock::SYSTEM.now()).expect("a good address"), "{key}");
    }
    query
}

#[tokio::main]
async fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    start(folder.path()).await.close().await;
    let database = Connection::open(folder.path().join("history.db")).expect("a database of ours");
    let now = Clock::SYSTEM.now().micros();
    // Twenty thousand containers and 29 days of events, a tenth of them noise.
    database
        .execute_batch(&format!(
            "BEGIN;
            INSERT INTO actions (ref, kind, action, actor, is_noise) VALUES
                (1, 'container', 'create', '', 0), (2, 'container', 'start', '', 0), (3, 'container', 'die', '', 0),
                (4, 'container', 'destroy', '', 0), (5, 'network', 'connect', '', 0), (6, 'container', 'exec_start', '', 1),
                (7, 'container', 'oom', '', 0), (8, 'container', 'stop', 'alice', 0), (9, 'image', 'pull', '', 0),
                (10, 'container', 'kill', '', 0);
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
            INSERT INTO things SELECT i + 1, i, 'local', 'container', printf('%064x', i * 7919), printf('web-%d', i),
                printf('shop-%d', i % 50), printf('web-%d %064x shop-%d nginx:1.%d', i, i * 7919, i % 50, i % 20),
                printf('{{\"image\":\"nginx:1.%d\",\"com.docker.compose.project\":\"shop-%d\"}}', i % 20, i % 50) FROM n;
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
            INSERT INTO events SELECT i + 1, {now} - (1000000 - i) * 2500000, i, 1 + (i * 7919) % 20000,
                CASE WHEN i % 10 = 9 THEN 6 WHEN i % 9973 = 0 THEN 7 WHEN i % 4999 = 0 THEN 8 ELSE 1 + i % 5 END, NULL,
                printf('{{\"exitCode\":\"%d\",\"name\":\"web\"}}', i % 3) FROM n;
            COMMIT;"
        ))
        .expect("a database of ours");
    drop(database);
    let history = start(folder.path()).await;
    let mut slowest = Duration::ZERO;
    for address in [
        &[][..],
        &[("noise", "true")],
        &[("kind", "container")],
        &[("kind", "image")],
        &[("action", "die")],
        &[("action", "oom")],
        &[("action", "oom"), ("until", "7d")],
        &[("by", "users")],
        &[("entity", "web-777")],
        &[("entity", "0000000000000000000000000000000000000000000000000000000000001eef")],
        &[("entity", "web-777"), ("action", "die")],
        &[("project", "shop-7")],
        &[("project", "shop-7"), ("action", "oom")],
        &[("q", "web-77")],
        &[("q", "nginx:1.7 die")],
        &[("q", "oom")],
        &[("q", "nothing of the kind")],
        &[("since", "1h")],
        &[("until", "20d")],
        &[("since", "15d"), ("until", "14d"), ("action", "start")],
        &[("since", "15d"), ("until", "14d"), ("q", "web-1")],
    ] {
        let mut times: Vec<Duration> = Vec::new();
        let mut found = 0;
        for _ in 0..5 {
            let began = Instant::now();
            found = history.page(query(address), Cursor::Before(None), 100).await.events.len();
            times.push(began.elapsed());
        }
        times.sort();
        slowest = slowest.max(times[2]);
        println!("{:6.1} ms (at most {:5.1})  {found:3} of {address:?}", ms(times[2]), ms(times[4]));
    }
    history.close().await;
    println!("the slowest: {:.1} ms, of {} ms", ms(slowest), ms(BOUND));
    if slowest < BOUND { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
