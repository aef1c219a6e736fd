//! Alerts: rules over the engine state, and notifications when they fire.
//!
//! - [`Alerts`]: the rules, the channels and the current alerts, with the queries and changes of the pages.
//! - [`book`]: the data of the alerts page.
//! - `channels`: the stored notification channels.
//! - `evaluate`: the one task that checks each second whether a rule's condition holds.
//! - `facts`: its inputs besides the state: samples, recent events, log lines.
//! - `rules`: whether a condition holds; `phase`: the alert's state machine; `transitions`: the history of alerts.
//! - `losses`: reports of lost notifications.
//! - [`notify`]: delivery of notifications.

mod book;
mod channels;
mod evaluate;
mod facts;
mod logs;
mod losses;
pub mod notify;
mod phase;
mod rules;
mod transitions;

pub use book::{book, firing, visible, worst_first};
use evaluate::StoredAlert;
pub use evaluate::watch;

use super::{
    auth::ALERT,
    clock::Clock,
    history::{Collection, Cursor, History, Unavailable},
    notifications::Notifications,
    vault::{Vault, VaultError},
};
use crate::{
    message,
    model::{Alert, AlertState, ChannelDraft, EventQuery, Message, QuietHours, Rule, Timestamp},
    wire::{ActionError, ErrorKind, Notice},
};
use channels::{Channels, PutError};
use notify::{Channel, DeliveryMetrics, Dispatcher, NotifyError, Recipient};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{Notify, OnceCell, broadcast};

/// Kinds of documents in the history.
const RULES: &str = "alert_rule";
const FIRING: &str = "alert_firing";
const QUIET: &str = "quiet_hours";

/// Notices queued for a slow client.
const UNHEARD: usize = 64;

/// Limit of rules, and of channels.
const MOST: usize = 200;

/// A channel as it is stored.
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
    notifications: Notifications,
    dispatcher: Dispatcher,
    clock: Clock,
    rules: Collection<Rule>,
    channels: Channels,
    /// A single document, without an id.
    quiet: Collection<QuietHours>,
    /// Firing alerts, stored so that a restarted server does not notify again.
    firing: Collection<StoredAlert>,
    /// Set once `transitions` includes the alerts from before the start.
    loaded: OnceCell<()>,
    known: Mutex<Known>,
    /// Notified when a rule changes.
    changed: Notify,
    notices: broadcast::Sender<Notice>,
}

#[derive(Default)]
struct Known {
    /// By rule and subject.
    active: BTreeMap<(String, String), Alert>,
    /// The latest, newest first.
    transitions: VecDeque<Alert>,
}

impl Alerts {
    pub fn new(
        history: History,
        vault: Vault,
        notifications: Notifications,
        dispatcher: Dispatcher,
        clock: Clock,
    ) -> Self {
        let (known, changed, notices) = (Mutex::default(), Notify::new(), broadcast::Sender::new(UNHEARD));
        dispatcher.when_lost(losses::tell(history.clone(), notifications.clone(), notices.clone(), clock));
        Self(Arc::new(Shared {
            rules: Collection::open(history.clone(), RULES),
            channels: Channels::open(history.clone(), vault),
            quiet: Collection::open(history.clone(), QUIET),
            firing: Collection::open(history.clone(), FIRING),
            history,
            notifications,
            dispatcher,
            clock,
            loaded: OnceCell::new(),
            known,
            changed,
            notices,
        }))
    }

    /// Makes one attempt to load all stored data, unless it is loaded already.
    pub async fn load(&self) -> Result<(), Unavailable> {
        let Shared { rules, channels, quiet, firing, loaded, .. } = &*self.0;
        rules.load().await?;
        channels.load().await?;
        quiet.load().await?;
        firing.load().await?;
        loaded.get_or_try_init(|| self.read_transitions()).await.copied()
    }

    async fn read_transitions(&self) -> Result<(), Unavailable> {
        if !self.0.history.has_folder() {
            return Ok(());
        }
        let of_alerts = EventQuery { kinds: vec![ALERT.to_owned()], ..EventQuery::default() };
        let earlier = self.0.history.find(of_alerts, Cursor::Before(None), transitions::MAX_TRANSITIONS).await?;
        self.known().transitions = earlier.iter().filter_map(transitions::of_event).collect();
        Ok(())
    }

    /// Whether rules, channels and quiet hours are loaded.
    pub fn are_loaded(&self) -> bool {
        self.0.rules.is_loaded() && self.0.channels.are_loaded() && self.0.quiet.is_loaded()
    }

    /// Pending and firing alerts.
    pub fn active(&self) -> Vec<Alert> {
        self.known().active.values().cloned().collect()
    }

    /// The number of firing alerts.
    pub fn firing(&self) -> u32 {
        let fires = |it: &&Alert| it.state == AlertState::Firing;
        u32::try_from(self.known().active.values().filter(fires).count()).unwrap_or(u32::MAX)
    }

    /// Alerts that recently fired or resolved, newest first.
    pub fn transitions(&self) -> Vec<Alert> {
        self.known().transitions.iter().cloned().collect()
    }

    pub fn rules(&self) -> Vec<Rule> {
        self.0.rules.all().into_values().collect()
    }

    /// The channels, with their secrets masked.
    pub fn channels(&self) -> Vec<NamedChannel> {
        let masked = |it: &NamedChannel| NamedChannel { settings: it.settings.masked(), ..it.clone() };
        self.0.channels.all().iter().map(masked).collect()
    }

    pub fn quiet_hours(&self) -> Option<QuietHours> {
        self.0.quiet.get("")
    }

    /// Creates the rule if it has no id. Returns the id.
    pub async fn put_rule(&self, mut rule: Rule) -> Result<String, ActionError> {
        rule.check().map_err(|why| ActionError::new(ErrorKind::Invalid, why))?;
        self.0.rules.load().await.map_err(unread)?;
        let before = self.0.rules.get(&rule.id);
        rule.since = match &before {
            Some(before) if before.is_on => before.since,
            _ => self.0.clock.now(),
        };
        match before {
            None if !rule.id.is_empty() => return Err(no_such(message!("Rule not found"))),
            None => {
                enough(self.0.rules.all().len())?;
                rule.id = new_id();
            }
            Some(_) => {}
        }
        let id = rule.id.clone();
        self.0.rules.save(&id, rule).await.map_err(unkept)?;
        self.0.changed.notify_one();
        Ok(id)
    }

    /// Suppresses the rule's notifications for this many seconds; 0 ends the silence.
    pub async fn silence(&self, id: &str, seconds: u32) -> Result<(), ActionError> {
        self.0.rules.load().await.map_err(unread)?;
        let rule = self.0.rules.get(id).ok_or_else(|| no_such(message!("Rule not found")))?;
        let until = self.0.clock.now().seconds() + i64::from(seconds);
        let silenced_until = (seconds > 0).then(|| Timestamp::from_seconds(until));
        self.put_rule(Rule { silenced_until, ..rule }).await.map(drop)
    }

    pub async fn delete_rule(&self, id: &str) -> Result<(), ActionError> {
        self.0.rules.load().await.map_err(unread)?;
        self.0.rules.delete(id).await.map_err(unkept)?;
        self.0.changed.notify_one();
        Ok(())
    }

    /// Stores a channel as a form submits it.
    pub async fn put_draft(&self, draft: ChannelDraft) -> Result<String, ActionError> {
        let ChannelDraft { id, name, settings } = draft;
        let settings = Channel::of(settings);
        let settings = settings.map_err(|error| ActionError::new(ErrorKind::Invalid, error.message()))?;
        self.put_channel(NamedChannel { id, name: name.trim().to_owned(), settings }).await
    }

    /// The name of the rule or channel with this id.
    pub fn name_of(&self, id: &str) -> Option<String> {
        let rule = self.0.rules.get(id).map(|it| it.name);
        rule.or_else(|| self.0.channels.name_of(id))
    }

    /// Masked secrets stay as they were. Returns the id.
    pub async fn put_channel(&self, mut channel: NamedChannel) -> Result<String, ActionError> {
        if channel.name.trim().is_empty() {
            return Err(ActionError::new(ErrorKind::Invalid, message!("Enter a channel name")));
        }
        self.0.channels.load().await.map_err(unread)?;
        if self.0.channels.has_namesake(&channel.name, &channel.id) {
            return Err(ActionError::new(
                ErrorKind::Conflict,
                message!("A channel named {name} already exists", name = channel.name),
            ));
        }
        let invalid = |error: NotifyError| ActionError::new(ErrorKind::Invalid, error.message());
        let before = self.0.channels.get(&channel.id);
        match &before {
            None if !channel.id.is_empty() => return Err(no_such(message!("Channel not found"))),
            None => {
                enough(self.0.channels.count())?;
                channel.id = new_id();
            }
            Some(_) => {}
        }
        // A channel that can't be decrypted can still be replaced, with its secrets entered again.
        let before = before.and_then(Result::ok);
        channel.settings = channel.settings.unmasked(before.as_ref().map(|it| &it.settings)).map_err(invalid)?;
        channel.settings.check().map_err(invalid)?;
        self.0.channels.put(&channel).await.map_err(|error| match error {
            PutError::Vault(error) => error.to_action_error(),
            PutError::History(off) => unkept(off),
        })?;
        Ok(channel.id)
    }

    pub async fn delete_channel(&self, id: &str) -> Result<(), ActionError> {
        self.0.channels.load().await.map_err(unread)?;
        self.0.channels.remove(id).await.map_err(unkept)
    }

    /// Sends a test message at once.
    pub async fn test_channel(&self, id: &str) -> Result<(), ActionError> {
        self.0.channels.load().await.map_err(unread)?;
        let channel = self.0.channels.get(id).ok_or_else(|| no_such(message!("Channel not found")))?;
        let channel = channel.map_err(|error| error.to_action_error())?;
        let sent = self.0.dispatcher.test(&channel.settings).await;
        sent.map_err(|error| ActionError::new(ErrorKind::Unavailable, error.without_answer()).hint(error.hint()))
    }

    pub async fn put_quiet_hours(&self, quiet: Option<QuietHours>) -> Result<(), ActionError> {
        self.0.quiet.load().await.map_err(unread)?;
        match quiet {
            Some(quiet) => self.0.quiet.save("", quiet).await,
            None => self.0.quiet.delete("").await,
        }
        .map_err(unkept)
    }

    pub fn notifications(&self) -> &DeliveryMetrics {
        self.0.dispatcher.metrics()
    }

    /// Notices for clients, as they are emitted.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.0.notices.subscribe()
    }

    /// The channels that a rule notifies.
    fn recipients(&self, rule: &Rule) -> Vec<Arc<Recipient>> {
        let channels = rule.channels.iter().filter_map(|id| Some((id, self.0.channels.get(id)?)));
        let recipient = |(id, channel): (&String, Result<NamedChannel, VaultError>)| match channel {
            Ok(NamedChannel { name, settings: channel, .. }) => Some(Arc::new(Recipient { name, channel })),
            Err(error) => {
                tracing::warn!(channel = id, rule = rule.name, %error, "can't read a channel's settings");
                None
            }
        };
        channels.filter_map(recipient).collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().expect("the lock isn't poisoned")
    }
}

fn no_such(what: Message) -> ActionError {
    ActionError::new(ErrorKind::NotFound, what)
}

fn new_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}

fn enough(count: usize) -> Result<(), ActionError> {
    if count < MOST {
        return Ok(());
    }
    Err(ActionError::new(ErrorKind::Conflict, message!("Limit reached: {count} already exist", count = MOST)))
}

/// The stored data is unknown: a change could destroy it.
fn unread(off: Unavailable) -> ActionError {
    ActionError::new(
        ErrorKind::Unavailable,
        message!("No changes were made because the stored data can't be read right now"),
    )
    .hint(message!("Try again after this is resolved: {reason}.", reason = off.message()))
}

fn unkept(off: Unavailable) -> ActionError {
    ActionError::new(ErrorKind::Unavailable, message!("Couldn't save")).hint(off.message())
}
