//! Rule evaluation: the one task that checks whether rules' conditions hold, and notifies when that begins and ends.

use super::{
    Alerts,
    facts::Facts,
    logs::Logs,
    notify::{Notification, Recipient, State, Subject},
    phase::{Phase, Transition},
    rules::{Breach, breaches},
    transitions::as_event,
};
use crate::{
    message,
    model::{
        Alert, AlertState, Condition, ENGINE_DISK, EngineState, Message, Rule, Severity, StructuredMessage, Timestamp,
    },
    server::{
        clock::{Clock, Moment},
        hosts::Hosts,
        state::Reader,
        stats::{Stats, StatsSubscription, SubscribedStats},
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

/// Time between two checks of the disk usage.
const DISK_EVERY: Duration = Duration::from_secs(30);

/// Time until the history is read again after a failure.
const LOAD_AGAIN: Duration = Duration::from_secs(1);

/// Resolved notifications held back until the quiet hours end. Beyond this the oldest are dropped.
const MOST_HELD: usize = 64;

struct Watch {
    alerts: Alerts,
    reader: Reader,
    hosts: Hosts,
    clock: Clock,
    subscription: StatsSubscription,
    stats: Stats,
    logs: Logs,
    facts: Facts,
    /// By rule and subject.
    subjects: BTreeMap<(String, String), Tracked>,
    disk_looked_at: Option<Moment>,
    /// By rule: when its silence ends, by the time of day and by the steady clock.
    silences: BTreeMap<String, (Timestamp, Duration)>,
    /// Whether an engine was reachable at the latest check.
    was_known: bool,
    /// Sent after a check is complete, so that a client that fetches on a notice gets the same state.
    notices: Vec<Notice>,
    /// Resolved notifications held back by quiet hours.
    held: VecDeque<(Notification, Vec<Arc<Recipient>>)>,
}

/// The state of one rule for one subject.
#[derive(Debug, Clone, PartialEq)]
struct Tracked {
    phase: Phase,
    breach: Breach,
    reported: Reported,
}

/// Who was notified that it fires, and will be notified when it resolves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reported {
    app: bool,
    channels: bool,
}

/// A firing alert as it is stored, so that a restarted server does not notify again.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct StoredAlert {
    alert: Alert,
    /// The alert's `text`, with its values.
    #[serde(default)]
    text: Option<StructuredMessage>,
    #[serde(alias = "told")]
    reported: Reported,
}

/// Runs forever.
pub async fn watch(alerts: Alerts, reader: Reader, hosts: Hosts, stats: Stats, clock: Clock) {
    while let Err(off) = alerts.load().await {
        tracing::debug!(%off, "can't load the alert rules yet");
        tokio::time::sleep(LOAD_AGAIN).await;
    }
    let kept = alerts.0.firing.all().into_values();
    let mut events = alerts.0.history.listen();
    let logs = Logs::new(hosts.clone(), clock);
    let mut watch = Watch {
        subscription: stats.subscribe(),
        stats,
        logs,
        alerts,
        reader,
        hosts,
        clock,
        facts: Facts::default(),
        subjects: kept.map(|kept| kept.tracked(clock.moment())).collect(),
        disk_looked_at: None,
        silences: BTreeMap::new(),
        was_known: false,
        notices: Vec::new(),
        held: VecDeque::new(),
    };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let alerts = watch.alerts.clone();
        tokio::select! {
            _ = ticks.tick() => watch.look().await,
            () = alerts.0.changed.notified() => watch.look().await,
            event = events.recv() => match event {
                Ok(event) => watch.facts.take_event(&event, clock.moment()),
                Err(broadcast::error::RecvError::Lagged(missed)) => tracing::warn!(missed, "alert rules missed events"),
                Err(broadcast::error::RecvError::Closed) => return,
            },
            // Samples of the containers, if a rule needs them.
            seen = watch.subscription.next() => watch.facts.take_samples(seen.samples, clock.moment()),
            // A log line that a rule looks for.
            found = watch.logs.next() => watch.facts.take_line(found.rule, found.key, clock.moment(), found.line),
        }
    }
}

impl StoredAlert {
    /// As if the condition had just been seen to hold, so that an alert that is over gets resolved in time.
    fn tracked(self, now: Moment) -> ((String, String), Tracked) {
        let Self { alert, text, reported } = self;
        let phase = Phase::Firing { since: alert.since, seen: now.steady };
        let breach = Breach {
            subject: alert.subject.clone(),
            container: alert.container,
            text: text.map_or(alert.text, |it| it.0),
        };
        ((alert.rule, alert.subject), Tracked { phase, breach, reported })
    }
}

impl Watch {
    async fn look(&mut self) {
        let rules = self.alerts.rules();
        let on: Vec<&Rule> = rules.iter().filter(|rule| rule.is_on).collect();
        let needs = |takes: fn(&Condition) -> bool| on.iter().any(|rule| takes(&rule.condition));
        self.subscription.set(SubscribedStats { all: needs(Condition::is_of_use), ..SubscribedStats::default() });
        let before = self.subjects.clone();
        self.forget_rules(&on);
        let now = self.clock.moment();
        self.measure_silences(&on, now);
        // While no engine is reachable nothing is known: neither that something goes wrong, nor that it is over.
        let is_known = self.reader.look(|state| state.hosts().any(|host| host.is_reachable()));
        if is_known && !self.was_known {
            self.refresh_firing(now);
        }
        self.was_known = is_known;
        if is_known && !on.is_empty() {
            if needs(|it| matches!(it, Condition::Disk { .. })) {
                self.look_at_disk(now).await;
            }
            self.facts.forget_the_old(now);
            // A copy: the writer must not wait while all rules check all containers.
            let (state, _) = self.reader.snapshot();
            self.logs.follow(&on, &state);
            let found: Vec<Vec<Breach>> = on.iter().map(|rule| breaches(rule, &state, &self.facts, now)).collect();
            for (rule, found) in on.iter().zip(found) {
                self.step(rule, found, now);
            }
        } else if on.is_empty() {
            self.logs.follow(&[], &EngineState::default());
        }
        if !is_quiet(&self.alerts, now.at) {
            self.held.drain(..).for_each(|(notification, to)| self.alerts.0.dispatcher.send(notification, &to));
        }
        self.publish_active(&on);
        for notice in self.notices.drain(..) {
            let _ = self.alerts.0.notices.send(notice);
        }
        self.keep(&before, &on).await;
    }

    /// The engine is reachable again. Firing alerts get time to be confirmed, since the first samples have yet to arrive.
    fn refresh_firing(&mut self, now: Moment) {
        for it in self.subjects.values_mut() {
            if let Phase::Firing { seen, .. } = &mut it.phase {
                *seen = now.steady;
            }
        }
    }

    /// The rest of a silence is measured by the time of day once, when it is new, and then by the steady clock.
    fn measure_silences(&mut self, on: &[&Rule], now: Moment) {
        let before = std::mem::take(&mut self.silences);
        self.silences = on
            .iter()
            .filter_map(|rule| {
                let until = rule.silenced_until?;
                let left = u64::try_from(until.micros().saturating_sub(now.at.micros())).unwrap_or_default();
                let known = before.get(&rule.id).filter(|(same, _)| *same == until);
                let measured = known.map_or(now.steady + Duration::from_micros(left), |(_, measured)| *measured);
                Some((rule.id.clone(), (until, measured)))
            })
            .collect();
    }

    fn is_silent(&self, rule: &Rule, now: Moment) -> bool {
        self.silences.get(&rule.id).is_some_and(|(_, until)| now.steady < *until)
    }

    async fn look_at_disk(&mut self, now: Moment) {
        let is_due = |before: Moment| now.since(before) >= DISK_EVERY;
        if self.disk_looked_at.is_none_or(is_due) {
            self.disk_looked_at = Some(now);
            self.facts.disk = disk(&self.hosts, &self.stats).await;
        }
    }

    fn step(&mut self, rule: &Rule, found: Vec<Breach>, now: Moment) {
        let mut holding: BTreeMap<String, Breach> = found.into_iter().map(|it| (it.subject.clone(), it)).collect();
        let known = self.subjects.keys().filter(|(id, _)| *id == rule.id).map(|(_, subject)| subject.clone());
        let subjects: BTreeSet<String> = known.chain(holding.keys().cloned()).collect();
        for subject in subjects {
            let key = (rule.id.clone(), subject.clone());
            let before = self.subjects.remove(&key);
            let breach = holding.remove(&subject);
            let (phase, transition) = Phase::step(before.as_ref().map(|it| it.phase), breach.is_some(), now, rule);
            let mut reported = before.as_ref().map(|it| it.reported).unwrap_or_default();
            let Some(breach) = breach.or(before.map(|it| it.breach)) else { continue };
            if let Some(transition) = transition {
                self.alerts.record(rule, &breach, transition, now.at);
            }
            match phase {
                Some(Phase::Firing { .. }) => reported = self.notify_firing(rule, &breach, reported, now),
                _ if transition == Some(Transition::Resolved) => {
                    self.notify_resolved(rule, &breach, reported, now);
                    reported = Reported::default();
                }
                _ => {}
            }
            if let Some(phase) = phase {
                self.subjects.insert(key, Tracked { phase, breach, reported });
            }
        }
    }

    /// Notifies those who may be notified and were not yet.
    fn notify_firing(&mut self, rule: &Rule, breach: &Breach, mut reported: Reported, now: Moment) -> Reported {
        if self.is_silent(rule, now) {
            return reported;
        }
        let (name, subject, text) = (&rule.name, subject(breach), &breach.text);
        let title = message!("{name}: {subject} {text}", name, subject, text);
        if !std::mem::replace(&mut reported.app, true) {
            self.notices.push(Notice {
                level: rule.severity,
                text: title.clone(),
                at: now.at,
                alert: Some(AlertState::Firing),
            });
        }
        if !reported.channels && !self.is_held_back(rule, now.at) {
            reported.channels = true;
            let notification = notification(rule, breach, State::Firing, &title, now.at);
            self.alerts.0.dispatcher.send(notification, &self.alerts.recipients(rule));
        }
        reported
    }

    /// Notifies those who were notified that it fired.
    fn notify_resolved(&mut self, rule: &Rule, breach: &Breach, reported: Reported, now: Moment) {
        if self.is_silent(rule, now) {
            return;
        }
        let title = message!("{name}: resolved for {subject}", name = rule.name, subject = subject(breach));
        if reported.app {
            let (level, alert) = (Severity::Info, Some(AlertState::Resolved));
            self.notices.push(Notice { level, text: title.clone(), at: now.at, alert });
        }
        if !reported.channels {
            return;
        }
        let notification = notification(rule, breach, State::Resolved, &title, now.at);
        let to = self.alerts.recipients(rule);
        if self.is_held_back(rule, now.at) {
            if self.held.len() == MOST_HELD {
                self.held.pop_front();
            }
            self.held.push_back((notification, to));
        } else {
            self.alerts.0.dispatcher.send(notification, &to);
        }
    }

    fn is_held_back(&self, rule: &Rule, now: Timestamp) -> bool {
        rule.severity < Severity::Critical && is_quiet(&self.alerts, now)
    }

    /// An alert of a deleted or disabled rule is over, without a notification.
    fn forget_rules(&mut self, on: &[&Rule]) {
        self.subjects.retain(|(id, _), _| on.iter().any(|rule| rule.id == *id));
    }

    fn publish_active(&self, on: &[&Rule]) {
        let active = self.subjects.iter().filter_map(|((id, subject), it)| {
            let rule = on.iter().find(|rule| rule.id == *id)?;
            Some(((id.clone(), subject.clone()), it.alert(rule)?))
        });
        let active = active.collect();
        self.alerts.known().active = active;
    }

    /// Stores alerts that fire since the check `before`, and removes those that no longer do.
    async fn keep(&self, before: &BTreeMap<(String, String), Tracked>, on: &[&Rule]) {
        let firing = &self.alerts.0.firing;
        let fires = |it: &&Tracked| matches!(it.phase, Phase::Firing { .. });
        for key in before.keys().chain(self.subjects.keys().filter(|key| !before.contains_key(*key))) {
            let (was, is) = (before.get(key).filter(fires), self.subjects.get(key).filter(fires));
            let id = format!("{}/{}", key.0, key.1);
            let rule = on.iter().find(|rule| rule.id == key.0);
            match (was, is, rule) {
                (was, Some(is), Some(rule)) if was.map(|it| it.reported) != Some(is.reported) => {
                    let Some(alert) = is.alert(rule) else { continue };
                    let text = Some(StructuredMessage(alert.text.clone()));
                    firing.insert(&id, StoredAlert { alert, text, reported: is.reported }).await;
                }
                (Some(_), None, _) => firing.remove(&id).await,
                _ => {}
            }
        }
    }
}

impl Tracked {
    /// `None` if it is over.
    fn alert(&self, rule: &Rule) -> Option<Alert> {
        let (state, since) = match self.phase {
            Phase::Pending { since } => (AlertState::Pending, since.at),
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
    /// Records in the history that it fires or is over, no matter who is notified.
    fn record(&self, rule: &Rule, breach: &Breach, transition: Transition, now: Timestamp) {
        let state = match transition {
            Transition::Fired => AlertState::Firing,
            Transition::Resolved => AlertState::Resolved,
        };
        let alert = alert(rule, breach, state, now);
        let event = as_event(&alert);
        self.0.notifications.add(&event);
        self.0.history.record(event);
        self.known().add_transition(alert);
    }
}

fn subject(breach: &Breach) -> Message {
    if breach.subject == ENGINE_DISK { Message::term(ENGINE_DISK) } else { Message::verbatim(&breach.subject) }
}

fn notification(rule: &Rule, breach: &Breach, state: State, title: &Message, at: Timestamp) -> Notification {
    Notification {
        title: title.to_string(),
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

/// Usage in percent of the disk that holds the data of the first engine on this machine.
async fn disk(hosts: &Hosts, stats: &Stats) -> Option<u32> {
    let engine = hosts.only().filter(|engine| stats.is_local(engine.host()))?;
    let folder = engine.data_folder().await.ok().flatten()?;
    let used = tokio::task::spawn_blocking(move || {
        let (all, free) = (fs4::total_space(&folder).ok()?, fs4::available_space(&folder).ok()?);
        (all > 0).then(|| u32::try_from((all - free.min(all)) * 100 / all).unwrap_or(100))
    });
    used.await.ok().flatten()
}
