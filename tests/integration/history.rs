//! Persistence of the history: after a kill, on a full disk, and in a folder that can't be written to.

use crate::{
    raw_http::{Raw, ask},
    support::{TestServer, eventually, local},
};
use quaylight::{
    model::{ContainerId, Event, EventQuery, HistoryStatus, Labels, Message, Timestamp, UsageLevel, UsagePoint},
    server::{
        clock::Clock,
        engine::EngineEvent,
        history::{Cursor, History, Limits, Settings},
    },
    sim::{Options, Sim},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::{
    collections::HashSet,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

const TIMEOUT: Duration = Duration::from_secs(20);

async fn start(folder: &Path) -> History {
    let retry = Duration::from_millis(50);
    History::start(Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry }, Clock::SYSTEM).await
}

/// An event as Docker writes it, with this timestamp in nanoseconds.
fn event(action: &str, name: &str, nanos: i64) -> EngineEvent {
    let id = format!("{:0>64}", name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    let text = format!(
        r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"{id}","Attributes":{{"image":"nginx:1.27","name":"{name}","com.docker.compose.project":"shop","exitCode":"137"}}}},"timeNano":{nanos}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn now_nanos() -> i64 {
    Clock::SYSTEM.now().micros() * 1_000
}

fn query(address: &[(&str, &str)]) -> EventQuery {
    let mut query = EventQuery::default();
    for (key, value) in address {
        assert!(query.read(key, value, Clock::SYSTEM.now()).unwrap());
    }
    query
}

async fn names(history: &History, address: &[(&str, &str)]) -> Vec<String> {
    let page = history.page(query(address), Cursor::Before(None), 1_000).await;
    page.events.into_iter().map(|it| it.name).collect()
}

async fn until_off(history: &History, reason: &str) {
    eventually(TIMEOUT, reason, async || match history.status() {
        HistoryStatus::Off { reason: it } => it.to_string().contains(reason),
        HistoryStatus::Recording => false,
    })
    .await;
}

async fn until_recording(history: &History) {
    eventually(TIMEOUT, "it records", async || history.status() == HistoryStatus::Recording).await;
}

#[tokio::test]
async fn events_are_filtered_and_paged() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path()).await;
    let began = now_nanos();
    for number in 0..250 {
        let (action, name) = if number % 2 == 0 { ("start", "web") } else { ("die", "api") };
        history.record_engine(&local(), &event(action, name, began + number * 1_000_000));
    }
    history.record_engine(&local(), &event("exec_create: sh -c check", "web", began));
    let deed = Event {
        seq: 0,
        host: local(),
        time: Clock::SYSTEM.now(),
        kind: "container".into(),
        action: "stop".into(),
        id: "0123456789ab".into(),
        name: "web".into(),
        project: None,
        actor: Some("alice".into()),
        error: Some(Message::verbatim("The engine rejected the request")),
        message: None,
        attributes: Labels::default(),
    };
    history.record(deed);
    for (address, found) in [
        (&[][..], 251),
        (&[("noise", "true")], 252),
        (&[("action", "die")], 125),
        (&[("entity", "web")], 126),
        (&[("entity", "api"), ("action", "start")], 0),
        (&[("entity", "0123456789")], 1),
        (&[("project", "shop")], 250),
        (&[("q", "ngin die")], 125),
        (&[("q", "ALICE")], 1),
        (&[("q", "web shop")], 125),
        (&[("by", "users")], 1),
        (&[("kind", "image")], 0),
        (&[("since", "1h")], 251),
        (&[("until", "1h")], 0),
    ] {
        let query = query(address);
        let page = history.page(query.clone(), Cursor::Before(None), 1_000).await;
        assert_eq!(page.events.len(), found, "{address:?}");
        assert!(page.events.iter().all(|it| query.matches(it)), "{address:?}");
    }
    let (mut before, mut paged) = (None, Vec::new());
    loop {
        let page = history.page(query(&[]), Cursor::Before(before), 100).await;
        before = page.events.last().map(|it| it.seq);
        paged.extend(page.events);
        if !page.more {
            break;
        }
    }
    let seqs: Vec<u64> = paged.iter().map(|it| it.seq).collect();
    assert_eq!(seqs.len(), 251);
    assert!(seqs.is_sorted_by(|a, b| a > b));
    assert_eq!(
        (paged[0].actor.as_deref(), paged[0].error.clone()),
        (Some("alice"), Some(Message::verbatim("The engine rejected the request")))
    );
    assert_eq!((paged[1].exit_code(), paged[1].attributes.len()), (Some(137), 4));
    let since = history.page(query(&[]), Cursor::After(seqs[2]), 1_000).await;
    assert_eq!(since.events.iter().map(|it| it.seq).collect::<Vec<_>>(), [seqs[1], seqs[0]]);
    // The same events, from memory alone.
    let nowhere = crate::support::no_history().await;
    for event in paged.iter().rev() {
        nowhere.record(event.clone());
    }
    let remembered = nowhere.page(query(&[("action", "die")]), Cursor::Before(None), 1_000).await;
    assert_eq!(remembered.events.len(), 125);
    assert!(matches!(remembered.history, HistoryStatus::Off { reason } if reason.to_string().contains("--data-dir")));
}

#[tokio::test]
async fn repeated_engine_events_are_stored_once_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let began = now_nanos();
    for _server in 0..2 {
        let history = start(folder.path()).await;
        for _connection in 0..2 {
            for number in 0..256 {
                history.record_engine(&local(), &event("start", "web", began + number));
            }
        }
        assert_eq!(names(&history, &[]).await.len(), 256);
        history.close().await;
    }
    // An event of another object in the same nanosecond is not a duplicate.
    let history = start(folder.path()).await;
    history.record_engine(&local(), &event("start", "api", began));
    assert_eq!(names(&history, &[]).await.len(), 257);
    history.close().await;
}

/// A mounted file system of limited size, unmounted when dropped.
pub struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    pub fn tmpfs(at: &'a Path, options: &str) -> Self {
        run("mount", &["-t", "tmpfs", "-o", options, "none", at.to_str().unwrap()]);
        Self(at)
    }

    pub fn remount(&self, options: &str) {
        run("mount", &["-o", &format!("remount,{options}"), self.0.to_str().unwrap()]);
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").args(["--lazy", self.0.to_str().unwrap()]).status().ok();
    }
}

#[track_caller]
fn run(program: &str, args: &[&str]) {
    let status = Command::new(program).args(args).status().unwrap();
    assert!(status.success(), "{program} {args:?}: {status}");
}

#[tokio::test]
async fn full_disk_pauses_recording_until_space_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Mounted::tmpfs(folder.path(), "size=1m");
    let history = start(folder.path()).await;
    assert_eq!(history.status(), HistoryStatus::Recording);
    let mut number = 0;
    while history.status() == HistoryStatus::Recording {
        for _ in 0..200 {
            number += 1;
            history.record_engine(&local(), &event("start", &format!("web-{number}"), now_nanos() + number));
        }
        history.page(EventQuery::default(), Cursor::Before(None), 1).await;
        assert!(number < 100_000, "a disk of 1 MB holds {number} events");
    }
    until_off(&history, "the disk is full").await;
    // New events are still shown.
    history.record_engine(&local(), &event("die", "meanwhile", now_nanos()));
    assert_eq!(names(&history, &[("action", "die")]).await, ["meanwhile"]);
    // It retries repeatedly and reports the failure throughout, without "recording" in between.
    let documented = history.put_document("test", "one", "{}".into()).await;
    assert!(documented.unwrap_err().reason.to_string().contains("full"));
    disk.remount("size=64m");
    until_recording(&history).await;
    history.record_engine(&local(), &event("die", "later", now_nanos()));
    assert_eq!(names(&history, &[("action", "die")]).await, ["later", "meanwhile"]);
    history.close().await;
    assert_sound(folder.path());
}

/// The history was empty a minute after the clock had been set ahead by mistake.
#[tokio::test(start_paused = true)]
async fn clock_jump_of_a_month_deletes_no_history() {
    static AHEAD: AtomicI64 = AtomicI64::new(0);
    let clock = Clock::with_steady(
        || {
            let steady = i64::try_from(Clock::SYSTEM.moment().steady.as_micros()).unwrap();
            Timestamp::from_micros(1_800_000_000_000_000 + steady + AHEAD.load(Ordering::Relaxed))
        },
        || Clock::SYSTEM.moment().steady,
    );
    let folder = tempfile::tempdir().unwrap();
    let settings =
        Settings { folder: Some(folder.path().to_owned()), limits: Limits::default(), retry: Duration::from_secs(1) };
    let history = History::start(settings, clock).await;
    for number in 0..1_000 {
        let nanos = clock.now().micros() * 1_000 + number;
        history.record_engine(&local(), &event("start", &format!("web-{number}"), nanos));
    }
    let usage = points(3);
    history.record_usage(clock.now(), usage.clone());
    let (id, range) = (usage[0].container.clone(), (clock.now(), clock.now()));
    assert_eq!(names(&history, &[]).await.len(), 1_000);
    AHEAD.fetch_add(31 * 86_400 * 1_000_000, Ordering::Relaxed);
    // Several sweeps. Only the test's clock advances.
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    assert_eq!(names(&history, &[]).await.len(), 1_000);
    assert_eq!(history.usage(local(), Some(id), range).await.unwrap().len(), 1);
    // The clock stays ahead: it was no mistake, and events that are too old are removed.
    let is_empty = async || {
        tokio::time::sleep(Duration::from_secs(60)).await;
        names(&history, &[]).await.is_empty()
    };
    tokio::time::sleep(Duration::from_secs(7 * 3_600)).await;
    eventually(Duration::from_secs(3_600), "the old ones are gone", is_empty).await;
    history.close().await;
}

/// One usage point for each of this many containers.
fn points(containers: usize) -> Vec<UsagePoint> {
    let level = UsageLevel { cpu_percent: 12.5, memory_usage: Some(123_456_789.0), ..UsageLevel::default() };
    let id = |number: usize| ContainerId::new(&format!("{number:064x}")).unwrap();
    let point = |number| UsagePoint {
        host: local(),
        container: id(number),
        average: level,
        highest: level,
        count: 60,
        network_count: 0,
        block_count: 0,
    };
    (0..containers).map(point).collect()
}

/// The history lost its events: 5,000 of them were gone within 72 s, and the file grew all the same.
#[tokio::test]
async fn usage_evicts_no_events_and_the_file_stays_below_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { days: 30, megabytes: 8 };
    let settings = Settings { folder: Some(folder.path().to_owned()), limits, retry: Settings::RETRY };
    let history = History::start(settings, Clock::SYSTEM).await;
    let began = now_nanos();
    for number in 0..5_000 {
        history.record_engine(&local(), &event("start", &format!("web-{number}"), began + number));
        if number % 1_000 == 999 {
            names(&history, &[("entity", "web-0")]).await;
        }
    }
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).map_or(0, |it| it.len());
    let now = Clock::SYSTEM.now().seconds();
    let first = now - 300 * 60;
    let (host, id) = (local(), ContainerId::new(&format!("{:064x}", 7)).unwrap());
    for minute in 0..300 {
        history.record_usage(Timestamp::from_seconds(first + minute * 60), points(500));
        assert_eq!(history.document("test", "wait until it is written").await, Ok(None));
        let size = size("history.db") + size("history.db-wal");
        assert!(size < 8 << 20, "{size} bytes after {minute} minutes");
    }
    assert_eq!(history.lost(), 0);
    let range = |minutes: i64| (Timestamp::from_seconds(now - minutes * 60), Timestamp::from_seconds(now));
    let lately = history.usage(host.clone(), Some(id.clone()), range(15)).await.unwrap();
    assert!(lately.len() >= 14 && lately.iter().all(|it| it.seconds == 60), "{lately:?}");
    let before = history.usage(host, Some(id), range(300)).await.unwrap();
    assert!(before[0].seconds > 60 && before[0].at.seconds() <= first, "{before:?}");
    history.close().await;

    let server = TestServer::keeping_in(folder.path(), &[]).await;
    for name in ["web-0", "web-2500", "web-4999"] {
        let (status, found) = ask(&server.url(), "GET", &format!("/api/events?action=start&entity={name}"), "").await;
        assert!(status == 200 && found.contains(name), "{name}: {status} {found}");
    }
    server.stop().await;
    let database = database(folder.path()).unwrap();
    let kept: i64 = database
        .query_one("SELECT count(*) FROM events WHERE seq >= 0 AND error IS NULL", [], |row| row.get(0))
        .unwrap();
    assert!(kept >= 5_000, "{kept} of 5,000 events");
}

#[tokio::test]
async fn unwritable_folder_is_reported_and_retried() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Mounted::tmpfs(folder.path(), "size=8m,ro");
    let history = start(folder.path()).await;
    until_off(&history, "Read-only").await;
    history.record_engine(&local(), &event("die", "meanwhile", now_nanos()));
    assert_eq!(names(&history, &[]).await, ["meanwhile"]);
    disk.remount("size=8m,rw");
    until_recording(&history).await;
    assert_eq!(names(&history, &[]).await, ["meanwhile"]);
    history.close().await;
}

#[tokio::test]
async fn folder_that_cannot_be_created_is_reported_and_retried() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let history = start(&file.join("quaylight")).await;
    until_off(&history, "file/quaylight").await;
    std::fs::remove_file(&file).unwrap();
    until_recording(&history).await;
    history.close().await;
}

#[tokio::test]
async fn documents_and_usage_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (id, now) = (ContainerId::new("0123456789ab").unwrap(), Clock::SYSTEM.now());
    let history = start(folder.path()).await;
    history.put_document("rule", "b", r#"{"above":80}"#.into()).await.unwrap();
    history.put_document("rule", "a", "1".into()).await.unwrap();
    history.put_document("rule", "c", "2".into()).await.unwrap();
    history.put_document("rule", "a", "3".into()).await.unwrap();
    history.delete_document("rule", "c").await.unwrap();
    let load = UsageLevel { cpu_percent: 50.0, ..UsageLevel::default() };
    let point = UsagePoint {
        host: local(),
        container: id.clone(),
        average: load,
        highest: load,
        count: 60,
        network_count: 0,
        block_count: 0,
    };
    history.record_usage(now, vec![point]);
    history.close().await;

    let history = start(folder.path()).await;
    let all = history.documents("rule").await.unwrap();
    assert_eq!(all, [("a".to_owned(), "3".to_owned()), ("b".to_owned(), r#"{"above":80}"#.to_owned())]);
    assert_eq!(history.document("rule", "c").await, Ok(None));
    assert_eq!(history.document("preference", "a").await, Ok(None));
    let hour_ago = Timestamp::from_seconds(now.seconds() - 3_600);
    let usage = history.usage(local(), Some(id), (hour_ago, now)).await.unwrap();
    assert_eq!(history.usage(local(), None, (hour_ago, now)).await.unwrap(), usage);
    assert_eq!(usage.iter().map(|it| (it.seconds, it.highest.cpu_percent)).collect::<Vec<_>>(), [(60, 50.0)]);
    history.close().await;
}

fn database(folder: &Path) -> Option<Connection> {
    Connection::open_with_flags(folder.join("history.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).ok()
}

#[track_caller]
fn assert_sound(folder: &Path) {
    let database = database(folder).unwrap();
    let said: String = database.query_one("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
}

/// A server in a separate process, killed when dropped.
struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The complete events of a stream: the microseconds, action and object of each.
fn emitted_events(stream: &str) -> Vec<(i64, String, String)> {
    let lines = stream.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let events = lines.filter(|it| it["timeNano"].is_i64()).map(|it| {
        let action = it["Action"].as_str().unwrap().split(':').next().unwrap().to_owned();
        (it["timeNano"].as_i64().unwrap() / 1_000, action, it["Actor"]["ID"].as_str().unwrap().to_owned())
    });
    events.collect()
}

#[tokio::test]
async fn killed_server_loses_at_most_the_last_second_of_events() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::start(Options { containers: 200, churn: 900.0, ..Options::default() }).await.unwrap();
    let mut stream = Raw::get(sim.url(), "/events").await;
    stream.until("timeNano").await;
    let mut server = Process(
        Command::new(env!("CARGO_BIN_EXE_quaylight"))
            .args(["serve", "--auth", "none", "--listen", "127.0.0.1:0", "--engine", sim.url(), "--data-dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    // The number of events and the microseconds they span: the test ignores the last second, so they must span more than one.
    let written = || {
        let sql = "SELECT count(*), coalesce(max(time) - min(time), 0) FROM events";
        let read =
            |it: Connection| it.query_one(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).ok();
        database(folder.path()).and_then(read).unwrap_or_default()
    };
    let is_enough = async || matches!(written(), (3_000.., 2_500_000..));
    eventually(TIMEOUT, "some thousand events are written, and some seconds of them", is_enough).await;
    server.0.kill().unwrap();
    let killed = now_nanos();
    server.0.wait().unwrap();
    let mut emitted = emitted_events(&stream.text());
    while emitted.last().is_none_or(|it| it.0 * 1_000 <= killed) {
        stream.more().await;
        emitted = emitted_events(&stream.text());
    }

    assert_sound(folder.path());
    let database = database(folder.path()).unwrap();
    let mut rows = database
        .prepare("SELECT e.time, a.action, t.id FROM events e JOIN things t ON t.ref = e.thing JOIN actions a ON a.ref = e.action")
        .unwrap();
    let kept: HashSet<(i64, String, String)> =
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect();
    let first = kept.iter().map(|it| it.0).min().unwrap();
    let expected: Vec<_> = emitted.iter().filter(|it| it.0 > first && it.0 * 1_000 < killed - 1_000_000_000).collect();
    assert!(expected.len() > 1_000, "{} events", expected.len());
    let lost: Vec<_> = expected.iter().filter(|it| !kept.contains(**it)).collect();
    let per_second = expected.len() as f64 / (expected.last().unwrap().0 - expected[0].0) as f64 * 1e6;
    let last = kept.iter().map(|it| it.0).max().unwrap();
    eprintln!("{per_second:.0} events a second; of the last {} ms nothing was kept", (killed / 1_000 - last) / 1_000);
    assert!(lost.is_empty(), "{} of {} lost: {:?}", lost.len(), expected.len(), &lost[..lost.len().min(5)]);
}
