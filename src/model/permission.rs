//! Who may do what: roles, permissions, and the one table between them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Operator,
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See the live state.
    See,
    /// Read what containers write, what runs in them, and how they were made.
    Read,
    /// See what is kept from view: values of a container's environment.
    Reveal,
    /// Start, stop, restart, pause, kill containers.
    Operate,
    /// Run commands in containers.
    Execute,
    /// Put files into containers and volumes.
    Write,
    /// Make images, volumes and networks, name them and put containers on them.
    Create,
    /// Remove things.
    Remove,
    /// Keep alerts from telling anybody, for a while.
    Silence,
    /// Edit what is watched, and who is told: rules, channels, quiet hours; and what registries are
    /// signed in to.
    Configure,
}

impl Permission {
    /// Whether it changes anything: what `--read-only` refuses to everybody.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::See | Self::Read | Self::Reveal)
    }
}

impl Role {
    pub fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::See => Self::Viewer,
            Permission::Read | Permission::Operate | Permission::Silence => Self::Operator,
            Permission::Reveal
            | Permission::Execute
            | Permission::Write
            | Permission::Create
            | Permission::Remove
            | Permission::Configure => Self::Admin,
        };
        self >= least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_one_below_may_and_more() {
        let may = |role: Role| {
            let all =
                [Permission::See, Permission::Operate, Permission::Silence, Permission::Remove, Permission::Configure];
            all.map(|permission| role.may(permission))
        };
        assert_eq!(may(Role::Viewer), [true, false, false, false, false]);
        assert_eq!(may(Role::Operator), [true, true, true, false, false]);
        assert_eq!(may(Role::Admin), [true; 5]);
    }
}
