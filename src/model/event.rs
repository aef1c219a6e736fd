//! Events: an engine's events and the actions of users, as the history stores them.

use super::{AccessScope, HostId, Labels, Message, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Ascending in the order in which the events became known. Has gaps.
    pub seq: u64,
    pub host: HostId,
    /// The engine's clock, or the server's for a user's action.
    pub time: Timestamp,
    /// `container`, `image`, `volume`, `network`, `daemon`, or a kind of a later engine.
    pub kind: String,
    /// The engine's name of the event (`die`, `exec_create`), or the verb of a user's action.
    pub action: String,
    /// The entity's id. Empty if the engine doesn't report it.
    pub id: String,
    /// The entity's name at that time.
    pub name: String,
    /// The entity's Compose project.
    pub project: Option<String>,
    /// The user who did it. `None` for the engine's events.
    pub actor: Option<String>,
    /// Why it failed. Also `None` for events that can't fail.
    pub error: Option<Message>,
    /// Details beyond its action, such as the value that an alert measured.
    pub message: Option<Message>,
    /// All other attributes, including labels.
    pub attributes: Labels,
}

/// Events that most users don't look for. Each run of a health check alone emits three of them, and each listing of a
/// folder one.
pub fn is_noise(kind: &str, action: &str) -> bool {
    kind == "container" && (action.starts_with("exec") || matches!(action, "archive-path" | "top" | "resize"))
}

impl Event {
    pub fn is_noise(&self) -> bool {
        self.actor.is_none() && is_noise(&self.kind, &self.action)
    }

    /// The exit code, for events of an ended process.
    pub fn exit_code(&self) -> Option<i64> {
        self.attributes.get("exitCode")?.parse().ok()
    }
}

/// An event query. Empty fields don't filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    pub kinds: Vec<String>,
    pub actions: Vec<String>,
    /// A name, an id or the prefix of an id.
    pub entity: String,
    pub project: String,
    /// Words that all occur in the fields naming an event: its entity, project, image, action or actor.
    pub text: String,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Includes [noise](is_noise).
    pub noise: bool,
    /// Only actions of users.
    pub by_users: bool,
    /// If set, of the events of the kind `user` only those by this user. Not a key of a URL query.
    pub user_events_by: Option<String>,
    /// If set, only events of containers in this scope. Not a key of a URL query.
    pub scope: Option<AccessScope>,
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

/// The query `around` covers ten minutes before and after a time, in microseconds.
const AROUND: i64 = 600 * 1_000_000;

/// The minimum length of an id prefix.
const SHORTEST_ID: usize = 4;

impl EventQuery {
    /// The keys that [`Self::read`] accepts.
    pub const KEYS: [&str; 10] =
        ["kind", "action", "entity", "project", "q", "since", "until", "around", "noise", "by"];

    /// Reads one key of a URL query. Returns false if the key is unknown.
    pub fn read(&mut self, key: &str, value: &str, now: Timestamp) -> Result<bool, BadQuery> {
        let bad = |expected| BadQuery::new(key, value, expected);
        let words = || value.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let moment = || match value {
            "" => Ok(None),
            text => moment(text, now)
                .map(Some)
                .ok_or_else(|| bad("use an RFC 3339 time or an age such as 90s, 15m, 24h or 7d")),
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
            "by" => return Err(bad("must be users or empty")),
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub fn matches(&self, event: &Event) -> bool {
        (self.noise || !event.is_noise())
            && (!self.by_users || event.actor.is_some())
            && self.scope.as_ref().is_none_or(|scope| scope.includes_event(event))
            && self.shows_user_events(&event.kind, event.actor.as_deref().unwrap_or_default())
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.actions.is_empty() || self.actions.contains(&event.action))
            && (self.project.is_empty() || event.project.as_ref() == Some(&self.project))
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time <= until)
            && (self.entity.is_empty() || self.is_of_entity(event))
            && self.words().all(|word| mentions(event, &word))
    }

    /// Whether `user_events_by` allows an event of this kind and actor.
    pub fn shows_user_events(&self, kind: &str, actor: &str) -> bool {
        kind != "user" || self.user_events_by.as_ref().is_none_or(|only| only == actor)
    }

    fn is_of_entity(&self, event: &Event) -> bool {
        let digits = |id: &str| id.strip_prefix("sha256:").unwrap_or(id).to_owned();
        let is_id = self.entity.len() >= SHORTEST_ID && digits(&event.id).starts_with(&digits(&self.entity));
        is_id || event.name == self.entity || event.id == self.entity
    }

    /// The id prefix without `sha256:`, if `entity` may be one.
    pub fn id_beginning(&self) -> Option<&str> {
        let digits = self.entity.strip_prefix("sha256:").unwrap_or(&self.entity);
        (self.entity.len() >= SHORTEST_ID && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
    }

    /// The words of `text` in lower case.
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

/// Parses a time in RFC 3339, or a duration before `now`.
pub fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let seconds = |unit: char| {
        Some(match unit {
            's' => 1_i64,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        })
    };
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        // Durations that reach back before 1970 are clamped to 1970. They must not wrap into the future, and engines
        // accept no earlier time.
        let micros = seconds(unit.chars().next()?)?.saturating_mul(1_000_000);
        let micros = number.parse::<u32>().ok().map(i64::from)?.saturating_mul(micros);
        Some(Timestamp::from_micros(now.micros().saturating_sub(micros).max(0)))
    };
    ago().or_else(|| Timestamp::parse(text))
}

/// Whether events are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SaidStatus", into = "SaidStatus")]
pub enum HistoryStatus {
    Recording,
    /// The server keeps running without a history, and retries from time to time.
    Off {
        reason: Message,
    },
}

/// The serialized form.
#[derive(Serialize, Deserialize)]
struct SaidStatus {
    recording: bool,
    reason: Option<Message>,
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

/// A page of events, and what is needed to load the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    pub events: Vec<Event>,
    /// There are more events. The next page starts with those before this page.
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
            message: None,
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
    fn query_matches_an_event_by_each_filter() {
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
    fn since_before_the_epoch_is_clamped_to_the_epoch() {
        for since in ["4294967295d", "106751992d", "4294967295h"] {
            let query = query(&format!("since={since}")).unwrap();
            assert_eq!(query.since, Some(Timestamp::default()), "{since}");
            assert!(query.matches(&event("web-1", "die")), "{since}");
        }
    }

    #[test]
    fn noise_is_hidden_unless_requested() {
        for (action, is_noise) in [
            ("exec_create", true),
            ("top", true),
            ("archive-path", true),
            ("extract-to-dir", false),
            ("die", false),
            ("health_status", false),
        ] {
            let event = event("web-1", action);
            assert_eq!(query("").unwrap().matches(&event), !is_noise, "{action}");
            assert!(query("noise=true").unwrap().matches(&event), "{action}");
        }
    }

    #[test]
    fn invalid_time_is_rejected_with_the_accepted_formats() {
        for value in ["yesterday", "é", "5y", "-1h", "h"] {
            let error = query(&format!("since={value}")).unwrap_err().to_string();
            assert!(error.contains(value) && error.contains("RFC 3339"), "{error}");
        }
    }
}
