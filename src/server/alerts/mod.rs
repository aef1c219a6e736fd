//! What needs looking at, and who is told of it.
//!
//! - [`Alerts`]: the rules, the channels and what has become of them; what pages ask and change.
//! - [`book`]: all that their page shows.
//! - `evaluate`: the one task that looks, each second, whether a rule's condition holds.
//! - `facts`: what it looks at beside the state: what containers use, what happened of late, what they log.
//! - `rules`: whether a condition holds; `phase`: what follows from that; `turns`: what has become of it.
//! - [`notify`]: how a notification leaves the house.

mod book;
mod evaluate;
mod facts;
mod logs;
pub mod notify;
mod phase;
mod rules;
mod turns;

pub use book::{book, worst_first};
pub use evaluate::watch;

use super::{
    clock::Clock,
    history::{History, Off, Place},
    noticed::Noticed,
};
use crate::{
    model::{Alert, AlertState, ChannelDraft, EventQuery, QuietHours, Rule, Timestamp},
    wire::{ActionError, ErrorKind, Notice},
};
use notify::{Addressee, Channel, Courier};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{Notify, OnceCell, broadcast};

/// Kinds of documents in the history.
const RULES: &str = "alert_rule";
const FIRING: &str = "alert_firing";
const CHANNELS: &str = "alert_channel";
const QUIET: &str = "quiet_hours";

/// Notices that wait for a client that is late.
const UNHEARD: usize = 64;

/// Most of either.
const MOST: usize = 200;

/// A channel as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedChannel {
    pub id: String,
    pub name: String,
    pub settings: Channel,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Alerts(Arc<Shared>);

struct Shared {
    history: History,
    noticed: Noticed,
    courier: Courier,
    clock: Clock,
    /// What was put before the last stop is there. Nothing is put before: it would be undone.
    loaded: OnceCell<()>,
    known: Mutex<Known>,
    /// A rule has changed.
    changed: Notify,
    notices: broadcast::Sender<Notice>,
}

#[derive(Default)]
struct Known {
    rules: BTreeMap<String, Rule>,
    channels: BTreeMap<String, NamedChannel>,
    quiet: Option<QuietHours>,
    /// By rule and subject.
    active: BTreeMap<(String, String), Alert>,
    /// The latest, newest first.
    turns: VecDeque<Alert>,
}

impl Alerts {
    pub fn new(history: History, noticed: Noticed, courier: Courier, clock: Clock) -> Self {
        let (known, changed, notices) = (Mutex::default(), Notify::new(), broadcast::Sender::new(UNHEARD));
        let loaded = OnceCell::new();
        Self(Arc::new(Shared { history, noticed, courier, clock, loaded, known, changed, notices }))
    }

    /// Returns when what was put before the last stop is there. Whatever is put waits for it.
    pub async fn load(&self) -> Result<(), Off> {
        self.0.loaded.get_or_try_init(|| self.read()).await.copied()
    }

    async fn read(&self) -> Result<(), Off> {
        let history = &self.0.history;
        let (rules, channels) = (history.documents(RULES).await?, history.documents(CHANNELS).await?);
        let quiet = history.document(QUIET, "").await?;
        let of_alerts = EventQuery { kinds: vec![turns::KIND.to_owned()], ..EventQuery::default() };
        let turns = history.page(of_alerts, Place::Before(None), turns::TURNS).await;
        let mut known = self.known();
        known.turns = turns.events.iter().filter_map(turns::of_event).collect();
        for (id, json) in rules {
            match serde_json::from_str(&json) {
                Ok(rule) => drop(known.rules.insert(id, rule)),
                Err(error) => tracing::warn!(rule = id, %error, "passed over a rule that can't be read"),
            }
        }
        for (id, json) in channels {
            match serde_json::from_str(&json) {
                Ok(channel) => drop(known.channels.insert(id, channel)),
                // Without its text: there are secrets in it.
                Err(_) => tracing::warn!(channel = id, "passed over a channel that can't be read"),
            }
        }
        known.quiet = quiet.and_then(|json| serde_json::from_str(&json).ok());
        Ok(())
    }

    /// Pending and firing.
    pub fn active(&self) -> Vec<Alert> {
        self.known().active.values().cloned().collect()
    }

    /// How many fire.
    pub fn firing(&self) -> u32 {
        let fires = |it: &&Alert| it.state == AlertState::Firing;
        u32::try_from(self.known().active.values().filter(fires).count()).unwrap_or(u32::MAX)
    }

    /// What fired and was over of late, newest first.
    pub fn turns(&self) -> Vec<Alert> {
        self.known().turns.iter().cloned().collect()
    }

    pub fn rules(&self) -> Vec<Rule> {
        self.known().rules.values().cloned().collect()
    }

    /// With their secrets masked.
    pub fn channels(&self) -> Vec<NamedChannel> {
        let masked = |it: &NamedChannel| NamedChannel { settings: it.settings.masked(), ..it.clone() };
        self.known().channels.values().map(masked).collect()
    }

    pub fn quiet_hours(&self) -> Option<QuietHours> {
        self.known().quiet
    }

    /// A new one when it has no id. Gives the id.
    pub async fn put_rule(&self, mut rule: Rule) -> Result<String, ActionError> {
        rule.check().map_err(|why| ActionError::new(ErrorKind::Invalid, why))?;
        self.load().await.map_err(unkept)?;
        let before = self.known().rules.get(&rule.id).cloned();
        rule.since = match &before {
            Some(before) if before.is_on => before.since,
            _ => self.0.clock.now(),
        };
        match before {
            None if !rule.id.is_empty() => return Err(no_such("rule")),
            None => {
                enough(self.known().rules.len())?;
                rule.id = new_id();
            }
            Some(_) => {}
        }
        let json = serde_json::to_string(&rule).expect("rules are JSON");
        self.0.history.put_document(RULES, &rule.id, json).await.map_err(unkept)?;
        let id = rule.id.clone();
        self.known().rules.insert(id.clone(), rule);
        self.0.changed.notify_one();
        Ok(id)
    }

    /// Nobody hears of it for so many seconds; of none it is heard again.
    pub async fn silence(&self, id: &str, seconds: u32) -> Result<(), ActionError> {
        self.load().await.map_err(unkept)?;
        let rule = self.known().rules.get(id).cloned().ok_or_else(|| no_such("rule"))?;
        let until = self.0.clock.now().seconds() + i64::from(seconds);
        let silenced_until = (seconds > 0).then(|| Timestamp::from_seconds(until));
        self.put_rule(Rule { silenced_until, ..rule }).await.map(drop)
    }

    pub async fn delete_rule(&self, id: &str) -> Result<(), ActionError> {
        self.load().await.map_err(unkept)?;
        self.0.history.delete_document(RULES, id).await.map_err(unkept)?;
        self.known().rules.remove(id);
        self.0.changed.notify_one();
        Ok(())
    }

    /// As a form has it.
    pub async fn put_draft(&self, draft: ChannelDraft) -> Result<String, ActionError> {
        let ChannelDraft { id, name, settings } = draft;
        let settings = Channel::of(settings);
        let settings = settings.map_err(|error| ActionError::new(ErrorKind::Invalid, error.to_string()))?;
        self.put_channel(NamedChannel { id, name: name.trim().to_owned(), settings }).await
    }

    /// The rule's or the channel's of this id.
    pub fn name_of(&self, id: &str) -> Option<String> {
        let known = self.known();
        let rule = known.rules.get(id).map(|it| it.name.clone());
        rule.or_else(|| known.channels.get(id).map(|it| it.name.clone()))
    }

    /// Secrets that still are masked stay as they were. Gives the id.
    pub async fn put_channel(&self, mut channel: NamedChannel) -> Result<String, ActionError> {
        if channel.name.trim().is_empty() {
            return Err(ActionError::new(ErrorKind::Invalid, "A channel needs a name"));
        }
        self.load().await.map_err(unkept)?;
        let namesake = |it: &NamedChannel| it.name == channel.name && it.id != channel.id;
        if self.known().channels.values().any(namesake) {
            return Err(ActionError::new(ErrorKind::Conflict, format!("There is a channel {} already", channel.name)));
        }
        let before = self.known().channels.get(&channel.id).cloned();
        match before {
            None if !channel.id.is_empty() => return Err(no_such("channel")),
            Some(before) => channel.settings = channel.settings.unmasked(&before.settings),
            None => {
                enough(self.known().channels.len())?;
                channel.id = new_id();
            }
        }
        channel.settings.check().map_err(|error| ActionError::new(ErrorKind::Invalid, error.to_string()))?;
        let json = serde_json::to_string(&channel).expect("channels are JSON");
        self.0.history.put_document(CHANNELS, &channel.id, json).await.map_err(unkept)?;
        let id = channel.id.clone();
        self.known().channels.insert(id.clone(), channel);
        Ok(id)
    }

    pub async fn delete_channel(&self, id: &str) -> Result<(), ActionError> {
        self.load().await.map_err(unkept)?;
        self.0.history.delete_document(CHANNELS, id).await.map_err(unkept)?;
        self.known().channels.remove(id);
        Ok(())
    }

    /// Sends a test message at once.
    pub async fn test_channel(&self, id: &str) -> Result<(), ActionError> {
        let channel = self.known().channels.get(id).cloned();
        let channel = channel.ok_or_else(|| no_such("channel"))?;
        let sent = self.0.courier.test(&channel.settings).await;
        sent.map_err(|error| ActionError::new(ErrorKind::Unavailable, error.to_string()).hint(error.hint()))
    }

    pub async fn put_quiet_hours(&self, quiet: Option<QuietHours>) -> Result<(), ActionError> {
        self.load().await.map_err(unkept)?;
        match quiet {
            Some(quiet) => {
                let json = serde_json::to_string(&quiet).expect("hours are JSON");
                self.0.history.put_document(QUIET, "", json).await.map_err(unkept)?;
            }
            None => self.0.history.delete_document(QUIET, "").await.map_err(unkept)?,
        }
        self.known().quiet = quiet;
        Ok(())
    }

    /// What clients are told as it happens.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.0.notices.subscribe()
    }

    /// Those who hear of a rule.
    fn addressees(&self, rule: &Rule) -> Vec<Arc<Addressee>> {
        let known = self.known();
        let channels = rule.channels.iter().filter_map(|id| known.channels.get(id));
        channels.map(|it| Arc::new(Addressee { name: it.name.clone(), channel: it.settings.clone() })).collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().expect("nobody panics while holding the rules")
    }
}

fn no_such(what: &str) -> ActionError {
    ActionError::new(ErrorKind::NotFound, format!("There is no such {what}"))
}

fn new_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn enough(count: usize) -> Result<(), ActionError> {
    if count < MOST {
        return Ok(());
    }
    Err(ActionError::new(ErrorKind::Conflict, format!("There are {MOST} of them already")))
}

fn unkept(off: Off) -> ActionError {
    ActionError::new(ErrorKind::Unavailable, "It can't be kept").hint(off.to_string())
}
