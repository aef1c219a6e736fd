//! The one task that looks whether rules' conditions hold, and tells people when that begins and ends.

use super::{
    Alerts, FIRING,
    facts::Facts,
    logs::Logs,
    notify::{Addressee, Notification, State, Subject},
    phase::{Phase, Turn},
    rules::{Breach, breaches},
    turns::as_event,
};
use crate::{
    model::{Alert, AlertState, Condition, EngineState, Rule, Severity, Timestamp},
    server::{
        clock::Clock,
        history::Off,
        hosts::Hosts,
        state::Reader,
        stats::{Stats, Viewer, Wanted},
    },
    wire::Notice,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::broadcast,
    time::{MissedTickBehavior, interval},
};

const EVERY: Duration = Duration::from_secs(1);

/// Seconds between two looks at how full the disk is.
const DISK_EVERY: i64 = 30;

/// Before the history can be read again, where it could not.
const LOAD_AGAIN: Duration = Duration::from_secs(15);

/// Ends held back for the end of the quiet hours; of more the oldest are lost.
const MOST_HELD: usize = 64;

struct Watch {
    alerts: Alerts,
    reader: Reader,
    hosts: Hosts,
    clock: Clock,
    viewer: Viewer,
    logs: Logs,
    facts: Facts,
    /// By rule and subject.
    subjects: BTreeMap<(String, String), Tracked>,
    disk_looked_at: Option<Timestamp>,
    /// An engine answered at the latest look.
    was_known: bool,
    /// Said when all of a look is done: who hears it and asks, is told the same.
    notices: Vec<Notice>,
    /// Ends that quiet hours hold back.
    held: VecDeque<(Notification, Vec<Arc<Addressee>>)>,
}

/// What has become of one rule for one subject.
#[derive(Debug, Clone, PartialEq)]
struct Tracked {
    phase: Phase,
    breach: Breach,
    told: Told,
}

/// Who heard that it fires, and will hear of its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    app: bool,
    channels: bool,
}

/// What fires, as it is kept: a server that comes back does not tell it again.
#[derive(Serialize, Deserialize)]
struct Kept {
    alert: Alert,
    told: Told,
}

/// Never ends by itself.
pub async fn watch(alerts: Alerts, reader: Reader, hosts: Hosts, stats: Stats, clock: Clock) {
    let kept = loop {
        match load(&alerts).await {
            Ok(kept) => break kept,
            Err(off) => tracing::debug!(%off, "rules can't be read yet"),
        }
        tokio::time::sleep(LOAD_AGAIN).await;
    };
    let mut events = alerts.0.history.listen();
    let logs = Logs::new(hosts.clone(), clock);
    let mut watch = Watch {
        viewer: stats.viewer(),
        logs,
        alerts,
        reader,
        hosts,
        clock,
        facts: Facts::default(),
        subjects: kept.into_iter().map(|kept| kept.tracked(clock.now())).collect(),
        disk_looked_at: None,
        was_known: false,
        notices: Vec::new(),
        held: VecDeque::new(),
    };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let alerts = watch.alerts.clone();
        tokio::select! {
            // Time to look.
            _ = ticks.tick() => watch.look().await,
            // A rule has changed.
            () = alerts.0.changed.notified() => watch.look().await,
            // Something happened.
            event = events.recv() => match event {
                Ok(event) => watch.facts.take_event(&event),
                Err(broadcast::error::RecvError::Lagged(missed)) => tracing::warn!(missed, "events that rules did not see"),
                Err(broadcast::error::RecvError::Closed) => return,
            },
            // What containers use, where a rule asks for that.
            seen = watch.viewer.next() => watch.facts.take_samples(seen.samples),
            // A line that a rule looks for.
            found = watch.logs.next() => watch.facts.take_line(found.rule, found.key, found.at, found.line),
        }
    }
}

/// What was put before the last stop, and what fired then.
async fn load(alerts: &Alerts) -> Result<Vec<Kept>, Off> {
    alerts.load().await?;
    let kept = alerts.0.history.documents(FIRING).await?;
    Ok(kept.into_iter().filter_map(|(_, json)| serde_json::from_str(&json).ok()).collect())
}

impl Kept {
    /// As if its condition had been seen to hold just now: what is over is told so in time.
    fn tracked(self, now: Timestamp) -> ((String, String), Tracked) {
        let Self { alert, told } = self;
        let phase = Phase::Firing { since: alert.since, seen: now };
        let breach = Breach { subject: alert.subject.clone(), container: alert.container, text: alert.text };
        ((alert.rule, alert.subject), Tracked { phase, breach, told })
    }
}

impl Watch {
    async fn look(&mut self) {
        let rules = self.alerts.rules();
        let on: Vec<&Rule> = rules.iter().filter(|rule| rule.is_on).collect();
        let needs = |takes: fn(&Condition) -> bool| on.iter().any(|rule| takes(&rule.condition));
        self.viewer.look_at(Wanted { all: needs(Condition::is_of_use), ..Wanted::default() });
        let before = self.subjects.clone();
        self.forget_rules(&on);
        let now = self.clock.now();
        // While no engine answers, nothing is known: neither that something goes wrong, nor that it is over.
        let is_known = self.reader.look(|state| state.hosts().any(|host| host.is_reachable()));
        if is_known && !self.was_known {
            self.begin_anew(now);
        }
        self.was_known = is_known;
        if is_known && !on.is_empty() {
            if needs(|it| matches!(it, Condition::Disk { .. })) {
                self.look_at_disk(now).await;
            }
            self.facts.forget_the_old(now);
            let found: Vec<Vec<Breach>> = self.reader.look(|state| {
                self.logs.follow(&on, state);
                on.iter().map(|rule| breaches(rule, state, &self.facts, now)).collect()
            });
            for (rule, found) in on.iter().zip(found) {
                self.step(rule, found, now);
            }
        } else if on.is_empty() {
            self.logs.follow(&[], &EngineState::default());
        }
        if !is_quiet(&self.alerts, now) {
            self.held.drain(..).for_each(|(notification, to)| self.alerts.0.courier.send(notification, &to));
        }
        self.tell_what_is_active(&on);
        for notice in self.notices.drain(..) {
            let _ = self.alerts.0.notices.send(notice);
        }
        self.keep(&before, &on).await;
    }

    /// The engine answers again. What fires gets its time to be seen to hold: the first samples are yet to come.
    fn begin_anew(&mut self, now: Timestamp) {
        for it in self.subjects.values_mut() {
            if let Phase::Firing { seen, .. } = &mut it.phase {
                *seen = now;
            }
        }
    }

    async fn look_at_disk(&mut self, now: Timestamp) {
        let is_due = |at: Timestamp| !(0..DISK_EVERY).contains(&(now.seconds() - at.seconds()));
        if self.disk_looked_at.is_none_or(is_due) {
            self.disk_looked_at = Some(now);
            self.facts.disk = disk(&self.hosts).await;
        }
    }

    fn step(&mut self, rule: &Rule, found: Vec<Breach>, now: Timestamp) {
        let mut holding: BTreeMap<String, Breach> = found.into_iter().map(|it| (it.subject.clone(), it)).collect();
        let known = self.subjects.keys().filter(|(id, _)| *id == rule.id).map(|(_, subject)| subject.clone());
        let subjects: BTreeSet<String> = known.chain(holding.keys().cloned()).collect();
        for subject in subjects {
            let key = (rule.id.clone(), subject.clone());
            let before = self.subjects.remove(&key);
            let breach = holding.remove(&subject);
            let (phase, turn) = Phase::step(before.as_ref().map(|it| it.phase), breach.is_some(), now, rule);
            let mut told = before.as_ref().map(|it| it.told).unwrap_or_default();
            let Some(breach) = breach.or(before.map(|it| it.breach)) else { continue };
            if let Some(turn) = turn {
                self.alerts.turned(rule, &breach, turn, now);
            }
            match phase {
                Some(Phase::Firing { .. }) => told = self.tell_that_it_fires(rule, &breach, told, now),
                _ if turn == Some(Turn::Resolved) => {
                    self.tell_that_it_is_over(rule, &breach, told, now);
                    told = Told::default();
                }
                _ => {}
            }
            if let Some(phase) = phase {
                self.subjects.insert(key, Tracked { phase, breach, told });
            }
        }
    }

    /// Those who have not heard it yet, and may.
    fn tell_that_it_fires(&mut self, rule: &Rule, breach: &Breach, mut told: Told, now: Timestamp) -> Told {
        if rule.is_silent(now) {
            return told;
        }
        let title = format!("{}: {} {}", rule.name, breach.subject, breach.text);
        if !std::mem::replace(&mut told.app, true) {
            self.notices.push(Notice {
                level: rule.severity,
                text: title.clone(),
                at: now,
                alert: Some(AlertState::Firing),
            });
        }
        if !told.channels && !self.is_held_back(rule, now) {
            told.channels = true;
            let notification = notification(rule, breach, State::Firing, title, now);
            self.alerts.0.courier.send(notification, &self.alerts.addressees(rule));
        }
        told
    }

    /// Those who heard that it fired.
    fn tell_that_it_is_over(&mut self, rule: &Rule, breach: &Breach, told: Told, now: Timestamp) {
        if rule.is_silent(now) {
            return;
        }
        let title = format!("{}: over for {}", rule.name, breach.subject);
        if told.app {
            let (level, alert) = (Severity::Info, Some(AlertState::Resolved));
            self.notices.push(Notice { level, text: title.clone(), at: now, alert });
        }
        if !told.channels {
            return;
        }
        let notification = notification(rule, breach, State::Resolved, title, now);
        let to = self.alerts.addressees(rule);
        if self.is_held_back(rule, now) {
            if self.held.len() == MOST_HELD {
                self.held.pop_front();
            }
            self.held.push_back((notification, to));
        } else {
            self.alerts.0.courier.send(notification, &to);
        }
    }

    fn is_held_back(&self, rule: &Rule, now: Timestamp) -> bool {
        rule.severity < Severity::Critical && is_quiet(&self.alerts, now)
    }

    /// What was deleted or turned off is over, and nobody is told so.
    fn forget_rules(&mut self, on: &[&Rule]) {
        self.subjects.retain(|(id, _), _| on.iter().any(|rule| rule.id == *id));
    }

    fn tell_what_is_active(&self, on: &[&Rule]) {
        let active = self.subjects.iter().filter_map(|((id, subject), it)| {
            let rule = on.iter().find(|rule| rule.id == *id)?;
            Some(((id.clone(), subject.clone()), it.alert(rule)?))
        });
        let active = active.collect();
        self.alerts.known().active = active;
    }

    /// Writes what fires now and did not before, and the other way round.
    async fn keep(&self, before: &BTreeMap<(String, String), Tracked>, on: &[&Rule]) {
        let history = &self.alerts.0.history;
        let fires = |it: &&Tracked| matches!(it.phase, Phase::Firing { .. });
        for key in before.keys().chain(self.subjects.keys().filter(|key| !before.contains_key(*key))) {
            let (was, is) = (before.get(key).filter(fires), self.subjects.get(key).filter(fires));
            let id = format!("{}/{}", key.0, key.1);
            let rule = on.iter().find(|rule| rule.id == key.0);
            let written = match (was, is, rule) {
                (was, Some(is), Some(rule)) if was.map(|it| it.told) != Some(is.told) => {
                    let Some(alert) = is.alert(rule) else { continue };
                    let json = serde_json::to_string(&Kept { alert, told: is.told }).expect("alerts are JSON");
                    history.put_document(FIRING, &id, json).await
                }
                (Some(_), None, _) => history.delete_document(FIRING, &id).await,
                _ => continue,
            };
            if let Err(off) = written {
                tracing::debug!(%off, "what fires is not kept");
            }
        }
    }
}

impl Tracked {
    /// None of what is over.
    fn alert(&self, rule: &Rule) -> Option<Alert> {
        let (state, since) = match self.phase {
            Phase::Pending { since } => (AlertState::Pending, since),
            Phase::Firing { since, .. } => (AlertState::Firing, since),
            Phase::Cooling { .. } => return None,
        };
        Some(alert(rule, &self.breach, state, since))
    }
}

fn alert(rule: &Rule, breach: &Breach, state: AlertState, since: Timestamp) -> Alert {
    Alert {
        rule: rule.id.clone(),
        rule_name: rule.name.clone(),
        severity: rule.severity,
        subject: breach.subject.clone(),
        container: breach.container.clone(),
        state,
        text: breach.text.clone(),
        since,
    }
}

impl Alerts {
    /// It fires, or is over: for the history, whoever is told.
    fn turned(&self, rule: &Rule, breach: &Breach, turn: Turn, now: Timestamp) {
        let state = match turn {
            Turn::Fired => AlertState::Firing,
            Turn::Resolved => AlertState::Resolved,
        };
        let alert = alert(rule, breach, state, now);
        let event = as_event(&alert);
        self.0.noticed.add(&event);
        self.0.history.record(event);
        self.known().turn(alert);
    }
}

fn notification(rule: &Rule, breach: &Breach, state: State, title: String, at: Timestamp) -> Notification {
    Notification {
        title,
        text: format!("{} {}", breach.subject, rule.condition.words()),
        severity: rule.severity,
        state,
        rule: rule.name.clone(),
        subject: Some(Subject { name: breach.subject.clone(), id: breach.container.clone() }),
        at,
        link: None,
    }
}

fn is_quiet(alerts: &Alerts, now: Timestamp) -> bool {
    alerts.quiet_hours().is_some_and(|quiet| quiet.are_now(now))
}

/// How full the disk is that the first engine on this machine keeps its data on, in percent.
async fn disk(hosts: &Hosts) -> Option<u32> {
    let engine = hosts.only()?;
    let folder = engine.data_folder().await.ok().flatten()?;
    let used = tokio::task::spawn_blocking(move || {
        let (all, free) = (fs4::total_space(&folder).ok()?, fs4::available_space(&folder).ok()?);
        (all > 0).then(|| u32::try_from((all - free.min(all)) * 100 / all).unwrap_or(100))
    });
    used.await.ok().flatten()
}
