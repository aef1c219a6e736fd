//! Subjects of reads, and those to read after an event.

use crate::{
    model::{ContainerId, ImageId, Key, Kind, NetworkId, VolumeName},
    server::engine::EngineEvent,
};

/// The target of one read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Container(ContainerId),
    /// By id or tag: a pull event has no id.
    Image(String),
    /// An image that an event reports as new: it may be an intermediate image of a build.
    NewImage(ImageId),
    /// All images, for an event with neither id nor tag, such as Podman's for a loaded or committed image.
    Images,
    /// A known image that a list lacks, and whose removal no event has reported. Read from a list, as an inspect finds an
    /// intermediate image too.
    UnlistedImage(ImageId),
    Volume(VolumeName),
    Network(NetworkId),
    /// All networks, for an engine that emits no events for them.
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
        // A commit creates an image, and no image event reports it.
        "container" if event.action == "commit" => [container(id), image(attribute("imageID").unwrap_or_default())],
        "container" => [container(id), None],
        "image" if event.action == "create" => [ImageId::new(id).ok().map(Subject::NewImage), None],
        // The name in a tag event may have been taken from another image: the watcher reads that one, too.
        "image" => [image(id), None],
        // The container's own events change its usage.
        "volume" if matches!(event.action.as_str(), "mount" | "unmount") => [None, None],
        "volume" => [VolumeName::new(id).ok().map(Subject::Volume), None],
        "network" => [NetworkId::new(id).ok().map(Subject::Network), attribute("container").and_then(container)],
        _ => [None, None],
    };
    subjects.into_iter().flatten().collect()
}

/// Whether the event arrives before its effect can be read. Podman writes the result of a health check after it has emitted
/// `exec_died` for the check's command.
pub(super) fn precedes_its_effect(event: &EngineEvent) -> bool {
    event.kind == "container" && event.action == "exec_died"
}

impl Subject {
    /// The subject to read for `key`. `None` for hosts, which the watcher reads when it connects.
    pub(super) fn of(key: &Key) -> Option<Self> {
        match key {
            Key::Container(_, id) => Some(Self::Container(id.clone())),
            Key::Image(_, id) => Some(Self::Image(id.to_string())),
            Key::Volume(_, id) => Some(Self::Volume(id.clone())),
            Key::Network(_, id) => Some(Self::Network(id.clone())),
            Key::Host(_) => None,
        }
    }

    /// The subject to read for a known key that a list lacks.
    pub(super) fn of_missing(key: &Key) -> Option<Self> {
        match key {
            Key::Image(_, id) => Some(Self::UnlistedImage(id.clone())),
            key => Self::of(key),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Container(_) => Kind::Container,
            Self::Image(_) | Self::NewImage(_) | Self::Images | Self::UnlistedImage(_) => Kind::Image,
            Self::Volume(_) => Kind::Volume,
            Self::Network(_) | Self::Networks => Kind::Network,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_event_affects_the_network_and_the_container() {
        let text =
            r#"{"Type":"network","Action":"connect","Actor":{"ID":"abc","Attributes":{"container":"0123456789ab"}}}"#;
        let subjects = subjects(&serde_json::from_str(text).unwrap());
        let container = Subject::Container(ContainerId::new("0123456789ab").unwrap());
        assert_eq!(subjects, [Subject::Network(NetworkId::new("abc").unwrap()), container]);
    }

    /// Events that Podman 4.3.1 emitted during one health check.
    #[test]
    fn podman_container_is_read_after_its_health_check_ends() {
        for (action, is_early) in [("health_status", false), ("exec_died", true)] {
            let text = format!(
                r#"{{"status":"{action}","id":"54fbaae153a6","from":"localhost/quaylight-test/busybox:1","Type":"container","Action":"{action}","Actor":{{"ID":"54fbaae153a6","Attributes":{{"containerExitCode":"1","image":"localhost/quaylight-test/busybox:1","name":"c2","podId":""}}}},"scope":"local","time":1795260404,"timeNano":1795260404972404500}}"#
            );
            let event = serde_json::from_str(&text).unwrap();
            assert_eq!(precedes_its_effect(&event), is_early, "{action}");
            assert_eq!(subjects(&event), [Subject::Container(ContainerId::new("54fbaae153a6").unwrap())]);
        }
    }

    #[test]
    fn event_without_an_image_id_affects_all_images() {
        // Events that Podman 4.3.1 emitted.
        for text in [
            r#"{"status":"loadfromarchive","Type":"image","Action":"loadfromarchive","Actor":{"ID":"","Attributes":{"containerExitCode":"0","image":"","name":"/var/tmp/api_load1","podId":""}},"scope":"local","time":1795260407,"timeNano":1795260407220734000}"#,
            r#"{"status":"commit","id":"d036eacffed6","from":"localhost/quaylight-test/busybox:1","Type":"container","Action":"commit","Actor":{"ID":"d036eacffed6","Attributes":{"containerExitCode":"0","image":"localhost/quaylight-test/busybox:1","name":"c1","podId":""}},"scope":"local","time":1795260407,"timeNano":1795260407116769300}"#,
        ] {
            assert!(subjects(&serde_json::from_str(text).unwrap()).contains(&Subject::Images), "{text}");
        }
    }

    /// Event that Docker 28.5.2 emits for each step of its legacy builder.
    #[test]
    fn created_image_may_be_an_intermediate_one() {
        let id = format!("sha256:{}", "afec983e".repeat(8));
        for (action, subject) in
            [("create", Subject::NewImage(ImageId::new(&id).unwrap())), ("tag", Subject::Image(id.clone()))]
        {
            let text = format!(
                r#"{{"status":"{action}","id":"{id}","Type":"image","Action":"{action}","Actor":{{"ID":"{id}","Attributes":{{"name":"{id}"}}}},"scope":"local"}}"#
            );
            assert_eq!(subjects(&serde_json::from_str(&text).unwrap()), [subject]);
        }
    }

    #[test]
    fn unknown_event_affects_no_entity() {
        for text in [
            r#"{"Type":"pod","Action":"create","Actor":{"ID":"abc"}}"#,
            r#"{"Type":"container","Action":"start","Actor":{"ID":"../../images"}}"#,
            r"{}",
        ] {
            assert_eq!(subjects(&serde_json::from_str(text).unwrap()), [], "{text}");
        }
    }
}
