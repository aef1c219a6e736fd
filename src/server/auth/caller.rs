//! The user on whose behalf a request runs.

use crate::{
    message,
    model::{Permission, Role},
    server::problem::Problem,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use std::sync::Arc;

/// Only this module's parent creates one, from the credentials of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    name: Arc<str>,
    role: Role,
}

impl Caller {
    /// The user of a server without sign-in: any client that reaches it, since it listens on loopback only.
    pub(super) fn local_admin() -> Self {
        Self { name: "local".into(), role: Role::Admin }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }
}

/// The caller that [`super::identify`] has found.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::new(StatusCode::UNAUTHORIZED, "Not signed in", message!("Sign in, then try again."))
        })
    }
}
