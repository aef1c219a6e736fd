//! Reference of the protocol's actions and their options, for API documentation. A test compares it with what
//! [`super::action`] parses.

pub struct Described {
    /// `<noun>.<verb>`.
    pub name: &'static str,
    /// The type of the target.
    pub target: &'static str,
    pub options: &'static [ActionOption],
    pub words: &'static str,
    /// Whether the action continues as a task.
    pub is_task: bool,
}

pub struct ActionOption {
    pub name: &'static str,
    pub kind: Kind,
    pub is_required: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Bool,
    Texts,
    /// An object with text values.
    Map,
    Spec,
    Limits,
}

const fn may(name: &'static str, kind: Kind) -> ActionOption {
    ActionOption { name, kind, is_required: false }
}

const fn must(name: &'static str, kind: Kind) -> ActionOption {
    ActionOption { name, kind, is_required: true }
}

const fn act(
    name: &'static str,
    target: &'static str,
    options: &'static [ActionOption],
    words: &'static str,
) -> Described {
    Described { name, target, options, words, is_task: false }
}

const fn task(
    name: &'static str,
    target: &'static str,
    options: &'static [ActionOption],
    words: &'static str,
) -> Described {
    Described { name, target, options, words, is_task: true }
}

const CONTAINER: &str = "a container's id";
const IMAGE: &str = "an image's id";
const IMAGE_NAME: &str = "an image's name";
const NETWORK: &str = "a network's id";
const NEW: &str = "the new name";
const TIMEOUT: &[ActionOption] = &[may("timeout", Kind::Number)];

pub const ACTIONS: &[Described] = &[
    act("container.start", CONTAINER, &[], "Start the container"),
    act(
        "container.stop",
        CONTAINER,
        TIMEOUT,
        "Stop the container; kill it if it doesn't stop within `timeout` seconds",
    ),
    act(
        "container.restart",
        CONTAINER,
        TIMEOUT,
        "Restart the container; kill it if it doesn't stop within `timeout` seconds",
    ),
    act("container.pause", CONTAINER, &[], "Pause all processes of the container"),
    act("container.unpause", CONTAINER, &[], "Resume all processes of a paused container"),
    act("container.kill", CONTAINER, &[may("signal", Kind::Text)], "Send a signal to the container (default: `KILL`)"),
    act("container.rename", CONTAINER, &[must("name", Kind::Text)], "Rename the container"),
    act(
        "container.remove",
        CONTAINER,
        &[may("force", Kind::Bool), may("volumes", Kind::Bool)],
        "Remove the container; `force` also if it is running, `volumes` with its anonymous volumes",
    ),
    act(
        "container.update",
        CONTAINER,
        &[may("limits", Kind::Limits), may("restart", Kind::Text)],
        "Update limits and restart policy without recreating the container; omitted ones stay unchanged",
    ),
    act(
        "container.commit",
        CONTAINER,
        &[must("name", Kind::Text), may("message", Kind::Text)],
        "Create an image from the container's current filesystem",
    ),
    task(
        "container.create",
        NEW,
        &[must("spec", Kind::Spec), may("start", Kind::Bool), may("values_of", Kind::Text)],
        "Create a container; its image is pulled if it is missing",
    ),
    task(
        "container.recreate",
        CONTAINER,
        &[must("spec", Kind::Spec)],
        "Recreate the container; the old one is restored if the new one does not run",
    ),
    act("image.tag", IMAGE, &[must("name", Kind::Text)], "Add a tag to the image"),
    act("image.untag", IMAGE, &[must("name", Kind::Text)], "Remove a tag from the image"),
    act("image.remove", IMAGE, &[may("force", Kind::Bool)], "Remove the image and all its tags"),
    task("image.pull", IMAGE_NAME, &[may("platform", Kind::Text)], "Pull the image from its registry"),
    task("image.push", IMAGE_NAME, &[], "Push the image to the registry in its name"),
    task(
        "image.build",
        NEW,
        &[
            may("dockerfile", Kind::Text),
            may("args", Kind::Map),
            may("target", Kind::Text),
            may("platform", Kind::Text),
            may("no_cache", Kind::Bool),
            may("pull", Kind::Bool),
        ],
        "Build an image from the text of a Dockerfile",
    ),
    act(
        "volume.create",
        NEW,
        &[may("driver", Kind::Text), may("options", Kind::Map), may("labels", Kind::Map)],
        "Create a volume",
    ),
    act("volume.remove", "a volume's name", &[may("force", Kind::Bool)], "Remove the volume and all data in it"),
    act(
        "network.create",
        NEW,
        &[
            may("driver", Kind::Text),
            may("subnet", Kind::Text),
            may("gateway", Kind::Text),
            may("internal", Kind::Bool),
            may("labels", Kind::Map),
        ],
        "Create a network",
    ),
    act(
        "network.connect",
        NETWORK,
        &[must("container", Kind::Text), may("ip", Kind::Text), may("aliases", Kind::Texts)],
        "Connect a container to the network",
    ),
    act(
        "network.disconnect",
        NETWORK,
        &[must("container", Kind::Text), may("force", Kind::Bool)],
        "Disconnect a container from the network",
    ),
    act("network.remove", NETWORK, &[], "Remove the network"),
    task(
        "host.prune",
        "a host's id",
        &[
            may("containers", Kind::Texts),
            may("images", Kind::Texts),
            may("volumes", Kind::Texts),
            may("networks", Kind::Texts),
            may("build_cache", Kind::Bool),
        ],
        "Remove the given items, each only if it is unused",
    ),
    act("task.cancel", "a task's id", &[], "Cancel the task"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ContainerAction, HostId, ImageAction, NetworkAction, VolumeAction},
        wire::action::parse,
    };
    use serde_json::{Map, Value, json};

    fn sample(option: &ActionOption) -> Value {
        match (option.name, option.kind) {
            ("container" | "values_of", _) => json!("0123456789ab"),
            (_, Kind::Text) => json!("web"),
            (_, Kind::Number) => json!(5),
            (_, Kind::Bool) => json!(true),
            ("aliases", _) => json!(["www"]),
            ("volumes" | "networks", _) => json!(["data"]),
            (_, Kind::Texts) => json!(["0123456789ab"]),
            (_, Kind::Map) => json!({"a": "b"}),
            (_, Kind::Spec) => json!({"image": "web"}),
            (_, Kind::Limits) => json!({"memory": 1}),
        }
    }

    fn target(described: &Described) -> &'static str {
        match described.target {
            CONTAINER | IMAGE | NETWORK => "0123456789ab",
            "a task's id" => "1",
            _ => "web",
        }
    }

    fn words(described: &Described, options: &Map<String, Value>) -> Result<(), String> {
        let host = HostId::new("local").unwrap();
        let options = Value::Object(options.clone()).to_string();
        parse(host, described.name, target(described), &options).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn action_reference_matches_the_parser() {
        for it in ACTIONS {
            let all: Map<_, _> = it.options.iter().map(|option| (option.name.to_owned(), sample(option))).collect();
            assert_eq!(words(it, &all), Ok(()), "{}", it.name);
            let needed: Map<_, _> = all
                .clone()
                .into_iter()
                .filter(|(name, _)| it.options.iter().any(|option| option.name == name && option.is_required))
                .collect();
            assert_eq!(words(it, &needed), Ok(()), "{}", it.name);
            for name in needed.keys() {
                let mut without = all.clone();
                without.remove(name);
                assert!(words(it, &without).is_err(), "{} without {name}", it.name);
            }
            // A rejection lists all accepted options.
            let mut one_more = all.clone();
            one_more.insert("zzz".to_owned(), json!(true));
            let refused = words(it, &one_more).unwrap_err();
            let taken = refused.split('`').skip(3).step_by(2).collect::<std::collections::BTreeSet<_>>();
            let listed: std::collections::BTreeSet<_> = it.options.iter().map(|option| option.name).collect();
            assert!(listed.is_empty() || taken == listed, "{}: {refused}", it.name);
        }
    }

    /// The verbs of an enum of actions, from serde's list of what it expects.
    fn verbs<T: serde::de::DeserializeOwned + std::fmt::Debug>() -> Vec<String> {
        let error = serde_json::from_value::<T>(json!("?")).unwrap_err().to_string();
        error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_action_is_described() {
        let all = [
            ("container", verbs::<ContainerAction>()),
            ("image", verbs::<ImageAction>()),
            ("volume", verbs::<VolumeAction>()),
            ("network", verbs::<NetworkAction>()),
        ];
        for (noun, verbs) in all {
            assert!(verbs.len() > 1, "{noun}: {verbs:?}");
            for verb in verbs {
                let name = format!("{noun}.{verb}");
                assert!(ACTIONS.iter().any(|it| it.name == name), "{name} isn't described");
            }
        }
    }
}
