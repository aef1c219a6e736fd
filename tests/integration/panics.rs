//! Panics in a task of a running server. The panic comes from the clock, when the task reads the time.

use crate::{
    raw_http::ask,
    support::{Docker, TIMEOUT, TestServer, engine_url, eventually},
};
use quaylight::{model::Timestamp, server::clock::Clock};
use serde_json::Value;
use std::{
    backtrace::Backtrace,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The module whose next clock call panics.
static VICTIM: Mutex<Option<&str>> = Mutex::new(None);

/// The number of clock calls by alerts.
static ALERTS: AtomicU64 = AtomicU64::new(0);

const ALERTS_MODULE: &str = "quaylight::server::alerts::";
const STATE_MODULE: &str = "quaylight::server::state::writer::";

const CLOCK: Clock = Clock::new(|| {
    let callers = Backtrace::force_capture().to_string();
    if callers.contains(ALERTS_MODULE) {
        ALERTS.fetch_add(1, Ordering::Relaxed);
    }
    let strikes = VICTIM.lock().unwrap().take_if(|module| callers.contains(*module)).is_some();
    assert!(!strikes, "injected");
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_micros(since.as_micros().try_into().unwrap())
});

async fn health(server: &TestServer) -> Value {
    let (status, body) = ask(&server.url(), "GET", "/healthz", "").await;
    assert_eq!(status, 200);
    serde_json::from_str(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panicked_task_is_reported_by_healthz_and_restarted() {
    let server = TestServer::clocked(&engine_url(), CLOCK).await;
    eventually(TIMEOUT, "alerts are evaluated", async || ALERTS.load(Ordering::Relaxed) > 0).await;
    assert_eq!(health(&server).await["status"], "ok");
    *VICTIM.lock().unwrap() = Some(ALERTS_MODULE);
    eventually(TIMEOUT, "/healthz names it", async || health(&server).await["status"] == "degraded").await;
    let failed = health(&server).await["failed_tasks"][0].clone();
    assert_eq!((&failed["task"], &failed["restarts"]), (&"alerts".into(), &true.into()), "{failed}");
    let before = ALERTS.load(Ordering::Relaxed);
    eventually(TIMEOUT, "alerts are evaluated again", async || ALERTS.load(Ordering::Relaxed) > before).await;
    let (_, metrics) = ask(&server.url(), "GET", "/metrics", "").await;
    assert!(metrics.contains(r#"quaylight_task_panics_total{task="alerts"} 1"#), "{metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_exits_with_an_error_when_the_state_task_panics() {
    let (docker, server) = (Docker::new(), TestServer::clocked(&engine_url(), CLOCK).await);
    eventually(TIMEOUT, "it is up", async || health(&server).await["engines"][0]["reachable"] == true).await;
    *VICTIM.lock().unwrap() = Some(STATE_MODULE);
    docker.create("changes-the-state", &[]).await;
    let error = server.ends().await.unwrap_err();
    assert!(error.to_string().contains("\"state\" panicked"), "{error}");
}
