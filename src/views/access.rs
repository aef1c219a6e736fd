//! Access: what the user may do on this page. Buttons for anything else are not drawn; the server checks every request anyway.

use leptos::prelude::*;

/// Known to both server and browser, so that both draw the same buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Whether the server accepts no changes, from any user.
    pub is_read_only: bool,
}

impl Access {
    /// The attribute of the root element that is present if the server is read-only.
    pub const READ_ONLY: &'static str = "data-read-only";
}

/// Whether the user may change anything on the engine.
pub fn may_change() -> bool {
    !expect_context::<Access>().is_read_only
}
