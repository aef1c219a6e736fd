//! What happened outlives the server: killed, on a full disk, in a folder that can't be written to.

use crate::{
    raw_http::Raw,
    support::{Folder, eventually, local},
};
use quaylight::{
    model::{ContainerId, Event, EventQuery, HistoryStatus, Labels, Timestamp, UsageLevel, UsagePoint},
    server::{
        clock::Clock,
        engine::EngineEvent,
        history::{History, Limits, Place, Settings},
    },
    sim::{Options, Sim},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::{
    collections::HashSet,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn start(folder: &Path) -> History {
    let retry = Duration::from_millis(50);
    History::start(Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry }, Clock::SYSTEM).await
}

/// As Docker writes it, stamped with so many nanoseconds.
fn told(action: &str, name: &str, nanos: i64) -> EngineEvent {
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
    let page = history.page(query(address), Place::Before(None), 1_000).await;
    page.events.into_iter().map(|it| it.name).collect()
}

async fn until_off(history: &History, reason: &str) {
    eventually(PATIENCE, reason, async || match history.status() {
        HistoryStatus::Off { reason: it } => it.contains(reason),
        HistoryStatus::Recording => false,
    })
    .await;
}

async fn until_recording(history: &History) {
    eventually(PATIENCE, "it records", async || history.status() == HistoryStatus::Recording).await;
}

#[tokio::test]
async fn events_are_found_by_what_names_them_and_by_pages() {
    let folder = Folder::new();
    let history = start(&folder.0).await;
    let began = now_nanos();
    for number in 0..250 {
        let (action, name) = if number % 2 == 0 { ("start", "web") } else { ("die", "api") };
        history.record_engine(&local(), &told(action, name, began + number * 1_000_000));
    }
    history.record_engine(&local(), &told("exec_create: sh -c check", "web", began));
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
        error: Some("The engine refused".into()),
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
        let page = history.page(query.clone(), Place::Before(None), 1_000).await;
        assert_eq!(page.events.len(), found, "{address:?}");
        assert!(page.events.iter().all(|it| query.matches(it)), "{address:?}");
    }
    let (mut before, mut paged) = (None, Vec::new());
    loop {
        let page = history.page(query(&[]), Place::Before(before), 100).await;
        before = page.events.last().map(|it| it.seq);
        paged.extend(page.events);
        if !page.more {
            break;
        }
    }
    let seqs: Vec<u64> = paged.iter().map(|it| it.seq).collect();
    assert_eq!(seqs.len(), 251);
    assert!(seqs.is_sorted_by(|a, b| a > b));
    assert_eq!((paged[0].actor.as_deref(), paged[0].error.as_deref()), (Some("alice"), Some("The engine refused")));
    assert_eq!((paged[1].exit_code(), paged[1].attributes.len()), (Some(137), 4));
    let since = history.page(query(&[]), Place::After(seqs[2]), 1_000).await;
    assert_eq!(since.events.iter().map(|it| it.seq).collect::<Vec<_>>(), [seqs[1], seqs[0]]);
    // The same, from memory alone.
    let nowhere = crate::support::no_history().await;
    for event in paged.iter().rev() {
        nowhere.record(event.clone());
    }
    let remembered = nowhere.page(query(&[("action", "die")]), Place::Before(None), 1_000).await;
    assert_eq!(remembered.events.len(), 125);
    assert!(matches!(remembered.history, HistoryStatus::Off { reason } if reason.contains("--data-dir")));
}

#[tokio::test]
async fn what_an_engine_repeats_is_kept_once_also_by_the_next_server() {
    let folder = Folder::new();
    let began = now_nanos();
    for _server in 0..2 {
        let history = start(&folder.0).await;
        for _connection in 0..2 {
            for number in 0..256 {
                history.record_engine(&local(), &told("start", "web", began + number));
            }
        }
        assert_eq!(names(&history, &[]).await.len(), 256);
        history.close().await;
    }
    // Another thing of the same nanosecond is none of these.
    let history = start(&folder.0).await;
    history.record_engine(&local(), &told("start", "api", began));
    assert_eq!(names(&history, &[]).await.len(), 257);
    history.close().await;
}

/// Mounted for as long as it lives: a file system with an end.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn tmpfs(at: &'a Path, options: &str) -> Self {
        run("mount", &["-t", "tmpfs", "-o", options, "none", at.to_str().unwrap()]);
        Self(at)
    }

    fn remount(&self, options: &str) {
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
async fn on_a_full_disk_it_goes_on_without_and_comes_back() {
    let folder = Folder::new();
    let disk = Mounted::tmpfs(&folder.0, "size=1m");
    let history = start(&folder.0).await;
    assert_eq!(history.status(), HistoryStatus::Recording);
    let mut number = 0;
    while history.status() == HistoryStatus::Recording {
        for _ in 0..200 {
            number += 1;
            history.record_engine(&local(), &told("start", &format!("web-{number}"), now_nanos() + number));
        }
        history.page(EventQuery::default(), Place::Before(None), 1).await;
        assert!(number < 100_000, "a disk of 1 MB holds {number} events");
    }
    until_off(&history, "the disk is full").await;
    // What comes now is shown all the same.
    history.record_engine(&local(), &told("die", "meanwhile", now_nanos()));
    assert_eq!(names(&history, &[("action", "die")]).await, ["meanwhile"]);
    // Tried again and again, it says so without a moment of "recording" in between.
    let documented = history.put_document("test", "one", "{}".into()).await;
    assert!(documented.unwrap_err().reason.contains("full"));
    disk.remount("size=64m");
    until_recording(&history).await;
    history.record_engine(&local(), &told("die", "later", now_nanos()));
    assert_eq!(names(&history, &[("action", "die")]).await, ["later", "meanwhile"]);
    history.close().await;
    assert_sound(&folder.0);
}

#[tokio::test]
async fn in_a_folder_that_can_not_be_written_to_it_says_so_and_tries_again() {
    let folder = Folder::new();
    let disk = Mounted::tmpfs(&folder.0, "size=8m,ro");
    let history = start(&folder.0).await;
    until_off(&history, "Read-only").await;
    history.record_engine(&local(), &told("die", "meanwhile", now_nanos()));
    assert_eq!(names(&history, &[]).await, ["meanwhile"]);
    disk.remount("size=8m,rw");
    until_recording(&history).await;
    assert_eq!(names(&history, &[]).await, ["meanwhile"]);
    history.close().await;
}

#[tokio::test]
async fn a_folder_that_can_not_be_made_is_named() {
    let folder = Folder::new();
    let file = folder.0.join("file");
    std::fs::write(&file, "").unwrap();
    let history = start(&file.join("quaylight")).await;
    until_off(&history, "file/quaylight").await;
    std::fs::remove_file(&file).unwrap();
    until_recording(&history).await;
    history.close().await;
}

#[tokio::test]
async fn documents_and_usage_outlive_the_server() {
    let folder = Folder::new();
    let (id, now) = (ContainerId::new("0123456789ab").unwrap(), Clock::SYSTEM.now());
    let history = start(&folder.0).await;
    history.put_document("rule", "b", r#"{"above":80}"#.into()).await.unwrap();
    history.put_document("rule", "a", "1".into()).await.unwrap();
    history.put_document("rule", "c", "2".into()).await.unwrap();
    history.put_document("rule", "a", "3".into()).await.unwrap();
    history.delete_document("rule", "c").await.unwrap();
    let load = UsageLevel { cpu_percent: 50.0, ..UsageLevel::default() };
    let point = UsagePoint { host: local(), container: id.clone(), average: load, highest: load, count: 60 };
    history.record_usage(now, vec![point]);
    history.close().await;

    let history = start(&folder.0).await;
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

/// A server of its own process, killed when dropped.
struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn killed_in_the_middle_of_a_thousand_events_a_second_it_lacks_at_most_the_last_second() {
    let folder = Folder::new();
    let sim = Sim::start(Options { containers: 200, churn: 900.0, ..Options::default() }).await.unwrap();
    let mut told = Raw::get(sim.url(), "/events").await;
    told.until("timeNano").await;
    let mut server = Process(
        Command::new(env!("CARGO_BIN_EXE_quaylight"))
            .args(["serve", "--listen", "127.0.0.1:0", "--engine", sim.url(), "--data-dir"])
            .arg(&folder.0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    // How many, and over how many microseconds: what the last second may lack is not looked for, so it takes more than one.
    let written = || {
        let sql = "SELECT count(*), coalesce(max(time) - min(time), 0) FROM events";
        let read =
            |it: Connection| it.query_one(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).ok();
        database(&folder.0).and_then(read).unwrap_or_default()
    };
    let is_enough = async || matches!(written(), (3_000.., 2_500_000..));
    eventually(PATIENCE, "some thousand events are written, and some seconds of them", is_enough).await;
    server.0.kill().unwrap();
    let killed = now_nanos();
    server.0.wait().unwrap();
    sim.set_churn(0.0);
    while !told.is_silent().await {}

    assert_sound(&folder.0);
    let database = database(&folder.0).unwrap();
    let mut rows = database
        .prepare("SELECT e.time, a.action, t.id FROM events e JOIN things t ON t.ref = e.thing JOIN actions a ON a.ref = e.action")
        .unwrap();
    let kept: HashSet<(i64, String, String)> =
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect();
    let first = kept.iter().map(|it| it.0).min().unwrap();
    let text = told.text();
    let told: Vec<(i64, String, String)> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|it| it["timeNano"].is_i64())
        .map(|it| {
            let action = it["Action"].as_str().unwrap().split(':').next().unwrap().to_owned();
            (it["timeNano"].as_i64().unwrap() / 1_000, action, it["Actor"]["ID"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected: Vec<_> = told.iter().filter(|it| it.0 > first && it.0 * 1_000 < killed - 1_000_000_000).collect();
    let lost: Vec<_> = expected.iter().filter(|it| !kept.contains(**it)).collect();
    let per_second = expected.len() as f64 / (expected.last().unwrap().0 - expected[0].0) as f64 * 1e6;
    let last = kept.iter().map(|it| it.0).max().unwrap();
    eprintln!("{per_second:.0} events a second; of the last {} ms nothing was kept", (killed / 1_000 - last) / 1_000);
    assert!(expected.len() > 1_000, "{} events", expected.len());
    assert!(lost.is_empty(), "{} of {} lost: {:?}", lost.len(), expected.len(), &lost[..lost.len().min(5)]);
}
