//! The only place that decides "may".

use super::app::App;
use crate::{
    model::{Permission, Role},
    wire::{ActionError, ErrorKind},
};
use leptos::prelude::expect_context;

/// On whose behalf something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    pub role: Role,
}

impl Caller {
    /// Everybody who can reach a server without sign-in: it listens on loopback only.
    pub fn local_admin() -> Self {
        Self { name: "local".into(), role: Role::Admin }
    }
}

/// The first line of everything a caller asks for.
pub fn require(app: &App, caller: &Caller, permission: Permission) -> Result<(), ActionError> {
    if !caller.role.may(permission) {
        return Err(ActionError::new(ErrorKind::Forbidden, "Your role does not allow this"));
    }
    if app.read_only && permission.is_change() {
        return Err(ActionError::new(ErrorKind::Forbidden, "This server is read-only")
            .hint("It was started with --read-only: nothing can be changed here."));
    }
    Ok(())
}

/// The first line of every question that a page asks: what it may use, and on whose behalf, if that is allowed.
pub fn asking(permission: Permission) -> Result<(App, Caller), ActionError> {
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    require(&app, &caller, permission)?;
    Ok((app, caller))
}
