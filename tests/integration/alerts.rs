//! Alert rules on a real engine, with a web server, an ntfy server and a mail server on loopback as receivers.

use crate::{
    live::Client,
    mail_sink::{MailSink, Options},
    raw_http::{ask, post},
    support::{Docker, RECONCILE, TIMEOUT, TestServer, engine_url, eventually, local},
    web_receiver::WebReceiver,
};
use quaylight::{
    actions::alerts::ChangeAlerts,
    model::{Alert, AlertChange, AlertScope, AlertState, Condition, QuietHours, Rule, Severity, Timestamp},
    server::{
        alerts::{
            self, Alerts, NamedChannel,
            notify::{Channel, Dispatcher, Email, Ntfy, Outbound, Retries, Secret, Security, Webhook},
        },
        clock::Clock,
        engine::Engine,
        history::{History, Limits, Settings},
        hosts::Hosts,
        notifications::Notifications,
        state,
        stats::Stats,
        supervision::Supervisor,
        vault::Vault,
    },
    wire::Notice,
};
use serde_json::Value;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{sync::broadcast, task::JoinHandle};

/// A clock that the test sets ahead, so that no test waits for minutes.
#[derive(Clone, Copy)]
struct Time {
    clock: Clock,
    ahead: &'static AtomicI64,
}

impl Time {
    fn pass(self, seconds: i64) {
        self.ahead.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

macro_rules! time {
    () => {{
        static AHEAD: AtomicI64 = AtomicI64::new(0);
        let clock = Clock::new(|| Timestamp::from_micros(Clock::SYSTEM.now().micros() + AHEAD.load(Ordering::Relaxed)));
        Time { clock, ahead: &AHEAD }
    }};
}

/// The receivers of notifications.
struct Receivers {
    hook: WebReceiver,
    ntfy: WebReceiver,
    mail: MailSink,
}

impl Receivers {
    async fn start() -> Self {
        let (hook, ntfy) = (WebReceiver::start([]).await, WebReceiver::start([]).await);
        Self { hook, ntfy, mail: MailSink::start(Options::default()).await }
    }

    fn channels(&self) -> [(&'static str, Channel); 3] {
        let url = format!("http://{}/hook", self.hook.address).parse().unwrap();
        let server = format!("http://{}", self.ntfy.address).parse().unwrap();
        let mail = Email {
            host: "localhost".into(),
            port: self.mail.address.port(),
            security: Security::Plain,
            login: None,
            from: "quaylight@example.org".into(),
            to: vec!["ops@example.org".into()],
        };
        [
            ("hook", Channel::Webhook(Webhook { url, token: None })),
            ("phone", Channel::Ntfy(Ntfy { server, topic: Secret::new("ops"), token: None })),
            ("mail", Channel::Email(mail)),
        ]
    }

    /// The titles of notifications about `rule` at each receiver.
    fn titles(&self, rule: &str) -> [Vec<String>; 3] {
        let of_rule = |title: String| title.starts_with(&format!("{rule}: ")).then_some(title);
        let web = |receiver: &WebReceiver| {
            let bodies = receiver.requests().into_iter().map(|it| serde_json::from_str::<Value>(&it.body).unwrap());
            bodies.filter_map(|body| of_rule(body["title"].as_str().unwrap().to_owned())).collect()
        };
        let mails = self.mail.mails().into_iter().filter_map(|mail| {
            let subject = mail.raw.lines().find_map(|line| line.strip_prefix("Subject: "))?.to_owned();
            of_rule(subject.strip_prefix("Resolved: ").map_or(subject.clone(), str::to_owned))
        });
        [web(&self.hook), web(&self.ntfy), mails.collect()]
    }

    /// The number of notifications about `rule` at each receiver.
    fn counts(&self, rule: &str) -> [usize; 3] {
        self.titles(rule).map(|titles| titles.len())
    }

    /// The alert states of `rule` that the webhook received.
    fn states(&self, rule: &str) -> Vec<String> {
        let bodies = self.hook.requests().into_iter().map(|it| serde_json::from_str::<Value>(&it.body).unwrap());
        bodies.filter(|body| body["rule"] == rule).map(|body| body["state"].as_str().unwrap().to_owned()).collect()
    }
}

/// History, alerts and watcher on the real engine.
struct World {
    alerts: Alerts,
    history: History,
    time: Time,
    notices: broadcast::Receiver<Notice>,
    tasks: Vec<JoinHandle<()>>,
}

/// Retry delays short enough for a test.
const SOON: Retries = Retries { most: 50, first: Duration::from_millis(20), longest: Duration::from_millis(50) };

impl World {
    /// Starts with the history in `folder`.
    async fn start(folder: &TempDir, time: Time) -> Self {
        let clock = time.clock;
        let settings =
            Settings { folder: Some(folder.path().to_owned()), limits: Limits::default(), retry: Settings::RETRY };
        let history = History::start(settings, clock).await;
        let (writer, reader, inbox) = state::open(clock);
        let hosts = Hosts::new([Engine::new(local(), engine_url().parse().unwrap())]);
        let mut tasks = hosts.watch(&Supervisor::new(clock), &reader, &inbox, &history, clock, RECONCILE);
        let stats = Stats::new(hosts.clone(), reader.clone(), clock);
        let (dispatcher, dispatcher_task) = Dispatcher::open(Outbound::trusting(Vec::new()), clock, SOON);
        let vault = Vault::open(Some(folder.path()));
        let alerts = Alerts::new(history.clone(), vault, Notifications::default(), dispatcher, clock);
        let notices = alerts.notices();
        tasks.extend([
            tokio::spawn(writer.run()),
            tokio::spawn(stats.clone().run()),
            tokio::spawn(dispatcher_task.run()),
            tokio::spawn(alerts::watch(alerts.clone(), reader.clone(), hosts, stats, clock)),
        ]);
        // Earlier events of the engine are not received.
        let is_watched = async || reader.look(|state| state.hosts().any(|host| host.is_reachable()));
        eventually(TIMEOUT, "the engine is watched", is_watched).await;
        Self { alerts, history, time, notices, tasks }
    }

    async fn stop(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.history.close().await;
    }

    /// Creates a channel for each receiver and returns the ids.
    async fn channels(&self, receivers: &Receivers) -> Vec<String> {
        let mut ids = Vec::new();
        for (name, settings) in receivers.channels() {
            let channel = NamedChannel { id: String::new(), name: name.into(), settings };
            ids.push(self.alerts.put_channel(channel).await.unwrap());
        }
        ids
    }

    fn state(&self, rule: &str) -> Option<AlertState> {
        self.alerts.active().into_iter().find(|it| it.rule_name == rule).map(|it| it.state)
    }

    async fn fires(&self, rule: &str) -> Alert {
        let fires = async || self.state(rule) == Some(AlertState::Firing);
        eventually(TIMEOUT * 2, &format!("{rule} fires"), fires).await;
        self.alerts.active().into_iter().find(|it| it.rule_name == rule).unwrap()
    }

    /// Advances the clock until the alert is over: a condition must stay false for a while.
    async fn is_over(&self, rule: &str) {
        let is_over = async || {
            self.time.pass(1);
            self.state(rule).is_none()
        };
        eventually(TIMEOUT, &format!("{rule} is over"), is_over).await;
    }

    /// The notices since the last call.
    fn heard(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.notices.try_recv().ok()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A rule for the container `name` alone, named after it.
fn rule(name: &str, condition: Condition, channels: &[String]) -> Rule {
    Rule {
        id: String::new(),
        name: format!("rule-{name}"),
        is_on: true,
        condition,
        scope: AlertScope { name: name.into(), project: String::new() },
        severity: Severity::Warning,
        duration: 0,
        cooldown: 0,
        channels: channels.to_vec(),
        silenced_until: None,
        since: Timestamp::default(),
    }
}

/// The rule fires after `cause` and resolves after `end`; each receiver gets one notification of each.
async fn fires_and_resolves(
    time: Time,
    docker: &Docker,
    container: &str,
    condition: Condition,
    measured: &str,
    cause: impl AsyncFnOnce(&Docker),
    end: impl AsyncFnOnce(&Docker, &World),
) {
    let (folder, receivers) = (tempfile::tempdir().unwrap(), Receivers::start().await);
    let mut world = World::start(&folder, time).await;
    let channels = world.channels(&receivers).await;
    let rule = rule(container, condition, &channels);
    world.alerts.put_rule(rule.clone()).await.unwrap();
    cause(docker).await;
    let alert = world.fires(&rule.name).await;
    assert!(alert.text.to_string().contains(measured), "{alert:?}");
    eventually(TIMEOUT, "all hear that it fires", async || receivers.counts(&rule.name) == [1; 3]).await;
    end(docker, &world).await;
    world.is_over(&rule.name).await;
    eventually(TIMEOUT, "all hear that it is over", async || receivers.counts(&rule.name) == [2; 3]).await;
    let fired = format!("{}: {} {}", rule.name, alert.subject, alert.text);
    let over = format!("{}: resolved for {}", rule.name, alert.subject);
    let [hook, phone, _] = receivers.titles(&rule.name);
    assert_eq!((&hook, &phone), (&vec![fired.clone(), over.clone()], &vec![fired, over]));
    assert_eq!(receivers.states(&rule.name), ["firing", "resolved"]);
    let heard: Vec<_> = world.heard().into_iter().map(|it| (it.level, it.alert.unwrap())).collect();
    assert_eq!(heard, [(Severity::Warning, AlertState::Firing), (Severity::Info, AlertState::Resolved)]);
    let transitions: Vec<_> = world.alerts.transitions().into_iter().map(|it| it.state).collect();
    assert_eq!(transitions, [AlertState::Resolved, AlertState::Firing]);
    world.stop().await;
}

#[tokio::test]
async fn high_cpu_alert_fires_and_resolves() {
    let docker = Docker::new();
    let name = docker.create("busy", &["--cpus", "0.3"]).await;
    let cause = async |docker: &Docker| {
        docker.run(&["start", &name]).await;
        docker.run(&["exec", "--detach", &name, "sh", "-c", "while :; do :; done"]).await;
    };
    let end = async |docker: &Docker, _: &World| drop(docker.run(&["restart", "--time", "0", &name]).await);
    fires_and_resolves(time!(), &docker, &name, Condition::Cpu { above: 5 }, "% of a core", cause, end).await;
}

#[tokio::test]
async fn high_memory_alert_fires_and_resolves() {
    let docker = Docker::new();
    let name = docker.create("full", &["--memory", "32m"]).await;
    let cause = async |docker: &Docker| {
        docker.run(&["start", &name]).await;
        // `tail` holds its memory until the input ends, which it never does.
        let hold = "(head -c 20000000 /dev/zero; sleep 600) | tail";
        docker.run(&["exec", "--detach", &name, "sh", "-c", hold]).await;
    };
    let end = async |docker: &Docker, _: &World| drop(docker.run(&["restart", "--time", "0", &name]).await);
    fires_and_resolves(time!(), &docker, &name, Condition::Memory { above: 40 }, "% of its memory", cause, end).await;
}

#[tokio::test]
async fn restart_count_alert_fires_and_resolves() {
    let docker = Docker::new();
    let name = docker.create("again", &[]).await;
    let condition = Condition::Restarts { times: 3, within: 300 };
    let cause = async |docker: &Docker| {
        docker.run(&["start", &name]).await;
        for _ in 0..2 {
            docker.run(&["restart", "--time", "0", &name]).await;
        }
    };
    fires_and_resolves(time!(), &docker, &name, condition, "started 3 times", cause, async |_, _| ()).await;
}

#[tokio::test]
async fn unhealthy_container_alert_fires_and_resolves() {
    let docker = Docker::new();
    let health = ["--health-cmd", "test -f /tmp/well", "--health-interval", "1s", "--health-retries", "1"];
    let name = docker.create("ill", &health).await;
    let cause = async |docker: &Docker| drop(docker.run(&["start", &name]).await);
    let end = async |docker: &Docker, _: &World| drop(docker.run(&["exec", &name, "touch", "/tmp/well"]).await);
    fires_and_resolves(time!(), &docker, &name, Condition::Unhealthy, "is unhealthy", cause, end).await;
}

#[tokio::test]
async fn failed_container_alert_fires_and_resolves() {
    let docker = Docker::new();
    let name = docker.create("fails", &[]).await;
    let cause = async |docker: &Docker| {
        docker.run(&["start", &name]).await;
        docker.run(&["kill", &name]).await;
    };
    let end = async |docker: &Docker, _: &World| drop(docker.run(&["start", &name]).await);
    fires_and_resolves(time!(), &docker, &name, Condition::Failed, "exited with code 137", cause, end).await;
}

#[tokio::test]
async fn absent_container_alert_fires_and_resolves() {
    let docker = Docker::new();
    let name = docker.create("needed", &[]).await;
    let end = async |docker: &Docker, _: &World| drop(docker.run(&["start", &name]).await);
    fires_and_resolves(time!(), &docker, &name, Condition::Absent, "isn't running", async |_| (), end).await;
}

#[tokio::test]
async fn full_disk_alert_fires_and_resolves() {
    let docker = Docker::new();
    let name = docker.name("disk");
    let end = async |_: &Docker, world: &World| {
        let [rule] = world.alerts.rules().try_into().unwrap();
        world.alerts.put_rule(Rule { condition: Condition::Disk { above: 100 }, ..rule }).await.unwrap();
    };
    fires_and_resolves(time!(), &docker, &name, Condition::Disk { above: 1 }, "% full", async |_| (), end).await;
}

#[tokio::test]
async fn log_line_alert_fires_and_resolves() {
    let docker = Docker::new();
    let name = docker.create("writes", &[]).await;
    let condition = Condition::Log { text: "panic: lost".into() };
    let cause = async |docker: &Docker| {
        docker.run(&["start", &name]).await;
        let line = "while :; do echo 'panic: lost the key' >/proc/1/fd/1; sleep 1; done";
        docker.run(&["exec", "--detach", &name, "sh", "-c", line]).await;
    };
    let end = async |docker: &Docker, _: &World| drop(docker.run(&["restart", "--time", "0", &name]).await);
    fires_and_resolves(time!(), &docker, &name, condition, "logged: panic: lost the key", cause, end).await;
}

/// The container writes one line when it starts, and exits.
#[tokio::test]
async fn log_alert_finds_the_only_line_of_a_short_lived_container() {
    let docker = Docker::new();
    let name = docker.create("brief", &["--entrypoint", "sh"]).await;
    let condition = Condition::Log { text: "can't open".into() };
    let (folder, time) = (tempfile::tempdir().unwrap(), time!());
    let world = World::start(&folder, time).await;
    let other = docker.create("other", &[]).await;
    world.alerts.put_rule(rule(&other, Condition::Absent, &[])).await.unwrap();
    let rule = rule(&name, condition, &[]);
    world.alerts.put_rule(rule.clone()).await.unwrap();
    // Both containers have been checked.
    world.fires(&format!("rule-{other}")).await;
    docker.run(&["start", &name]).await;
    let alert = world.fires(&rule.name).await;
    assert!(alert.text.to_string().contains("can't open"), "{alert:?}");
    world.stop().await;
}

#[tokio::test]
async fn silenced_rule_sends_no_notification_until_its_silence_ends() {
    let docker = Docker::new();
    let name = docker.create("needed", &[]).await;
    let (folder, receivers, time) = (tempfile::tempdir().unwrap(), Receivers::start().await, time!());
    let mut world = World::start(&folder, time).await;
    let channels = world.channels(&receivers).await;
    let loud = rule(&name, Condition::Absent, &channels);
    let silent = Rule { name: "silent".into(), ..loud.clone() };
    let id = world.alerts.put_rule(Rule { is_on: false, ..silent.clone() }).await.unwrap();
    world.alerts.silence(&id, 3_600).await.unwrap();
    let [silenced] = world.alerts.rules().try_into().unwrap();
    world.alerts.put_rule(Rule { is_on: true, ..silenced }).await.unwrap();
    world.fires("silent").await;
    world.alerts.put_rule(loud.clone()).await.unwrap();
    eventually(TIMEOUT, "the other is heard", async || receivers.counts(&loud.name) == [1; 3]).await;
    assert_eq!(receivers.counts("silent"), [0; 3]);
    assert!(world.heard().iter().all(|it| !it.text.to_string().starts_with("silent")));

    time.pass(3_700);
    eventually(TIMEOUT, "it is heard now", async || receivers.counts("silent") == [1; 3]).await;
    assert_eq!(world.heard().iter().filter(|it| it.text.to_string().starts_with("silent")).count(), 1);
    world.stop().await;
}

#[tokio::test]
async fn quiet_hours_delay_non_critical_notifications() {
    let docker = Docker::new();
    let name = docker.create("needed", &[]).await;
    let (folder, receivers, time) = (tempfile::tempdir().unwrap(), Receivers::start().await, time!());
    let mut world = World::start(&folder, time).await;
    let channels = world.channels(&receivers).await;
    let warning = rule(&name, Condition::Absent, &channels);
    let critical = Rule { name: "critical".into(), severity: Severity::Critical, ..warning.clone() };
    let minute = time.clock.now().seconds().div_euclid(60).rem_euclid(24 * 60);
    let around = |minutes: i64| u16::try_from((minute + minutes).rem_euclid(24 * 60)).unwrap();
    let quiet = QuietHours { from: around(-60), until: around(10 * 60), zone: 0 };
    world.alerts.put_quiet_hours(Some(quiet)).await.unwrap();
    world.alerts.put_rule(warning.clone()).await.unwrap();
    world.fires(&warning.name).await;
    world.alerts.put_rule(critical).await.unwrap();
    eventually(TIMEOUT, "the critical one is heard", async || receivers.counts("critical") == [1; 3]).await;
    assert_eq!(receivers.counts(&warning.name), [0; 3]);
    assert_eq!(world.heard().len(), 2, "the page shows both");

    world.alerts.put_quiet_hours(None).await.unwrap();
    eventually(TIMEOUT, "the other is heard now", async || receivers.counts(&warning.name) == [1; 3]).await;
    // It resolves during quiet hours: receivers that got the firing notification get the resolved one afterwards.
    world.alerts.put_quiet_hours(Some(quiet)).await.unwrap();
    docker.run(&["start", &name]).await;
    world.is_over("critical").await;
    world.is_over(&warning.name).await;
    eventually(TIMEOUT, "the critical one is over", async || receivers.counts("critical") == [2; 3]).await;
    assert_eq!(receivers.counts(&warning.name), [1; 3]);
    world.alerts.put_quiet_hours(None).await.unwrap();
    eventually(TIMEOUT, "so is the other", async || receivers.counts(&warning.name) == [2; 3]).await;
    assert_eq!(receivers.states(&warning.name), ["firing", "resolved"]);
    world.stop().await;
}

/// The quiet hours were lost: documents read at the start replaced quiet hours set before the read ended.
#[tokio::test]
async fn change_during_the_initial_load_is_not_overwritten() {
    let quiet = QuietHours { from: 60, until: 120, zone: 0 };
    for micros in (0..2_000).step_by(25) {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            Settings { folder: Some(folder.path().to_owned()), limits: Limits::default(), retry: Settings::RETRY };
        let history = History::start(settings, Clock::SYSTEM).await;
        let (dispatcher, _) = Dispatcher::open(Outbound::trusting(Vec::new()), Clock::SYSTEM, SOON);
        let vault = Vault::open(None);
        let alerts = Alerts::new(history.clone(), vault, Notifications::default(), dispatcher, Clock::SYSTEM);
        let put = async {
            // A different point of the read each time; a timer is too coarse for that.
            let begun = std::time::Instant::now();
            while begun.elapsed() < Duration::from_micros(micros) {
                tokio::task::yield_now().await;
            }
            alerts.put_quiet_hours(Some(quiet)).await
        };
        let (loaded, put) = tokio::join!(alerts.load(), put);
        loaded.unwrap();
        put.unwrap();
        assert_eq!(alerts.quiet_hours(), Some(quiet), "put {micros} µs after the start");
        history.close().await;
    }
}

/// Rules stayed silent for as long as the clock had been set back.
#[tokio::test]
async fn clock_set_back_suppresses_no_alert() {
    static AHEAD: AtomicI64 = AtomicI64::new(0);
    let clock = Clock::with_steady(
        || Timestamp::from_micros(Clock::SYSTEM.now().micros() + AHEAD.load(Ordering::Relaxed)),
        || Clock::SYSTEM.moment().steady,
    );
    let time = Time { clock, ahead: &AHEAD };
    let docker = Docker::new();
    let name = docker.create("needed", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(&folder, time).await;
    let rule = Rule { duration: 2, ..rule(&name, Condition::Absent, &[]) };
    world.alerts.put_rule(rule.clone()).await.unwrap();
    eventually(TIMEOUT, "it is pending", async || world.state(&rule.name) == Some(AlertState::Pending)).await;
    // Changes the time of day only.
    time.pass(-3_600);
    world.fires(&rule.name).await;
    docker.run(&["start", &name]).await;
    time.pass(-3_600);
    eventually(TIMEOUT * 3, "it is over", async || world.state(&rule.name).is_none()).await;
    world.stop().await;
}

#[tokio::test]
async fn flapping_container_sends_one_notification() {
    let docker = Docker::new();
    let name = docker.create("flaps", &[]).await;
    let (folder, receivers, time) = (tempfile::tempdir().unwrap(), Receivers::start().await, time!());
    let world = World::start(&folder, time).await;
    let channels = world.channels(&receivers).await;
    let rule = Rule { cooldown: 60, ..rule(&name, Condition::Absent, &channels) };
    let id = world.alerts.put_rule(rule.clone()).await.unwrap();
    world.fires(&rule.name).await;
    docker.run(&["start", &name]).await;
    for _ in 0..5 {
        for verb in ["pause", "unpause"] {
            docker.run(&[verb, &name]).await;
            time.pass(3);
            // Triggers an evaluation.
            world.alerts.silence(&id, 0).await.unwrap();
        }
    }
    world.is_over(&rule.name).await;
    eventually(TIMEOUT, "all hear that it is over", async || receivers.counts(&rule.name) == [2; 3]).await;
    assert_eq!(receivers.states(&rule.name), ["firing", "resolved"]);
    // During the cooldown it is not sent again.
    docker.run(&["pause", &name]).await;
    docker.run(&["unpause", &name]).await;
    assert_eq!(receivers.counts(&rule.name), [2; 3]);
    world.stop().await;
}

#[tokio::test]
async fn rules_survive_a_restart_without_repeated_notifications() {
    let docker = Docker::new();
    let name = docker.create("needed", &[]).await;
    let (folder, receivers, time) = (tempfile::tempdir().unwrap(), Receivers::start().await, time!());
    let world = World::start(&folder, time).await;
    let channels = world.channels(&receivers).await;
    let rule = rule(&name, Condition::Absent, &channels);
    world.alerts.put_rule(rule.clone()).await.unwrap();
    let before = world.fires(&rule.name).await;
    eventually(TIMEOUT, "all hear that it fires", async || receivers.counts(&rule.name) == [1; 3]).await;
    let (rules, known) = (world.alerts.rules(), world.alerts.channels());
    eventually(TIMEOUT, "it is kept", async || !world.history.documents("alert_firing").await.unwrap().is_empty())
        .await;
    world.stop().await;

    let world = World::start(&folder, time).await;
    let after = world.fires(&rule.name).await;
    assert_eq!((world.alerts.rules(), world.alerts.channels()), (rules, known));
    assert_eq!((after.since, after.state), (before.since, before.state));
    assert_eq!(world.alerts.transitions().len(), 1);
    docker.run(&["start", &name]).await;
    world.is_over(&rule.name).await;
    eventually(TIMEOUT, "all hear that it is over", async || receivers.counts(&rule.name) == [2; 3]).await;
    assert_eq!(receivers.states(&rule.name), ["firing", "resolved"]);
    world.stop().await;
}

#[tokio::test]
async fn deleting_a_rule_ends_its_alert_without_notification() {
    let docker = Docker::new();
    let name = docker.create("needed", &[]).await;
    let (folder, time) = (tempfile::tempdir().unwrap(), time!());
    let mut world = World::start(&folder, time).await;
    let rule = rule(&name, Condition::Absent, &[]);
    let id = world.alerts.put_rule(rule.clone()).await.unwrap();
    world.fires(&rule.name).await;
    world.alerts.delete_rule(&id).await.unwrap();
    eventually(TIMEOUT, "it is over", async || world.alerts.active().is_empty()).await;
    eventually(TIMEOUT, "it is forgotten", async || world.history.documents("alert_firing").await.unwrap().is_empty())
        .await;
    let heard: Vec<_> = world.heard().into_iter().filter_map(|it| it.alert).collect();
    assert_eq!(heard, [AlertState::Firing]);
    world.stop().await;
}

async fn change(server: &TestServer, change: AlertChange) -> (u16, String) {
    let body = postcard::to_allocvec(&ChangeAlerts { change }).unwrap();
    post(&server.url(), "/actions/alerts", "application/x-postcard", &body).await
}

#[tokio::test]
async fn rule_saved_by_a_page_fires_on_sockets_and_in_the_api() {
    let docker = Docker::new();
    let name = docker.create("needed", &[]).await;
    let server = TestServer::start(&[]).await;
    let mut client = Client::connect(&server).await;
    let rule = rule(&name, Condition::Absent, &[]);
    let (status, body) = change(&server, AlertChange::PutRule(rule.clone())).await;
    assert_eq!(status, 200, "{body}");
    let notice = client.until(None, |message| message["type"] == "notice").await;
    assert_eq!((&notice["level"], &notice["alert"]), (&"warning".into(), &"firing".into()));
    assert_eq!(notice["text"], format!("{}: {name} isn't running", rule.name));
    let (status, body) = ask(&server.url(), "GET", "/api/alerts", "").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let [alert] = &body["alerts"].as_array().unwrap()[..] else { panic!("{body}") };
    assert_eq!((status, &alert["state"], &alert["subject"]), (200, &"firing".into(), &name.clone().into()));
    let (_, page) = ask(&server.url(), "GET", "/alerts", "").await;
    assert!(page.contains(&rule.name) && page.contains("isn't running"), "the page has it before any script");
    server.stop().await;
}

#[tokio::test]
async fn read_only_server_refuses_rule_changes_and_test_notifications() {
    let server = TestServer::start(&["--read-only"]).await;
    for asked in [
        AlertChange::PutRule(rule("x", Condition::Unhealthy, &[])),
        AlertChange::Silence("x".into(), 3_600),
        AlertChange::TestChannel("x".into()),
        AlertChange::QuietHours(None),
    ] {
        let (status, body) = change(&server, asked).await;
        assert!(status != 200 && body.contains("read-only"), "{status} {body}");
    }
    server.stop().await;
}
