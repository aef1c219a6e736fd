//! Which entities an event gives reason to read again.

use crate::{
    model::{ContainerId, Key, NetworkId, VolumeName},
    server::engine::EngineEvent,
};

/// Something to read. An image may be known by its tag only: a pull says no id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Container(ContainerId),
    Image(String),
    Volume(VolumeName),
    Network(NetworkId),
}

pub(super) fn subjects(event: &EngineEvent) -> Vec<Subject> {
    let id = event.actor.id.as_str();
    let attribute = |key| event.actor.attributes.get(key).map(String::as_str);
    let container = |id: &str| ContainerId::new(id).ok().map(Subject::Container);
    let image = |reference: &str| (!reference.is_empty()).then(|| Subject::Image(reference.to_owned()));
    let subjects = match event.kind.as_str() {
        // A commit makes an image, and no event of the image's own says so.
        "container" if event.action == "commit" => [container(id), attribute("imageID").and_then(image)],
        "container" => [container(id), None],
        // A tag event's name may have been taken from another image: `reads.rs` looks for that.
        "image" => [image(id), None],
        "volume" if matches!(event.action.as_str(), "mount" | "unmount") => [None, None],
        "volume" => [VolumeName::new(id).ok().map(Subject::Volume), None],
        "network" => [NetworkId::new(id).ok().map(Subject::Network), attribute("container").and_then(container)],
        _ => [None, None],
    };
    subjects.into_iter().flatten().collect()
}

impl Subject {
    /// What to read to know of `key`. Hosts are described, not read.
    pub(super) fn of(key: &Key) -> Option<Self> {
        match key {
            Key::Container(_, id) => Some(Self::Container(id.clone())),
            Key::Image(_, id) => Some(Self::Image(id.to_string())),
            Key::Volume(_, id) => Some(Self::Volume(id.clone())),
            Key::Network(_, id) => Some(Self::Network(id.clone())),
            Key::Host(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_concerns_the_network_and_the_container() {
        let text =
            r#"{"Type":"network","Action":"connect","Actor":{"ID":"abc","Attributes":{"container":"0123456789ab"}}}"#;
        let subjects = subjects(&serde_json::from_str(text).unwrap());
        let container = Subject::Container(ContainerId::new("0123456789ab").unwrap());
        assert_eq!(subjects, [Subject::Network(NetworkId::new("abc").unwrap()), container]);
    }

    #[test]
    fn what_nobody_knows_concerns_nothing() {
        for text in [
            r#"{"Type":"pod","Action":"create","Actor":{"ID":"abc"}}"#,
            r#"{"Type":"container","Action":"start","Actor":{"ID":"../../images"}}"#,
            r"{}",
        ] {
            assert_eq!(subjects(&serde_json::from_str(text).unwrap()), [], "{text}");
        }
    }
}
