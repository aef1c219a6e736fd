//! Which entities an event gives reason to read again.

use crate::{
    model::{ContainerId, ImageId, Key, NetworkId, VolumeName},
    server::engine::EngineEvent,
};

/// Something to read. An image may be known by its tag only: a pull says no id. All of them are listed where an event
/// says neither, as Podman's do of an image loaded or committed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Container(ContainerId),
    Image(String),
    Images,
    /// One that was known and is not listed, and that no event has told of.
    Unlisted(ImageId),
    Volume(VolumeName),
    Network(NetworkId),
    /// All of them, of an engine that tells of none by an event.
    Networks,
}

pub(super) fn subjects(event: &EngineEvent) -> Vec<Subject> {
    let id = event.actor.id.as_str();
    let attribute = |key| event.actor.attributes.get(key).map(String::as_str);
    let container = |id: &str| ContainerId::new(id).ok().map(Subject::Container);
    let image = |reference: &str| match reference {
        "" => Some(Subject::Images),
        reference => Some(Subject::Image(reference.to_owned())),
    };
    let subjects = match event.kind.as_str() {
        // A commit makes an image, and no event of the image's own says so.
        "container" if event.action == "commit" => [container(id), image(attribute("imageID").unwrap_or_default())],
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

/// Whether what the event tells of is not to be read yet. Podman says `health_status` as a check begins and `exec_died`
/// as its command ends; only then the result is written.
pub(super) fn comes_early(event: &EngineEvent) -> bool {
    event.kind == "container" && event.action == "exec_died"
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

    /// As Podman 4.3.1 wrote them during one health check.
    #[test]
    fn a_health_check_of_podmans_is_read_after_its_end() {
        for (action, is_early) in [("health_status", false), ("exec_died", true)] {
            let text = format!(
                r#"{{"status":"{action}","id":"54fbaae153a6","from":"localhost/quaylight-test/busybox:1","Type":"container","Action":"{action}","Actor":{{"ID":"54fbaae153a6","Attributes":{{"containerExitCode":"1","image":"localhost/quaylight-test/busybox:1","name":"c2","podId":""}}}},"scope":"local","time":1795260404,"timeNano":1795260404972404500}}"#
            );
            let event = serde_json::from_str(&text).unwrap();
            assert_eq!(comes_early(&event), is_early, "{action}");
            assert_eq!(subjects(&event), [Subject::Container(ContainerId::new("54fbaae153a6").unwrap())]);
        }
    }

    #[test]
    fn an_image_that_an_event_leaves_out_is_looked_for_among_all() {
        // As Podman 4.3.1 wrote them.
        for text in [
            r#"{"status":"loadfromarchive","Type":"image","Action":"loadfromarchive","Actor":{"ID":"","Attributes":{"containerExitCode":"0","image":"","name":"/var/tmp/api_load1","podId":""}},"scope":"local","time":1795260407,"timeNano":1795260407220734000}"#,
            r#"{"status":"commit","id":"d036eacffed6","from":"localhost/quaylight-test/busybox:1","Type":"container","Action":"commit","Actor":{"ID":"d036eacffed6","Attributes":{"containerExitCode":"0","image":"localhost/quaylight-test/busybox:1","name":"c1","podId":""}},"scope":"local","time":1795260407,"timeNano":1795260407116769300}"#,
        ] {
            assert!(subjects(&serde_json::from_str(text).unwrap()).contains(&Subject::Images), "{text}");
        }
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
