//! Docker's event stream. The journal remembers 256 events and sends each new one to every matching subscriber at once.

use super::time::{self, Nanos};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tokio::sync::mpsc;

pub type Attributes = BTreeMap<String, String>;

/// Docker's own limit.
const REMEMBERED: usize = 256;

/// An event that is not published yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: &'static str,
    pub action: String,
    pub id: String,
    pub attributes: Attributes,
}

/// An event as it is serialized.
#[derive(Debug, Serialize)]
pub struct EmittedEvent {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "Action")]
    pub action: String,
    #[serde(rename = "Actor")]
    pub actor: Actor,
    scope: &'static str,
    time: i64,
    #[serde(rename = "timeNano")]
    pub time_nano: Nanos,
}

#[derive(Debug, Serialize)]
pub struct Actor {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(rename = "Attributes")]
    attributes: Attributes,
}

/// An event that a fault suppressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dropped {
    pub action: String,
    pub id: String,
}

/// One line of the stream.
#[derive(Debug, Clone)]
pub enum Line {
    Event(Arc<EmittedEvent>),
    /// Bytes that no filter holds back.
    Raw(Vec<u8>),
}

/// The remembered events and the subscribers.
#[derive(Default)]
pub struct Journal {
    memory: VecDeque<Arc<EmittedEvent>>,
    subscribers: Vec<mpsc::UnboundedSender<Line>>,
    latest: Nanos,
    pub sent: u64,
    /// Events that a fault suppressed.
    pub dropped: Vec<Dropped>,
}

impl Journal {
    /// Stamps the event, stores it and sends it. Timestamps are unique and strictly increasing.
    pub fn publish(&mut self, event: Event, now: Nanos) {
        self.latest = now.max(self.latest + 1);
        let emitted = Arc::new(EmittedEvent::new(event, self.latest));
        if self.memory.len() == REMEMBERED {
            self.memory.pop_front();
        }
        self.memory.push_back(emitted.clone());
        self.sent += 1;
        self.send(&Line::Event(emitted));
    }

    /// Sends a line to every subscriber without remembering it.
    pub fn send(&mut self, line: &Line) {
        self.subscribers.retain(|subscriber| subscriber.send(line.clone()).is_ok());
    }

    /// Returns the remembered events of the requested period, and a receiver of new ones. Without `since`, nothing is
    /// replayed.
    pub fn subscribe(
        &mut self,
        since: Option<Nanos>,
        until: Option<Nanos>,
    ) -> (Vec<Arc<EmittedEvent>>, mpsc::UnboundedReceiver<Line>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.subscribers.push(sender);
        let asked = since.is_some() || until.is_some();
        let (since, until) = (since.unwrap_or(0), until.unwrap_or(Nanos::MAX));
        let remembered = self.memory.iter().filter(|it| asked && (since..=until).contains(&it.time_nano));
        (remembered.cloned().collect(), receiver)
    }

    /// Closes all streams.
    pub fn hang_up(&mut self) {
        self.subscribers.clear();
    }
}

impl EmittedEvent {
    fn new(event: Event, time_nano: Nanos) -> Self {
        let is_old_kind = matches!(event.kind, "container" | "image");
        let from = if event.kind == "container" { event.attributes.get("image").cloned() } else { None };
        Self {
            status: is_old_kind.then(|| event.action.clone()),
            id: is_old_kind.then(|| event.id.clone()),
            from,
            kind: event.kind.to_owned(),
            action: event.action,
            actor: Actor { id: event.id, attributes: event.attributes },
            scope: "local",
            time: time::seconds(time_nano),
            time_nano,
        }
    }
}

/// The events a subscriber wants: Docker's `filters`, with values for each field, one of which must match.
#[derive(Debug, Clone, Default)]
pub struct Filters(pub BTreeMap<String, Vec<String>>);

impl Filters {
    pub fn matches(&self, event: &EmittedEvent) -> bool {
        let attribute = |key: &str| event.actor.attributes.get(key).map_or("", String::as_str);
        self.0.iter().all(|(field, wanted)| {
            let one = |matches: &dyn Fn(&str) -> bool| wanted.is_empty() || wanted.iter().any(|it| matches(it));
            match field.as_str() {
                "type" => one(&|it| it == event.kind),
                "scope" => one(&|it| it == event.scope),
                // Docker treats every value as a prefix as soon as one of these is in the list.
                "event"
                    if wanted
                        .iter()
                        .any(|it| matches!(it.as_str(), "health_status" | "exec_create" | "exec_start")) =>
                {
                    one(&|it| event.action.starts_with(it))
                }
                "event" => one(&|it| it == event.action),
                "container" | "network" | "volume" | "image" if *field == event.kind => {
                    one(&|it| event.actor.id.starts_with(it) || attribute("name").starts_with(it))
                }
                // A container event also matches by the image that the container was created from.
                "image" => one(&|it| attribute("image").starts_with(it)),
                "container" | "network" | "volume" => false,
                "label" => wanted.iter().all(|it| match it.split_once('=') {
                    Some((key, value)) => event.actor.attributes.get(key).is_some_and(|it| it == value),
                    None => event.actor.attributes.contains_key(it),
                }),
                _ => true,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &'static str, action: &str, attributes: &[(&str, &str)]) -> Event {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Event { kind, action: action.into(), id: "abcdef".into(), attributes }
    }

    fn filter(fields: &[(&str, &[&str])]) -> Filters {
        let values = |values: &[&str]| values.iter().map(|it| (*it).to_owned()).collect();
        Filters(fields.iter().map(|(field, wanted)| ((*field).to_owned(), values(wanted))).collect())
    }

    #[test]
    fn journal_replays_the_latest_256_events_since_a_time() {
        let mut journal = Journal::default();
        for n in 0..300 {
            journal.publish(event("container", "start", &[]), n + 1);
        }
        assert_eq!(journal.subscribe(None, None).0.len(), 0);
        assert_eq!(journal.subscribe(Some(0), None).0.len(), 256);
        assert_eq!(journal.subscribe(Some(299), None).0.len(), 2);
        assert_eq!(journal.subscribe(Some(0), Some(50)).0.len(), 6);
    }

    #[test]
    fn event_times_strictly_increase() {
        let mut journal = Journal::default();
        for _ in 0..3 {
            journal.publish(event("container", "start", &[]), 7);
        }
        let times: Vec<_> = journal.subscribe(Some(0), None).0.iter().map(|it| it.time_nano).collect();
        assert_eq!(times, [7, 8, 9]);
    }

    #[test]
    fn event_filter_with_health_status_matches_action_prefixes() {
        let emitted = |action: &str| EmittedEvent::new(event("container", action, &[]), 1);
        let exact = filter(&[("event", &["exec", "die"])]);
        assert!(exact.matches(&emitted("die")) && !exact.matches(&emitted("exec_die")));
        let prefixes = filter(&[("event", &["exec", "health_status"])]);
        assert!(prefixes.matches(&emitted("exec_die")) && prefixes.matches(&emitted("health_status: healthy")));
    }

    #[test]
    fn events_are_filtered_by_container_label_and_type() {
        let emitted = EmittedEvent::new(event("container", "die", &[("name", "web-1"), ("tier", "front")]), 1);
        for (fields, matches) in [
            (filter(&[("container", &["web"])]), true),
            (filter(&[("container", &["abc"])]), true),
            (filter(&[("container", &["db"])]), false),
            (filter(&[("label", &["tier=front"])]), true),
            (filter(&[("label", &["tier", "zone"])]), false),
            (filter(&[("type", &["network"])]), false),
        ] {
            assert_eq!(fields.matches(&emitted), matches, "{fields:?}");
        }
    }
}
