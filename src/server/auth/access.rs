//! Access to routes: each route and each server function names the permission that its callers need.

use crate::model::Permission;

/// The callers that may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without sign-in.
    Public,
    /// Users with this permission. A route of several actions requires [`Permission::See`], and each action its own.
    Requires(Permission),
}

impl From<Permission> for Access {
    fn from(permission: Permission) -> Self {
        Self::Requires(permission)
    }
}

/// Server functions, by path. One that is missing here is refused.
const FUNCTIONS: [(&str, Permission); 25] = [
    ("/actions/account", Permission::See),
    ("/actions/alerts", Permission::See),
    ("/actions/container", Permission::See),
    ("/actions/containers", Permission::See),
    ("/actions/preferences", Permission::See),
    ("/actions/request", Permission::See),
    ("/actions/sign_in", Permission::See),
    ("/actions/sign_out", Permission::See),
    ("/actions/users", Permission::ManageUsers),
    ("/queries/account", Permission::See),
    ("/queries/alerts", Permission::See),
    ("/queries/disk", Permission::See),
    ("/queries/events", Permission::See),
    ("/queries/file_changes", Permission::Read),
    ("/queries/files", Permission::Reveal),
    ("/queries/image_details", Permission::Read),
    ("/queries/inspect", Permission::Read),
    ("/queries/notices", Permission::See),
    ("/queries/recipe", Permission::Read),
    ("/queries/recipe_with_secrets", Permission::Reveal),
    ("/queries/registries", Permission::Configure),
    ("/queries/top", Permission::Read),
    ("/queries/usage", Permission::See),
    ("/queries/users", Permission::ManageUsers),
    ("/queries/variable", Permission::Reveal),
];

/// Access to a server function; `None` if it isn't listed.
pub fn function_access(path: &str) -> Option<Access> {
    FUNCTIONS.iter().find(|(listed, _)| *listed == path).map(|(_, permission)| (*permission).into())
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
