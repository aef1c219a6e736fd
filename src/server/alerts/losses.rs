//! Lost notifications: reported in the app, since they did not reach their channel.

use super::notify::Outcome;
use crate::{
    message,
    model::{Event, HostId, Labels, Message, Severity, Timestamp},
    server::{clock::Clock, history::History, notifications},
    wire::Notice,
};
use tokio::sync::broadcast;

/// Reports it to the history, the notification center and all connected clients. Never waits.
pub(super) fn tell(
    history: History,
    notifications: notifications::Notifications,
    notices: broadcast::Sender<Notice>,
    clock: Clock,
) -> impl Fn(&Outcome) + Send + Sync {
    move |outcome| {
        let Err(error) = &outcome.result else { return };
        let now = clock.now();
        let why = error.without_answer();
        let event = as_event(outcome, why.clone(), now);
        notifications.add(&event);
        history.record(event);
        let text = message!("Couldn't notify {channel}: {why}", channel = outcome.channel, why);
        // Fails if no client is connected, which is fine.
        let _ = notices.send(Notice { level: Severity::Warning, text, at: now, alert: None });
    }
}

fn as_event(outcome: &Outcome, why: Message, at: Timestamp) -> Event {
    let mut attributes = Labels::default();
    attributes.insert("rule".into(), outcome.notification.rule.clone());
    attributes.insert("title".into(), outcome.notification.title.clone());
    attributes.insert("tries".into(), outcome.tries.to_string());
    Event {
        seq: 0,
        host: HostId::new("local").expect("local is a valid host ID"),
        time: at,
        kind: notifications::NOTIFICATION.into(),
        action: "lost".into(),
        id: String::new(),
        name: outcome.channel.clone(),
        project: None,
        actor: None,
        error: Some(why),
        message: None,
        attributes,
    }
}
