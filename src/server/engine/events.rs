//! The engine's event stream.

use super::{
    Engine, EngineError, READ_PATIENCE,
    read::{Lines, or_default, percent_encode},
};
use crate::model::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is asked for. Health checks alone cause three `exec_*` events a run: they are not among these. The engine takes
/// each as a prefix as soon as `health_status` is one of them.
///
/// The last four are Podman's alone: it says `die` but must be asked for `died`; a `cleanup` takes a dead container's
/// address away.
const ACTIONS: &[&str] = &[
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
    "died",
    "cleanup",
    "exec_died",
    "loadfromarchive",
];

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EngineEvent {
    /// `container`, `image`, `volume`, `network`, `daemon`, or what the next engine thinks of.
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
    /// The engine's clock, as exactly as it says it: two events may share a microsecond.
    pub fn nanos(&self) -> i64 {
        self.nanos
    }

    /// The engine's clock.
    pub fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.nanos / 1_000)
    }

    /// With its actor as Docker puts it: Podman 4 gives volumes and pulled images a name and no id, leaves `sha256:` out
    /// of an image's, and puts the container in the place of the network that it is connected to.
    fn with_actor_in_place(mut self) -> Self {
        let Actor { id, attributes } = &mut self.actor;
        match (self.kind.as_str(), self.action.as_str()) {
            // Its name is the archive's.
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

pub struct Events {
    lines: Lines,
}

impl Engine {
    /// The events from now on, or from a moment of the engine's clock on, as far back as it remembers.
    pub async fn events(&self, since: Option<Timestamp>) -> Result<Events, EngineError> {
        let filters = serde_json::json!({
            "type": ["container", "image", "volume", "network", "daemon"],
            "event": ACTIONS,
        });
        let mut path = format!("/events?filters={}", percent_encode(&filters.to_string(), b""));
        if let Some(since) = since {
            let micros = since.micros();
            path.push_str(&format!("&since={}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000)));
        }
        Ok(Events { lines: self.reader.lines(&path, READ_PATIENCE).await? })
    }
}

impl Events {
    /// The next event; an error when the stream has ended. A line that is no event is passed over. Cancel safe.
    pub async fn next(&mut self) -> Result<EngineEvent, EngineError> {
        loop {
            let line = self.lines.next().await?;
            let line = line.ok_or_else(|| EngineError::Unreachable("its event stream ended".into()))?;
            match serde_json::from_slice::<EngineEvent>(&line) {
                Ok(event) => return Ok(event.with_actor_in_place()),
                Err(error) if line.iter().any(|byte| !byte.is_ascii_whitespace()) => {
                    tracing::warn!(%error, "passed over a line of the event stream");
                }
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Podman 4.3.1 wrote them.
    #[test]
    fn podmans_events_name_what_they_are_about() {
        let told = |kind: &str, action: &str, id: &str, name: &str| {
            let text = format!(
                r#"{{"status":"{action}","Type":"{kind}","Action":"{action}","Actor":{{"ID":"{id}","Attributes":{{"containerExitCode":"0","image":"","name":"{name}","podId":""}}}},"scope":"local","time":1795260308,"timeNano":1795260308173510200}}"#
            );
            serde_json::from_str::<EngineEvent>(&text).unwrap().with_actor_in_place()
        };
        let id = "54fbaae153a6f6d0".repeat(4);
        assert_eq!(told("volume", "create", "", "v1").actor.id, "v1");
        assert_eq!(told("image", "pull", "", "quaylight-test/busybox:1").actor.id, "quaylight-test/busybox:1");
        assert_eq!(told("image", "delete", &id, "localhost/foo:1").actor.id, format!("sha256:{id}"));
        assert_eq!(told("image", "build", "", &id).actor.id, format!("sha256:{id}"));
        let connect = told("network", "connect", &id, "web-1");
        assert_eq!((connect.actor.id.as_str(), connect.actor.attributes.get("container")), ("", Some(&id)));
        assert_eq!(told("image", "loadfromarchive", "", "/var/tmp/api_load1").actor.id, "");
    }
}
