//! Access: what the user may do on this page. Buttons for anything else are not drawn; the server checks every request anyway.

use crate::model::{Permission, Role};
use leptos::prelude::*;
use std::sync::Arc;

/// Known to both server and browser, so that both draw the same buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The name of the user; `None` on a server without sign-in.
    pub user: Option<Arc<str>>,
    pub role: Role,
    /// Whether the server accepts no changes, from any user.
    pub is_read_only: bool,
    /// Whether anyone who can reach the server has full access, from other machines, too.
    pub is_open_network: bool,
    /// Whether the user sees all containers, not only some.
    pub sees_all: bool,
    /// Whether Quaylight itself manages the user's password, sessions and API tokens.
    pub has_account: bool,
}

impl Access {
    /// The attribute of the root element that is present if the server is read-only.
    pub const READ_ONLY: &'static str = "data-read-only";

    /// The attribute of the root element that is present if the server is open to its network.
    pub const OPEN_NETWORK: &'static str = "data-open-network";

    /// The attribute of the root element that is present if the user sees only some containers.
    pub const SCOPED: &'static str = "data-scoped";

    /// The attribute of the root element that is present if Quaylight manages the user's account.
    pub const ACCOUNT: &'static str = "data-account";

    /// The attributes of the root element with the name and the role of the user.
    pub const USER: &'static str = "data-user";
    pub const ROLE: &'static str = "data-role";
}

/// Whether the user sees all containers: others get no sums over all of them, and no alert rules.
pub fn sees_all() -> bool {
    expect_context::<Access>().sees_all
}

/// Whether the user has the permission, and the server allows what it is for.
pub fn may(permission: Permission) -> bool {
    let Access { role, is_read_only, .. } = expect_context();
    role.may(permission) && !(is_read_only && permission.is_change())
}
