//! What happened, and when: an engine's events and what users did, as the history keeps them.

use super::{HostId, Labels, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Grows with each event in the order in which they became known; has gaps.
    pub seq: u64,
    pub host: HostId,
    /// The engine's clock; the server's of what a user did.
    pub time: Timestamp,
    /// `container`, `image`, `volume`, `network`, `daemon`, or what the next engine thinks of.
    pub kind: String,
    /// The engine's word (`die`, `exec_create`), or the verb of what a user did.
    pub action: String,
    /// Of the entity; empty where the engine doesn't say.
    pub id: String,
    /// The entity's at that time.
    pub name: String,
    /// The Compose project that it belongs to.
    pub project: Option<String>,
    /// Who did it; none of what the engine tells.
    pub actor: Option<String>,
    /// Why it failed; none also of what can't fail.
    pub error: Option<String>,
    /// All else that was said of it: labels too.
    pub attributes: Labels,
}

/// What most people don't look for: a health check alone tells three such events each time.
pub fn is_noise(kind: &str, action: &str) -> bool {
    kind == "container" && (action.starts_with("exec") || matches!(action, "top" | "resize"))
}

impl Event {
    pub fn is_noise(&self) -> bool {
        self.actor.is_none() && is_noise(&self.kind, &self.action)
    }

    /// Of what ended.
    pub fn exit_code(&self) -> Option<i64> {
        self.attributes.get("exitCode")?.parse().ok()
    }
}

/// Which events are asked for. Empty fields ask for nothing special.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    pub kinds: Vec<String>,
    pub actions: Vec<String>,
    /// A name, an id or the beginning of one.
    pub entity: String,
    pub project: String,
    /// Words that all stand in what names an event: its entity, project, image, action or who did it.
    pub text: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// With [noise](is_noise).
    pub noise: bool,
    /// Only what users did.
    pub by_users: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}={value}: {expected}")]
pub struct BadQuery {
    key: String,
    value: String,
    expected: &'static str,
}

impl BadQuery {
    pub fn new(key: &str, value: &str, expected: &'static str) -> Self {
        Self { key: key.to_owned(), value: value.chars().take(80).collect(), expected }
    }
}

/// What happened around a moment is what happened ten minutes before and after it, in microseconds.
const AROUND: i64 = 600 * 1_000_000;

/// The least part of an id that counts as one.
const SHORTEST_ID: usize = 4;

impl EventQuery {
    /// The keys that [`Self::read`] takes.
    pub const KEYS: [&str; 10] =
        ["kind", "action", "entity", "project", "q", "since", "until", "around", "noise", "by"];

    /// Takes one key of an address; false when it is none of ours.
    pub fn read(&mut self, key: &str, value: &str, now: Timestamp) -> Result<bool, BadQuery> {
        let bad = |expected| BadQuery::new(key, value, expected);
        let words = || value.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let moment = || match value {
            "" => Ok(None),
            text => {
                moment(text, now).map(Some).ok_or_else(|| bad("a time (RFC 3339) or how long ago: 90s, 15m, 24h, 7d"))
            }
        };
        match key {
            "kind" => self.kinds = words(),
            "action" => self.actions = words(),
            "entity" => self.entity = value.to_owned(),
            "project" => self.project = value.to_owned(),
            "q" => self.text = value.to_owned(),
            "since" => self.since = moment()?,
            "until" => self.until = moment()?,
            "around" => {
                if let Some(time) = moment()? {
                    let away = |micros: i64| Some(Timestamp::from_micros(time.micros().saturating_add(micros)));
                    (self.since, self.until) = (away(-AROUND), away(AROUND));
                }
            }
            "noise" => self.noise = value == "true",
            "by" if matches!(value, "" | "users") => self.by_users = value == "users",
            "by" => return Err(bad("users, or nothing")),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub fn matches(&self, event: &Event) -> bool {
        (self.noise || !event.is_noise())
            && (!self.by_users || event.actor.is_some())
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.actions.is_empty() || self.actions.contains(&event.action))
            && (self.project.is_empty() || event.project.as_ref() == Some(&self.project))
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time <= until)
            && (self.entity.is_empty() || self.is_of_entity(event))
            && self.words().all(|word| mentions(event, &word))
    }

    fn is_of_entity(&self, event: &Event) -> bool {
        let digits = |id: &str| id.strip_prefix("sha256:").unwrap_or(id).to_owned();
        let is_id = self.entity.len() >= SHORTEST_ID && digits(&event.id).starts_with(&digits(&self.entity));
        is_id || event.name == self.entity || event.id == self.entity
    }

    /// The beginning of an id without its `sha256:`, where `entity` may be one.
    pub fn id_beginning(&self) -> Option<&str> {
        let digits = self.entity.strip_prefix("sha256:").unwrap_or(&self.entity);
        (self.entity.len() >= SHORTEST_ID && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
    }

    /// What `text` looks for, in small letters.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.text.split_whitespace().map(str::to_ascii_lowercase)
    }
}

fn mentions(event: &Event, word: &str) -> bool {
    let image = event.attributes.get("image").map_or("", String::as_str);
    let texts = [&event.name, &event.id, event.project.as_deref().unwrap_or_default(), image, &event.action];
    let who = event.actor.as_deref().unwrap_or_default();
    texts.into_iter().chain([who]).any(|text| text.to_ascii_lowercase().contains(word))
}

/// RFC 3339, or how long before `now`.
pub fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let seconds = |unit: char| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        _ => None,
    };
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let micros = number.parse::<u32>().ok().map(i64::from)? * seconds(unit.chars().next()?)? * 1_000_000;
        Some(Timestamp::from_micros(now.micros() - micros))
    };
    ago().or_else(|| Timestamp::parse(text))
}

/// Whether what happens is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SaidStatus", into = "SaidStatus")]
pub enum HistoryStatus {
    Recording,
    /// The server goes on without, and tries again now and then.
    Off {
        reason: String,
    },
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct SaidStatus {
    recording: bool,
    reason: Option<String>,
}

impl From<SaidStatus> for HistoryStatus {
    fn from(SaidStatus { recording, reason }: SaidStatus) -> Self {
        if recording { Self::Recording } else { Self::Off { reason: reason.unwrap_or_default() } }
    }
}

impl From<HistoryStatus> for SaidStatus {
    fn from(status: HistoryStatus) -> Self {
        match status {
            HistoryStatus::Recording => Self { recording: true, reason: None },
            HistoryStatus::Off { reason } => Self { recording: false, reason: Some(reason) },
        }
    }
}

/// Some of the events, and what is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    pub events: Vec<Event>,
    /// There are more: the next page begins with what came before this one.
    pub more: bool,
    pub history: HistoryStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, action: &str) -> Event {
        let mut attributes = Labels::default();
        attributes.insert("image".into(), "nginx:1.27".into());
        attributes.insert("exitCode".into(), "137".into());
        Event {
            seq: 1,
            host: HostId::new("local").unwrap(),
            time: Timestamp::from_seconds(1_000),
            kind: "container".into(),
            action: action.into(),
            id: "0123456789ab".repeat(5),
            name: name.into(),
            project: Some("shop".into()),
            actor: None,
            error: None,
            attributes,
        }
    }

    fn query(address: &str) -> Result<EventQuery, BadQuery> {
        let mut query = EventQuery::default();
        for pair in address.split('&').filter(|it| !it.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap();
            assert!(query.read(key, value, Timestamp::from_seconds(1_060))?, "{key}");
            assert!(EventQuery::KEYS.contains(&key));
        }
        Ok(query)
    }

    #[test]
    fn an_event_is_found_by_what_names_it() {
        let web = event("web-1", "die");
        assert_eq!(web.exit_code(), Some(137));
        for address in [
            "",
            "kind=image,container",
            "action=die",
            "entity=web-1",
            "entity=01234567",
            "project=shop",
            "q=NGINX+",
            "q=web die",
            "since=1m",
            "since=1970-01-01T00:16:40Z&until=30s",
        ] {
            let address = address.replace('+', "");
            assert!(query(&address).unwrap().matches(&web), "{address}");
        }
        for address in [
            "kind=image",
            "action=start",
            "entity=web",
            "entity=012",
            "project=sho",
            "q=web start",
            "since=59s",
            "until=61s",
            "by=users",
        ] {
            assert!(!query(address).unwrap().matches(&web), "{address}");
        }
    }

    #[test]
    fn noise_is_shown_when_asked_for() {
        for (action, is_noise) in [("exec_create", true), ("top", true), ("die", false), ("health_status", false)] {
            let told = event("web-1", action);
            assert_eq!(query("").unwrap().matches(&told), !is_noise, "{action}");
            assert!(query("noise=true").unwrap().matches(&told), "{action}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_is() {
        for value in ["yesterday", "é", "5y", "-1h", "h"] {
            let error = query(&format!("since={value}")).unwrap_err().to_string();
            assert!(error.contains(value) && error.contains("RFC 3339"), "{error}");
        }
    }
}
