//! Authentication and authorization: who sends a request, and what they may do. The only place that checks permissions.

mod access;
mod caller;

use super::{app::App, hosts::read_only};
use crate::{
    message,
    model::Permission,
    wire::{ActionError, ErrorKind},
};
use leptos::prelude::expect_context;

pub use access::{Access, authorize, function_access, identify};
pub use caller::Caller;

/// Fails if the caller's role lacks the permission, or if it allows changes and the server is read-only.
pub fn require(app: &App, caller: &Caller, permission: Permission) -> Result<(), ActionError> {
    if !caller.may(permission) {
        return Err(ActionError::new(ErrorKind::Forbidden, message!("Your role doesn't allow this")));
    }
    if app.read_only && permission.is_change() {
        return Err(read_only());
    }
    Ok(())
}

/// The app and the caller of a server function.
pub fn request_context() -> (App, Caller) {
    (expect_context(), expect_context())
}
