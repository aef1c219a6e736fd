//! What users can do to the engine's things, by the names of the protocol: `<noun>.<verb>`.

use super::{ContainerId, HostId, InvalidId, Permission};
use serde::{Deserialize, Serialize};

/// One action on one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Container(HostId, ContainerId, ContainerAction),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerAction {
    Start,
    /// Seconds until the engine kills it; its own default without.
    Stop {
        timeout: Option<u32>,
    },
    Restart {
        timeout: Option<u32>,
    },
    Pause,
    Unpause,
    Kill {
        signal: Option<String>,
    },
    Remove {
        force: bool,
        volumes: bool,
    },
}

/// The options of the protocol's `action` message; each action takes its own and refuses the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActionOptions {
    pub timeout: Option<u32>,
    pub signal: Option<String>,
    pub force: Option<bool>,
    pub volumes: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownAction {
    #[error("there is no action \"{0}\"")]
    Name(String),
    #[error("{0} takes no option \"{1}\"")]
    Option(String, &'static str),
    #[error(transparent)]
    Target(#[from] InvalidId),
}

impl Action {
    /// The action that `name`, `target` and `options` of the protocol spell.
    pub fn parse(host: HostId, name: &str, target: &str, mut options: ActionOptions) -> Result<Self, UnknownAction> {
        let action = match name {
            "container.start" => ContainerAction::Start,
            "container.stop" => ContainerAction::Stop { timeout: options.timeout.take() },
            "container.restart" => ContainerAction::Restart { timeout: options.timeout.take() },
            "container.pause" => ContainerAction::Pause,
            "container.unpause" => ContainerAction::Unpause,
            "container.kill" => ContainerAction::Kill { signal: options.signal.take() },
            "container.remove" => ContainerAction::Remove {
                force: options.force.take().unwrap_or_default(),
                volumes: options.volumes.take().unwrap_or_default(),
            },
            _ => return Err(UnknownAction::Name(name.chars().take(80).collect())),
        };
        let left_over = [
            ("timeout", options.timeout.is_some()),
            ("signal", options.signal.is_some()),
            ("force", options.force.is_some()),
            ("volumes", options.volumes.is_some()),
        ];
        if let Some((option, _)) = left_over.into_iter().find(|(_, given)| *given) {
            return Err(UnknownAction::Option(name.to_owned(), option));
        }
        Ok(Self::Container(host, ContainerId::new(target)?, action))
    }

    /// What the caller must be allowed to.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Container(_, _, ContainerAction::Remove { .. }) => Permission::Remove,
            Self::Container(..) => Permission::Operate,
        }
    }
}

impl ContainerAction {
    /// The word on the button.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Stop { .. } => "Stop",
            Self::Restart { .. } => "Restart",
            Self::Pause => "Pause",
            Self::Unpause => "Unpause",
            Self::Kill { .. } => "Kill",
            Self::Remove { .. } => "Remove",
        }
    }

    /// Whether an owner's `quaylight.protect=true` forbids it.
    pub fn ends_the_container(&self) -> bool {
        matches!(self, Self::Stop { .. } | Self::Restart { .. } | Self::Kill { .. } | Self::Remove { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, target: &str, options: ActionOptions) -> Result<Action, UnknownAction> {
        Action::parse(HostId::new("local").unwrap(), name, target, options)
    }

    #[test]
    fn an_action_refuses_what_it_does_not_know() {
        let id = "0123456789ab";
        let signal = ActionOptions { signal: Some("HUP".into()), ..ActionOptions::default() };
        assert!(parse("container.kill", id, signal.clone()).is_ok());
        assert_eq!(parse("container.stop", id, signal), Err(UnknownAction::Option("container.stop".into(), "signal")));
        assert!(matches!(parse("container.explode", id, ActionOptions::default()), Err(UnknownAction::Name(_))));
        assert!(matches!(parse("container.start", "../x", ActionOptions::default()), Err(UnknownAction::Target(_))));
    }

    #[test]
    fn removing_needs_more_than_stopping() {
        let id = "0123456789ab";
        let permission = |name| parse(name, id, ActionOptions::default()).unwrap().permission();
        assert_eq!(permission("container.stop"), Permission::Operate);
        assert_eq!(permission("container.remove"), Permission::Remove);
    }
}
