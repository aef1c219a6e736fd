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
    /// Start, stop, restart, pause, kill containers.
    Operate,
    /// Remove things.
    Remove,
}

impl Permission {
    /// Whether it changes anything: what `--read-only` refuses to everybody.
    pub fn is_change(self) -> bool {
        self != Self::See
    }
}

impl Role {
    pub fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::See => Self::Viewer,
            Permission::Operate => Self::Operator,
            Permission::Remove => Self::Admin,
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
            [Permission::See, Permission::Operate, Permission::Remove].map(|permission| role.may(permission))
        };
        assert_eq!(may(Role::Viewer), [true, false, false]);
        assert_eq!(may(Role::Operator), [true, true, false]);
        assert_eq!(may(Role::Admin), [true, true, true]);
    }
}
