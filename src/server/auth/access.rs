//! Access to routes: each route and each server function names the permission that its callers need.

use crate::model::Permission;

/// The callers that may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without sign-in.
    Public,
    /// Users with this permission who may see everything. A route of several actions requires [`Permission::See`], and each action
    /// its own.
    Requires(Permission),
    /// Users with this permission. The handler shows and does only what is in the caller's scope.
    Scoped(Permission),
}

impl Access {
    /// The permission that it needs; `None` if it is public.
    pub fn permission(self) -> Option<Permission> {
        match self {
            Self::Public => None,
            Self::Requires(permission) | Self::Scoped(permission) => Some(permission),
        }
    }
}

use Access::{Requires, Scoped};
use Permission::{Configure, ManageUsers, Read, Reveal, See};

/// Server functions, by path. One that is missing here is refused.
const FUNCTIONS: [(&str, Access); 25] = [
    ("/actions/account", Scoped(See)),
    ("/actions/alerts", Requires(See)),
    ("/actions/container", Scoped(See)),
    ("/actions/containers", Scoped(See)),
    ("/actions/preferences", Scoped(See)),
    ("/actions/request", Scoped(See)),
    ("/actions/sign_in", Requires(See)),
    ("/actions/sign_out", Requires(See)),
    ("/actions/users", Requires(ManageUsers)),
    ("/queries/account", Scoped(See)),
    ("/queries/alerts", Scoped(See)),
    ("/queries/disk", Requires(See)),
    ("/queries/events", Scoped(See)),
    ("/queries/file_changes", Scoped(Read)),
    ("/queries/files", Requires(Reveal)),
    ("/queries/image_details", Requires(Read)),
    ("/queries/inspect", Scoped(Read)),
    ("/queries/notices", Scoped(See)),
    ("/queries/recipe", Scoped(Read)),
    ("/queries/recipe_with_secrets", Requires(Reveal)),
    ("/queries/registries", Requires(Configure)),
    ("/queries/top", Scoped(Read)),
    ("/queries/usage", Scoped(See)),
    ("/queries/users", Requires(ManageUsers)),
    ("/queries/variable", Requires(Reveal)),
];

/// Access to a server function; `None` if it isn't listed.
pub fn function_access(path: &str) -> Option<Access> {
    FUNCTIONS.iter().find(|(listed, _)| *listed == path).map(|(_, access)| *access)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leptos::server_fn::axum::server_fn_paths;
    use std::collections::BTreeSet;

    /// CVE-2026-47125: an endpoint without a check of the role.
    #[test]
    fn every_server_function_has_a_permission() {
        let existing: BTreeSet<_> = server_fn_paths().map(|(path, _)| path).collect();
        let listed: BTreeSet<_> = FUNCTIONS.iter().map(|(path, _)| *path).collect();
        assert_eq!(existing, listed);
        assert_eq!(function_access("/queries/none"), None);
    }
}
