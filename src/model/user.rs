//! Users, as their admins see them.

use super::{AccessScope, Role, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserInfo {
    pub name: String,
    pub role: Role,
    pub scope: Option<AccessScope>,
    /// Whether the user signs in with a password, rather than at an OpenID provider.
    pub has_password: bool,
    pub has_two_factor: bool,
    /// Sessions that are valid now, and API tokens.
    pub sessions: usize,
    pub tokens: usize,
    /// The last use of any of them; `None` without one.
    pub used: Option<Timestamp>,
}

/// A change of a user by an admin. It ends the user's sessions, except for [`Self::Add`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum UserChange {
    /// With a generated password.
    Add { name: String, role: Role, scope: Option<AccessScope> },
    /// Changes the role and the scope. A change of the scope also revokes the user's API tokens.
    ChangeRole { name: String, role: Role, scope: Option<AccessScope> },
    /// Generates a new password, turns off two-factor authentication, and revokes the user's API tokens.
    ResetPassword { name: String },
    /// Also revokes the user's API tokens.
    EndSessions { name: String },
    /// Also revokes the user's API tokens.
    Remove { name: String },
}

impl UserChange {
    pub fn name(&self) -> &str {
        match self {
            Self::Add { name, .. }
            | Self::ChangeRole { name, .. }
            | Self::ResetPassword { name }
            | Self::EndSessions { name }
            | Self::Remove { name } => name,
        }
    }

    /// For the history.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::ChangeRole { .. } => "change_role",
            Self::ResetPassword { .. } => "reset_password",
            Self::EndSessions { .. } => "end_sessions",
            Self::Remove { .. } => "remove",
        }
    }

    /// The role and the scope that the user gets.
    pub fn access(&self) -> Option<(Role, Option<&AccessScope>)> {
        match self {
            Self::Add { role, scope, .. } | Self::ChangeRole { role, scope, .. } => Some((*role, scope.as_ref())),
            Self::ResetPassword { .. } | Self::EndSessions { .. } | Self::Remove { .. } => None,
        }
    }
}
