//! Parser of the protocol's `action` message.
//!
//! An action's options are the fields of its enum: a new field is accepted automatically, and all other options are
//! rejected.

use crate::model::{
    Action, ContainerAction, ContainerId, ContainerName, ContainerSpec, HostId, ImageAction, ImageId, ImageName,
    InvalidId, Job, NetworkAction, NetworkId, NetworkName, NewNetwork, Request, TaskId, VolumeAction, VolumeName,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownAction {
    #[error("unknown action \"{0}\"")]
    Name(String),
    #[error("{0} doesn't accept option \"{1}\"")]
    Option(String, String),
    #[error("{0}: {1}")]
    Options(String, String),
    #[error(transparent)]
    Target(#[from] InvalidId),
    #[error("a task ID must be a number")]
    Task,
}

/// Parses an action's `name`, `target` and `options` (a JSON object).
pub fn parse(host: HostId, name: &str, target: &str, options: &str) -> Result<Request, UnknownAction> {
    let unknown = || UnknownAction::Name(name.chars().take(80).collect());
    let bad = |error: serde_json::Error| UnknownAction::Options(name.to_owned(), error.to_string());
    let (noun, verb) = name.split_once('.').ok_or_else(unknown)?;
    let asked = Asked { name, verb, options: serde_json::from_str(options).map_err(bad)? };
    let job = match name {
        "image.pull" => Job::Pull(ImageName::new(target)?, asked.whole().map_err(bad)?),
        "image.push" => {
            let Nothing {} = asked.whole().map_err(bad)?;
            Job::Push(ImageName::new(target)?)
        }
        "image.build" => Job::Build(ImageName::new(target)?, asked.whole().map_err(bad)?),
        "container.create" => Job::Create(ContainerName::new(target)?, asked.whole().map_err(bad)?),
        "container.recreate" => {
            let NewSpec { spec } = asked.whole().map_err(bad)?;
            Job::Recreate(ContainerId::new(target)?, spec)
        }
        "host.prune" => return Ok(Request::Start(HostId::new(target)?, Job::Prune(asked.whole().map_err(bad)?))),
        "task.cancel" => {
            let Nothing {} = asked.whole().map_err(bad)?;
            let id = target.parse().map_err(|_| UnknownAction::Task)?;
            return Ok(Request::CancelTask(host, TaskId(id)));
        }
        _ => return action(host, noun, target, asked).map(Request::Act),
    };
    Ok(Request::Start(host, job))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSpec {
    spec: Box<ContainerSpec>,
}

fn action(host: HostId, noun: &str, target: &str, asked: Asked) -> Result<Action, UnknownAction> {
    Ok(match noun {
        "container" => {
            let action: ContainerAction = asked.read()?;
            Action::Container(host, ContainerId::new(target)?, action)
        }
        "image" => {
            let action: ImageAction = asked.read()?;
            Action::Image(host, ImageId::new(target)?, action)
        }
        "volume" => {
            let action: VolumeAction = asked.read()?;
            Action::Volume(host, VolumeName::new(target)?, action)
        }
        "network" if asked.verb == "create" => {
            let name = asked.name.to_owned();
            let new: NewNetwork = asked.whole().map_err(|error| UnknownAction::Options(name, error.to_string()))?;
            Action::CreateNetwork(host, NetworkName::new(target)?, new)
        }
        "network" => {
            let action: NetworkAction = asked.read()?;
            Action::Network(host, NetworkId::new(target)?, action)
        }
        _ => return Err(UnknownAction::Name(asked.name.chars().take(80).collect())),
    })
}

struct Asked<'a> {
    name: &'a str,
    verb: &'a str,
    options: Map<String, Value>,
}

impl Asked<'_> {
    /// Parses the options of a request that is not a verb on an existing entity.
    fn whole<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_value(Value::Object(self.options))
    }

    fn read<T: DeserializeOwned>(self) -> Result<T, UnknownAction> {
        let name = || self.name.chars().take(80).collect();
        // An action without options is serialized as the bare verb.
        if let Ok(action) = serde_json::from_value(Value::String(self.verb.to_owned())) {
            return match self.options.keys().next() {
                None => Ok(action),
                Some(option) => Err(UnknownAction::Option(name(), option.clone())),
            };
        }
        let tagged = Map::from_iter([(self.verb.to_owned(), Value::Object(self.options))]);
        serde_json::from_value(Value::Object(tagged)).map_err(|error| match error.to_string() {
            words if words.starts_with("unknown variant") => UnknownAction::Name(name()),
            words => UnknownAction::Options(name(), words),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Build, Permission, Prune};

    const ID: &str = "0123456789ab";

    fn parsed(name: &str, target: &str, options: &str) -> Result<Request, UnknownAction> {
        parse(HostId::new("local").unwrap(), name, target, options)
    }

    #[test]
    fn unknown_actions_and_options_are_rejected() {
        assert!(parsed("container.kill", ID, r#"{"signal": "HUP"}"#).is_ok());
        assert!(parsed("container.kill", ID, "{}").is_ok());
        let words = |name, options| parsed(name, ID, options).unwrap_err().to_string();
        assert_eq!(
            words("container.stop", r#"{"signal": "HUP"}"#),
            "container.stop: unknown field `signal`, expected `timeout`"
        );
        assert_eq!(
            words("container.start", r#"{"signal": "HUP"}"#),
            "container.start doesn't accept option \"signal\""
        );
        assert_eq!(words("container.explode", "{}"), "unknown action \"container.explode\"");
        assert_eq!(words("start", "{}"), "unknown action \"start\"");
        assert_eq!(words("pod.start", "{}"), "unknown action \"pod.start\"");
        assert!(matches!(parsed("container.start", "../x", "{}"), Err(UnknownAction::Target(_))));
        assert!(matches!(parsed("image.tag", ID, r#"{"name": "../x"}"#), Err(UnknownAction::Options(..))));
        assert!(matches!(parsed("container.stop", ID, "[]"), Err(UnknownAction::Options(..))));
    }

    #[test]
    fn every_resource_kind_has_its_actions() {
        let name = ImageName::new("registry:5000/team/web:1.2").unwrap();
        let host = || HostId::new("local").unwrap();
        let image = ImageId::new(ID).unwrap();
        assert_eq!(
            parsed("image.tag", ID, r#"{"name": "registry:5000/team/web:1.2"}"#),
            Ok(Request::Act(Action::Image(host(), image, ImageAction::Tag { name })))
        );
        let network = NetworkName::new("front").unwrap();
        let new = NewNetwork { internal: true, ..NewNetwork::default() };
        assert_eq!(
            parsed("network.create", "front", r#"{"internal": true}"#),
            Ok(Request::Act(Action::CreateNetwork(host(), network, new)))
        );
        for name in ["volume.create", "volume.remove", "network.remove", "image.remove", "container.remove"] {
            assert!(parsed(name, ID, "{}").is_ok(), "{name}");
        }
    }

    #[test]
    fn long_running_actions_are_parsed_as_jobs() {
        let host = || HostId::new("local").unwrap();
        let name = ImageName::new("web:1").unwrap();
        let build = Build { dockerfile: "FROM scratch".into(), ..Build::default() };
        assert_eq!(
            parsed("image.build", "web:1", r#"{"dockerfile": "FROM scratch"}"#),
            Ok(Request::Start(host(), Job::Build(name.clone(), build)))
        );
        assert_eq!(parsed("image.push", "web:1", "{}"), Ok(Request::Start(host(), Job::Push(name))));
        let prune = Prune { images: vec![ImageId::new(ID).unwrap()], ..Prune::default() };
        assert_eq!(
            parsed("host.prune", "local", r#"{"images": ["0123456789ab"]}"#),
            Ok(Request::Start(host(), Job::Prune(prune)))
        );
        assert_eq!(parsed("task.cancel", "12", "{}"), Ok(Request::CancelTask(host(), TaskId(12))));
        assert_eq!(parsed("task.cancel", "x", "{}"), Err(UnknownAction::Task));
        assert!(matches!(parsed("image.push", "web:1", r#"{"x": 1}"#), Err(UnknownAction::Options(..))));
    }

    #[test]
    fn remove_requires_a_higher_permission_than_stop() {
        let permission = |name| parsed(name, ID, "{}").unwrap().permission();
        assert_eq!(permission("container.stop"), Permission::Operate);
        assert_eq!(permission("container.remove"), Permission::Remove);
        assert_eq!(permission("volume.create"), Permission::Create);
        assert_eq!(permission("image.pull"), Permission::Create);
        assert_eq!(permission("host.prune"), Permission::Remove);
    }
}
