//! Roles and permissions, and the table that maps roles to permissions.

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
    /// Read the logs, processes and configuration of containers.
    Read,
    /// See what may contain secrets: values of environment variables, files, backups and exports.
    Reveal,
    /// Start, stop, restart, pause, kill and rename containers.
    Operate,
    /// Run commands in containers.
    Execute,
    /// Upload files to containers and volumes.
    Write,
    /// Create containers, images, volumes and networks; pull, push, build, import, tag and commit images; change limits;
    /// connect networks; cancel tasks.
    Create,
    /// Remove entities and tags, recreate containers.
    Remove,
    /// Silence alerts for some time.
    Silence,
    /// Edit alert rules, channels and quiet hours, and sign in to registries.
    Configure,
    /// Add and remove users, change their roles and reset their passwords.
    ManageUsers,
}

impl Permission {
    /// Whether it allows changes, which `--read-only` denies to all users.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::See | Self::Read | Self::Reveal)
    }
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    pub fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::See => Self::Viewer,
            Permission::Read | Permission::Operate | Permission::Silence => Self::Operator,
            Permission::Reveal
            | Permission::Execute
            | Permission::Write
            | Permission::Create
            | Permission::Remove
            | Permission::Configure
            | Permission::ManageUsers => Self::Admin,
        };
        self >= least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_includes_the_permissions_of_the_lower_roles() {
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
