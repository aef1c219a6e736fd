//! Authorization: the only place that checks permissions.

use super::{app::App, hosts::read_only};
use crate::{
    message,
    model::{Permission, Role},
    wire::{ActionError, ErrorKind},
};
use leptos::prelude::expect_context;

/// The user on whose behalf a request runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    pub role: Role,
}

impl Caller {
    /// The user of a server without sign-in: any client that reaches it, since it listens on loopback only.
    pub fn local_admin() -> Self {
        Self { name: "local".into(), role: Role::Admin }
    }
}

/// Must be called first for everything a caller requests. Fails if the role lacks the permission, or the server is read-only.
pub fn require(app: &App, caller: &Caller, permission: Permission) -> Result<(), ActionError> {
    if !caller.role.may(permission) {
        return Err(ActionError::new(ErrorKind::Forbidden, message!("Your role doesn't allow this")));
    }
    if app.read_only && permission.is_change() {
        return Err(read_only());
    }
    Ok(())
}

/// Must be called first in every query. Returns the app and the caller, if the caller has the permission.
pub fn asking(permission: Permission) -> Result<(App, Caller), ActionError> {
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    require(&app, &caller, permission)?;
    Ok((app, caller))
}
