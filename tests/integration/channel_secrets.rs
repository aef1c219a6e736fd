//! Secrets of notification channels: encrypted at rest, sent only to their own receiver. Also shows lost notifications.

use crate::{
    live::Client,
    raw_http::{ask, post},
    support::{TIMEOUT, TestServer, eventually},
    web_receiver::{Answer, WebReceiver},
};
use quaylight::{
    actions::alerts::ChangeAlerts,
    model::{AlertChange, AlertScope, ChannelDraft, ChannelSettings, Condition, MASK, Rule, Severity, Timestamp},
    server::{
        alerts::NamedChannel,
        clock::Clock,
        history::{History, Limits, Settings},
    },
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const TOKEN: &str = "s3cret-token-of-a-channel";

/// Stores a channel as earlier releases did: in plain text.
async fn store_channel(folder: &Path, receiver: &WebReceiver) {
    let settings = Settings { folder: Some(folder.to_owned()), limits: Limits::default(), retry: Settings::RETRY };
    let history = History::start(settings, Clock::SYSTEM).await;
    let url = format!("http://{}/s3cret-path", receiver.address);
    let channel =
        format!(r#"{{"id":"c1","name":"hook","settings":{{"kind":"webhook","url":"{url}","token":"{TOKEN}"}}}}"#);
    serde_json::from_str::<NamedChannel>(&channel).unwrap();
    history.put_document("alert_channel", "c1", channel).await.unwrap();
    history.close().await;
}

/// A rule that fires at once.
fn rule() -> Rule {
    Rule {
        id: String::new(),
        name: "missing".into(),
        is_on: true,
        condition: Condition::Absent,
        scope: AlertScope { name: "there-is-no-such-container".into(), project: String::new() },
        severity: Severity::Warning,
        duration: 0,
        cooldown: 0,
        channels: vec!["c1".into()],
        silenced_until: None,
        since: Timestamp::default(),
    }
}

async fn change(server: &TestServer, change: AlertChange) -> (u16, String) {
    let body = postcard::to_allocvec(&ChangeAlerts { change }).unwrap();
    post(&server.url(), "/actions/alerts", "application/x-postcard", &body).await
}

fn draft(url: String, token: &str) -> AlertChange {
    let settings = ChannelSettings::Webhook { url, token: token.into() };
    AlertChange::PutChannel(ChannelDraft { id: "c1".into(), name: "hook".into(), settings })
}

fn holds(file: &Path, text: &str) -> bool {
    fs::read(file).unwrap_or_default().windows(text.len()).any(|it| it == text.as_bytes())
}

#[tokio::test]
async fn channel_of_an_older_release_is_encrypted_and_still_notifies() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), WebReceiver::start([]).await);
    let data = folder.path().join("data");
    store_channel(&data, &receiver).await;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("history.db"), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(holds(&data.join("history.db"), TOKEN), "so that its absence says something");
    for name in ["first", "second"] {
        let server = TestServer::keeping_in(&data, &[]).await;
        let (status, body) = change(&server, AlertChange::PutRule(Rule { name: name.into(), ..rule() })).await;
        assert_eq!(status, 200, "{body}");
        let is_notified = async || receiver.requests().iter().any(|it| it.body.contains(&format!("\"{name}\"")));
        eventually(TIMEOUT, "the channel is notified", is_notified).await;
        let modes = fs::read_dir(&data).unwrap().map(|it| it.unwrap().path());
        for path in modes.chain([data.clone()]) {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
        }
        server.stop().await;
    }
    assert!(receiver.requests().iter().all(|it| it.headers["authorization"] == format!("Bearer {TOKEN}")));
    for file in fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        assert!(!holds(&path, TOKEN) && !holds(&path, "s3cret-path"), "{}", path.display());
    }
}

#[tokio::test]
async fn masked_token_is_not_sent_elsewhere_and_responses_are_not_echoed() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), WebReceiver::start([]).await);
    let refuses = || Answer::Status("403 Forbidden", String::new(), "what only this machine may read");
    let receiver = WebReceiver::start([refuses()]).await;
    store_channel(folder.path(), &receiver).await;
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    let (status, body) = change(&server, AlertChange::TestChannel("c1".into())).await;
    assert!(status != 200 && body.contains("403") && !body.contains("may read"), "{status} {body}");

    let there = format!("http://{}/", elsewhere.address);
    let (status, body) = change(&server, draft(there.clone(), MASK)).await;
    assert!(status != 200 && body.contains("again"), "{status} {body}");
    let (status, _) = change(&server, AlertChange::TestChannel("c1".into())).await;
    assert_eq!((status, elsewhere.requests().len()), (200, 0));
    // Another path on the same server, and another server with a different token.
    let (status, body) = change(&server, draft(format!("http://{}/other", receiver.address), MASK)).await;
    assert_eq!(status, 200, "{body}");
    change(&server, AlertChange::TestChannel("c1".into())).await;
    let last = receiver.requests().pop().unwrap();
    assert_eq!((last.line.as_str(), last.headers["authorization"].clone()), ("POST /other", format!("Bearer {TOKEN}")));
    assert_eq!(change(&server, draft(there, "another")).await.0, 200);
    change(&server, AlertChange::TestChannel("c1".into())).await;
    assert_eq!(elsewhere.requests()[0].headers["authorization"], "Bearer another");
    server.stop().await;
}

#[tokio::test]
async fn damaged_key_encrypts_nothing_and_stays_unchanged() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), WebReceiver::start([]).await);
    store_channel(folder.path(), &receiver).await;
    let key = folder.path().join("secrets.key");
    fs::write(&key, b"half a key").unwrap();
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    let (status, body) = change(&server, draft(format!("http://{}/", receiver.address), "new")).await;
    assert!(status != 200 && body.contains("damaged"), "{status} {body}");
    assert_eq!(fs::read(&key).unwrap(), b"half a key");
    server.stop().await;
    assert_eq!(fs::read(&key).unwrap(), b"half a key");
}

#[tokio::test]
async fn lost_notification_appears_in_metrics_and_notification_center() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = WebReceiver::start([Answer::Status("403 Forbidden", String::new(), "not for your eyes")]).await;
    store_channel(folder.path(), &receiver).await;
    let lost = "quaylight_notifications_total{kind=\"webhook\",result=\"lost\"}";
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    let (_, metrics) = ask(&server.url(), "GET", "/metrics", "").await;
    assert!(metrics.contains(&format!("{lost} 0\n")), "it is there before the first");
    let mut client = Client::connect(&server).await;
    let (status, body) = change(&server, AlertChange::PutRule(rule())).await;
    assert_eq!(status, 200, "{body}");
    let is_of_it = |text: &str| text.contains("hook") && text.contains("403") && !text.contains("your eyes");
    let notice = client.until(None, |it| it["type"] == "notice" && it["text"].as_str().is_some_and(is_of_it)).await;
    assert_eq!(notice["level"], "warning");
    let (_, metrics) = ask(&server.url(), "GET", "/metrics", "").await;
    assert!(metrics.contains(&format!("{lost} 1\n")), "{metrics}");
    let is_shown = async |server: &TestServer| {
        let (_, notices) = post(&server.url(), "/queries/notices", "application/x-postcard", b"").await;
        assert!(notices.contains("notification") && is_of_it(&notices), "{notices}");
    };
    is_shown(&server).await;
    server.stop().await;
    // Clients that connect later see it too.
    let server = TestServer::keeping_in(folder.path(), &[]).await;
    is_shown(&server).await;
    server.stop().await;
}
