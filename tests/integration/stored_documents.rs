//! Server start on a full, locked or read-only data folder: stored documents are read and never overwritten.

use crate::{
    history::Mounted,
    raw_http::{ask, post},
    requests::rule,
    support::{TestServer, eventually},
};
use quaylight::{
    actions::{alerts::ChangeAlerts, preferences::KeepPreferences},
    model::{AlertChange, Condition, Event, HostId, Labels, Layout, Message, Preferences, Rule, Theme, Timestamp},
    server::{
        clock::Clock,
        history::{History, Limits, Settings},
        vault::Vault,
    },
};
use rusqlite::Connection;
use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::Path,
    time::Duration,
};

/// Longer than the server's delay before it reopens its file.
const TIMEOUT: Duration = Duration::from_secs(40);

fn disk_rule() -> Rule {
    Rule { id: "stored".into(), ..rule("stored-disk-rule", Condition::Disk { above: 1 }) }
}

/// Stores the documents of an earlier server: a rule, preferences, a registry login, a failed action.
async fn store(folder: &Path) {
    let settings = Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry: Settings::RETRY };
    let history = History::start(settings, Clock::SYSTEM).await;
    let rule = serde_json::to_string(&disk_rule()).unwrap();
    history.put_document("alert_rule", "stored", rule).await.unwrap();
    let dark = Preferences { theme: Theme::Dark, changed: Timestamp::from_seconds(1_000), ..Preferences::default() };
    history.put_document("preferences", "local", serde_json::to_string(&dark).unwrap()).await.unwrap();
    let sealed = Vault::open(Some(folder)).seal("registry", &("ada", "open-sesame")).unwrap();
    history.put_document("registry", "r.example:5000", serde_json::to_string(&sealed).unwrap()).await.unwrap();
    history.record(Event {
        seq: 0,
        host: HostId::new("local").unwrap(),
        time: Clock::SYSTEM.now(),
        kind: "container".into(),
        action: "stop".into(),
        id: "0123456789ab".into(),
        name: "failed-before".into(),
        project: None,
        actor: Some("local".into()),
        error: Some(Message::verbatim("The engine rejected the request")),
        message: None,
        attributes: Labels::default(),
    });
    history.close().await;
}

async fn fires(server: &TestServer) -> bool {
    let (_, alerts) = ask(&server.url(), "GET", "/api/alerts", "").await;
    alerts.contains("stored-disk-rule") && alerts.contains("firing")
}

async fn page(server: &TestServer) -> String {
    ask(&server.url(), "GET", "/containers", "").await.1
}

async fn query(server: &TestServer, path: &str) -> (u16, String) {
    post(&server.url(), path, "application/x-postcard", b"").await
}

async fn change(server: &TestServer, change: AlertChange) -> (u16, String) {
    let body = postcard::to_allocvec(&ChangeAlerts { change }).unwrap();
    post(&server.url(), "/actions/alerts", "application/x-postcard", &body).await
}

/// Saves the cards layout from a browser that was shown the defaults.
async fn choose_cards(server: &TestServer) {
    let before = Preferences::default();
    let after = Preferences { layout: Layout::Cards, ..Preferences::default() };
    let body = postcard::to_allocvec(&KeepPreferences { before, after }).unwrap();
    let (status, answer) = post(&server.url(), "/actions/preferences", "application/x-postcard", &body).await;
    assert_eq!(status, 200, "{answer}");
}

/// The documents in the file; empty while it can't be read.
fn stored(folder: &Path, kind: &str) -> Vec<String> {
    let read = || {
        let database = Connection::open(folder.join("history.db"))?;
        let mut rows = database.prepare("SELECT json FROM documents WHERE kind = ?1")?;
        rows.query_map([kind], |row| row.get(0))?.collect::<Result<_, _>>()
    };
    read().unwrap_or_default()
}

#[track_caller]
fn assert_dark_cards(folder: &Path) -> impl Future<Output = ()> {
    let folder = folder.to_owned();
    let both = move |json: &String| json.contains(r#""dark""#) && json.contains(r#""cards""#);
    eventually(TIMEOUT, "the change and what was stored are both there", async move || {
        stored(&folder, "preferences").iter().any(both)
    })
}

/// All documents are read, each kind at its own time, while writes fail.
async fn assert_read(server: &TestServer) {
    eventually(TIMEOUT, "the stored disk rule fires", async || fires(server).await).await;
    let is_dark = async || page(server).await.contains(r#"data-theme="dark""#);
    eventually(TIMEOUT, "the preferences are those stored", is_dark).await;
    let has_registry = async || {
        let (status, registries) = query(server, "/queries/registries").await;
        status == 200 && registries.contains("r.example:5000")
    };
    eventually(TIMEOUT, "the registries are those stored", has_registry).await;
    let has_notice = async || query(server, "/queries/notices").await.1.contains("failed-before");
    eventually(TIMEOUT, "the notices are those stored", has_notice).await;
    let has_event = async || ask(&server.url(), "GET", "/api/events?by=users", "").await.1.contains("failed-before");
    eventually(TIMEOUT, "the events are those stored", has_event).await;
}

/// A new rule is refused with the reason, and no stored document is changed.
async fn assert_refused(server: &TestServer, reason: &str) {
    let rule = Rule { id: String::new(), name: "new-rule".into(), ..disk_rule() };
    let (status, answer) = change(server, AlertChange::PutRule(rule)).await;
    assert!(status != 200 && answer.contains(reason), "{status} {answer}");
}

#[tokio::test]
async fn stored_documents_are_loaded_from_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Mounted::tmpfs(folder.path(), "size=2m");
    store(folder.path()).await;
    let filler = folder.path().join("filler");
    let mut file = File::create(&filler).unwrap();
    let full = loop {
        if let Err(error) = file.write_all(&[1; 4_096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    assert_read(&server).await;
    assert_refused(&server, "the disk is full").await;
    choose_cards(&server).await;
    assert!(page(&server).await.contains(r#"data-theme="dark""#));
    // Its space is freed once no process has it open.
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    assert_dark_cards(folder.path()).await;
    assert_eq!((stored(folder.path(), "alert_rule").len(), stored(folder.path(), "registry").len()), (1, 1));
    server.stop().await;
    drop(disk);
}

#[tokio::test]
async fn stored_documents_are_loaded_from_a_read_only_folder() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Mounted::tmpfs(folder.path(), "size=8m");
    store(folder.path()).await;
    disk.remount("size=8m,ro");
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    assert_read(&server).await;
    assert_refused(&server, "Read-only").await;
    choose_cards(&server).await;
    disk.remount("size=8m,rw");
    assert_dark_cards(folder.path()).await;
    assert_eq!((stored(folder.path(), "alert_rule").len(), stored(folder.path(), "registry").len()), (1, 1));
    server.stop().await;
}

#[tokio::test]
async fn stored_documents_are_loaded_while_another_process_writes() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).await;
    let other = Connection::open(folder.path().join("history.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    assert_read(&server).await;
    assert_refused(&server, "another process has its file open").await;
    choose_cards(&server).await;
    other.execute_batch("COMMIT").unwrap();
    assert_dark_cards(folder.path()).await;
    assert_eq!((stored(folder.path(), "alert_rule").len(), stored(folder.path(), "registry").len()), (1, 1));
    server.stop().await;
}

/// Reads fail too: nothing may be replaced by a default, and all documents are there once the lock is released.
#[tokio::test]
async fn locked_documents_are_not_overwritten_and_load_after_the_unlock() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).await;
    let other = Connection::open(folder.path().join("history.db")).unwrap();
    other.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE mine (a); COMMIT").unwrap();
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    assert_refused(&server, "another process has its file open").await;
    let (status, answer) = query(&server, "/queries/registries").await;
    assert!(status != 200 && answer.contains("another process has its file open"), "{status} {answer}");
    choose_cards(&server).await;
    assert!(!fires(&server).await, "it can't be known yet");
    drop(other);
    assert_read(&server).await;
    assert_dark_cards(folder.path()).await;
    assert_eq!((stored(folder.path(), "alert_rule").len(), stored(folder.path(), "registry").len()), (1, 1));
    server.stop().await;
}
