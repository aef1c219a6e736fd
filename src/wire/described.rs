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
    act("container.start", CONTAINER, &[], "Start it"),
    act("container.stop", CONTAINER, TIMEOUT, "Stop it; after `timeout` seconds it is killed"),
    act("container.restart", CONTAINER, TIMEOUT, "Stop it, and start it again"),
    act("container.pause", CONTAINER, &[], "Freeze all that runs in it"),
    act("container.unpause", CONTAINER, &[], "Let it go on"),
    act("container.kill", CONTAINER, &[may("signal", Kind::Text)], "Send it a signal, `KILL` unless told"),
    act("container.rename", CONTAINER, &[must("name", Kind::Text)], "Call it something else"),
    act(
        "container.remove",
        CONTAINER,
        &[may("force", Kind::Bool), may("volumes", Kind::Bool)],
        "Remove it; `force` where it runs, `volumes` with its anonymous ones",
    ),
    act(
        "container.update",
        CONTAINER,
        &[may("limits", Kind::Limits), may("restart", Kind::Text)],
        "Change limits and restart policy while it runs; what is not said stays",
    ),
    act(
        "container.commit",
        CONTAINER,
        &[must("name", Kind::Text), may("message", Kind::Text)],
        "Make an image of what it has in its file system now",
    ),
    task(
        "container.create",
        NEW,
        &[must("spec", Kind::Spec), may("start", Kind::Bool), may("values_of", Kind::Text)],
        "Make one, pulling its image where it is missing",
    ),
    task(
        "container.recreate",
        CONTAINER,
        &[must("spec", Kind::Spec)],
        "Put another one in its place, which comes back where the new one does not run",
    ),
    act("image.tag", IMAGE, &[must("name", Kind::Text)], "Give it one more name"),
    act("image.untag", IMAGE, &[must("name", Kind::Text)], "Take a name from it"),
    act("image.remove", IMAGE, &[may("force", Kind::Bool)], "Remove it with all its names"),
    task("image.pull", IMAGE_NAME, &[may("platform", Kind::Text)], "Get it from its registry"),
    task("image.push", IMAGE_NAME, &[], "Bring it to the registry that its name begins with"),
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
        "Build one from the text of a Dockerfile",
    ),
    act(
        "volume.create",
        NEW,
        &[may("driver", Kind::Text), may("options", Kind::Map), may("labels", Kind::Map)],
        "Make a volume",
    ),
    act("volume.remove", "a volume's name", &[may("force", Kind::Bool)], "Remove it, with all that is in it"),
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
        "Make a network",
    ),
    act(
        "network.connect",
        NETWORK,
        &[must("container", Kind::Text), may("ip", Kind::Text), may("aliases", Kind::Texts)],
        "Put a container on it",
    ),
    act(
        "network.disconnect",
        NETWORK,
        &[must("container", Kind::Text), may("force", Kind::Bool)],
        "Take a container off it",
    ),
    act("network.remove", NETWORK, &[], "Remove it"),
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
        "Remove these, each only where nothing uses it",
    ),
    act("task.cancel", "a task's id", &[], "Break it off"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::HostId, wire::action::parse};
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
    fn what_is_described_is_what_is_read() {
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
            let told: std::collections::BTreeSet<_> = it.options.iter().map(|option| option.name).collect();
            assert!(told.is_empty() || taken == told, "{}: {refused}", it.name);
        }
    }
}
