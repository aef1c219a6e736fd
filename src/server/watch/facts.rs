//! Provisional facts: what an event alone states about a container.
//!
//! The engine holds a dying container's lock for 45 to 100 ms: a read waits that long, and a list still reports "running".
//! Clients should not wait for what the event has already stated. The read that follows confirms or corrects it.

use crate::{
    model::Health,
    server::{engine::EngineEvent, state::Fact},
};

pub(super) fn fact(event: &EngineEvent) -> Option<Fact> {
    if event.kind != "container" {
        return None;
    }
    let attribute = |key| event.actor.attributes.get(key);
    match event.action.as_str() {
        "start" => Some(Fact::Started),
        "die" => Some(Fact::Died { exit_code: attribute("exitCode").and_then(|code| code.parse().ok())? }),
        "pause" => Some(Fact::Paused),
        "unpause" => Some(Fact::Unpaused),
        "rename" => Some(Fact::Renamed(attribute("name")?.trim_start_matches('/').to_owned())),
        "destroy" | "remove" => Some(Fact::Destroyed),
        action => {
            let health = action.strip_prefix("health_status:")?.trim();
            Health::parse(health).map(Fact::Health)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, attributes: &str) -> EngineEvent {
        let text = format!(
            r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"0123456789ab","Attributes":{attributes}}},"timeNano":1}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn event_yields_only_the_facts_it_states() {
        for (action, attributes, expected) in [
            ("start", "{}", Some(Fact::Started)),
            ("die", r#"{"exitCode":"137"}"#, Some(Fact::Died { exit_code: 137 })),
            ("die", "{}", None),
            ("pause", "null", Some(Fact::Paused)),
            ("unpause", "{}", Some(Fact::Unpaused)),
            ("rename", r#"{"name":"web-2","oldName":"/web-1"}"#, Some(Fact::Renamed("web-2".into()))),
            ("destroy", "{}", Some(Fact::Destroyed)),
            ("health_status: healthy", "{}", Some(Fact::Health(Health::Healthy))),
            ("health_status: running late", "{}", None),
            ("create", "{}", None),
            ("stop", "{}", None),
            ("update", "{}", None),
        ] {
            assert_eq!(fact(&event(action, attributes)), expected, "{action}");
        }
    }
}
