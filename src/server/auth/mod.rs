//! The only place that decides "may".

use super::app::App;
use crate::{
    model::{Permission, Role},
    wire::{ActionError, ErrorKind},
};

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
