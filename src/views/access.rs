//! Access: what the user may do on this page. Buttons for anything else are not drawn; the server checks every request anyway.

use leptos::prelude::*;
use std::sync::Arc;

/// Known to both server and browser, so that both draw the same buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who is signed in; `None` on a server without sign-in.
    pub user: Option<Arc<str>>,
    /// Whether the server accepts no changes, from any user.
    pub is_read_only: bool,
}

impl Access {
    /// The attribute of the root element that is present if the server is read-only.
    pub const READ_ONLY: &'static str = "data-read-only";

    /// The attribute of the root element with the name of the user.
    pub const USER: &'static str = "data-user";
}

/// Whether the user may change anything on the engine.
pub fn may_change() -> bool {
    !expect_context::<Access>().is_read_only
}
