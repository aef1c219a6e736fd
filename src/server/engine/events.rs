//! Event stream of the engine.

use super::{
    Call, Engine, EngineError, READ_TIMEOUT,
    read::{Lines, or_default},
};
use crate::{
    message,
    model::{Event, HostId, Labels, Timestamp, mask},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Prefixes of the actions that mean something has to be read again. Each run of a health check causes three `exec_*` events,
/// so these are not included. The last three are Podman's only: a `cleanup` removes a dead container's address.
const CHANGES: &[&str] = &[
    "create",
    "start",
    "restart",
    "stop",
    "die",
    "kill",
    "oom",
    "pause",
    "unpause",
    "rename",
    "update",
    "destroy",
    "remove",
    "health_status",
    "commit",
    "tag",
    "untag",
    "delete",
    "pull",
    "push",
    "import",
    "load",
    "connect",
    "disconnect",
    "mount",
    "unmount",
    "prune",
    "reload",
    "build",
    "cleanup",
    "exec_died",
    "loadfromarchive",
];

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EngineEvent {
    /// `container`, `image`, `volume`, `network`, `daemon`, or an unknown kind of a newer engine.
    #[serde(rename = "Type", default, deserialize_with = "or_default")]
    pub kind: String,
    #[serde(rename = "Action", default, deserialize_with = "or_default")]
    pub action: String,
    #[serde(rename = "Actor", default, deserialize_with = "or_default")]
    pub actor: Actor,
    #[serde(rename = "timeNano", default, deserialize_with = "or_default")]
    nanos: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Actor {
    #[serde(rename = "ID", default, deserialize_with = "or_default")]
    pub id: String,
    #[serde(rename = "Attributes", default, deserialize_with = "or_default")]
    pub attributes: BTreeMap<String, String>,
}

impl EngineEvent {
    /// The engine's clock at full precision, in nanoseconds since 1970: two events may share a microsecond.
    pub fn nanos(&self) -> i64 {
        self.nanos
    }

    /// The engine's clock.
    pub fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.nanos / 1_000)
    }

    /// Whether the event may mean a change.
    pub fn is_change(&self) -> bool {
        CHANGES.iter().any(|change| self.action.starts_with(change))
    }

    /// Converts it for the history. The text that the engine appends after a colon is no part of the action's name.
    pub fn of(&self, host: &HostId) -> Event {
        let (action, suffix) = self.action.split_once(':').map_or((self.action.as_str(), None), |(a, b)| (a, Some(b)));
        let attributes = &self.actor.attributes;
        let texts = attributes.iter().map(|(key, value)| (cut(key, LONGEST_KEY), cut(value, LONGEST_VALUE)));
        let mut kept = Labels::default();
        // The event's own attributes take precedence: excess labels are dropped.
        let (labels, own): (Vec<_>, Vec<_>) = texts.partition(|(key, _)| key.contains(['.', '-']));
        for (key, value) in own.into_iter().chain(labels).take(MOST_ATTRIBUTES) {
            kept.insert(key, value);
        }
        if let Some(suffix) = suffix {
            let (key, value) = match action {
                "health_status" => ("health", suffix.trim().to_owned()),
                _ => ("command", mask::command(suffix.trim())),
            };
            kept.insert(key.into(), cut(&value, LONGEST_VALUE));
        }
        let attribute = |key: &str| attributes.get(key).filter(|value| !value.is_empty());
        let name = attribute("name").unwrap_or(&self.actor.id).trim_start_matches('/');
        Event {
            seq: 0,
            host: host.clone(),
            time: self.time(),
            kind: cut(&self.kind, LONGEST_KEY),
            action: cut(action, LONGEST_KEY),
            id: cut(&self.actor.id, LONGEST_VALUE),
            name: cut(name, LONGEST_VALUE),
            project: attribute("com.docker.compose.project").map(|it| cut(it, LONGEST_VALUE)),
            actor: None,
            error: None,
            message: None,
            attributes: kept,
        }
    }

    /// Normalizes the actor to Docker's form: Podman 4 gives volumes and pulled images a name but no id, omits `sha256:` from
    /// an image's id, and sends the container as the actor of a network's connect and disconnect.
    fn with_actor_in_place(mut self) -> Self {
        let Actor { id, attributes } = &mut self.actor;
        match (self.kind.as_str(), self.action.as_str()) {
            // The name in the event is the archive's.
            ("image", "loadfromarchive") => {}
            ("volume" | "image", _) if id.is_empty() => {
                *id = attributes.get("name").cloned().unwrap_or_default();
            }
            ("network", "connect" | "disconnect") if !attributes.contains_key("container") => {
                attributes.insert("container".into(), std::mem::take(id));
            }
            _ => {}
        }
        if self.kind == "image" && id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            id.insert_str(0, "sha256:");
        }
        self
    }
}

/// Limits on attributes, the lengths in bytes. Labels may be 64 KB long, and an event contains all of them.
const LONGEST_VALUE: usize = 512;
const LONGEST_KEY: usize = 128;
const MOST_ATTRIBUTES: usize = 64;

/// Truncates a text to `most` bytes, at a character boundary.
fn cut(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

pub struct Events {
    lines: Lines,
}

impl Engine {
    /// Streams all events from now on, or since a time of the engine's clock, as far back as the engine keeps them.
    pub async fn events(&self, since: Option<Timestamp>) -> Result<Events, EngineError> {
        let since = since
            .map(Timestamp::micros)
            .map(|micros| format!("?since={}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000)));
        let path = format!("/events{}", since.unwrap_or_default());
        Ok(Events { lines: self.reader.lines(Call::Events, &path, READ_TIMEOUT).await? })
    }
}

impl Events {
    /// Returns the next event. Skips lines that are not events. Cancel safe.
    ///
    /// # Errors
    /// Also when the stream ends.
    pub async fn next(&mut self) -> Result<EngineEvent, EngineError> {
        loop {
            let line = self.lines.next().await?;
            let line = line.ok_or_else(|| EngineError::Unreachable(message!("the event stream ended")))?;
            match serde_json::from_slice::<EngineEvent>(&line) {
                Ok(event) => return Ok(event.with_actor_in_place()),
                Err(error) if line.iter().any(|byte| !byte.is_ascii_whitespace()) => {
                    tracing::warn!(%error, "skipped an invalid line of the event stream");
                }
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        serde_json::from_str::<EngineEvent>(text).unwrap().of(&HostId::new("local").unwrap())
    }

    #[test]
    fn history_event_separates_the_action_from_its_details() {
        let command = event(
            r#"{"Type":"container","Action":"exec_create: sh -c 'a: b'","Actor":{"ID":"0123","Attributes":{"name":"web","com.docker.compose.project":"shop"}},"timeNano":1795260308173510200}"#,
        );
        assert_eq!((command.action.as_str(), command.name.as_str()), ("exec_create", "web"));
        assert_eq!(command.attributes.get("command").map(String::as_str), Some("sh ***"));
        assert_eq!((command.project.as_deref(), command.time.micros()), (Some("shop"), 1_795_260_308_173_510));
        let health = event(r#"{"Type":"container","Action":"health_status: unhealthy","Actor":{"ID":"0123"}}"#);
        assert_eq!((health.action.as_str(), health.name.as_str()), ("health_status", "0123"));
        assert_eq!(health.attributes.get("health").map(String::as_str), Some("unhealthy"));
    }

    #[test]
    fn excess_labels_do_not_displace_event_attributes() {
        let labels: Vec<String> =
            (0..1_000).map(|number| format!(r#""a.label-{number:04}":"{}""#, "é".repeat(1_000))).collect();
        let text = format!(
            r#"{{"Type":"container","Action":"die","Actor":{{"ID":"0123","Attributes":{{{},"exitCode":"137","name":"web"}}}}}}"#,
            labels.join(",")
        );
        let event = event(&text);
        assert_eq!((event.exit_code(), event.attributes.len()), (Some(137), MOST_ATTRIBUTES));
        assert!(event.attributes.iter().all(|(_, value)| value.len() <= LONGEST_VALUE));
    }

    #[test]
    fn exec_and_top_events_are_not_changes() {
        for (action, is_change) in [
            ("exec_create: sh -c check", false),
            ("exec_start: sh", false),
            ("exec_die", false),
            ("top", false),
            ("exec_died", true),
            ("health_status: healthy", true),
            ("die", true),
        ] {
            let text = format!(r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"0123"}}}}"#);
            assert_eq!(serde_json::from_str::<EngineEvent>(&text).unwrap().is_change(), is_change, "{action}");
        }
    }

    /// The events are from Podman 4.3.1.
    #[test]
    fn podman_event_gets_its_actor_id() {
        let event = |kind: &str, action: &str, id: &str, name: &str| {
            let text = format!(
                r#"{{"status":"{action}","Type":"{kind}","Action":"{action}","Actor":{{"ID":"{id}","Attributes":{{"containerExitCode":"0","image":"","name":"{name}","podId":""}}}},"scope":"local","time":1795260308,"timeNano":1795260308173510200}}"#
            );
            serde_json::from_str::<EngineEvent>(&text).unwrap().with_actor_in_place()
        };
        let id = "54fbaae153a6f6d0".repeat(4);
        assert_eq!(event("volume", "create", "", "v1").actor.id, "v1");
        assert_eq!(event("image", "pull", "", "quaylight-test/busybox:1").actor.id, "quaylight-test/busybox:1");
        assert_eq!(event("image", "delete", &id, "localhost/foo:1").actor.id, format!("sha256:{id}"));
        assert_eq!(event("image", "build", "", &id).actor.id, format!("sha256:{id}"));
        let connect = event("network", "connect", &id, "web-1");
        assert_eq!((connect.actor.id.as_str(), connect.actor.attributes.get("container")), ("", Some(&id)));
        assert_eq!(event("image", "loadfromarchive", "", "/var/tmp/api_load1").actor.id, "");
    }
}
