//! The user on whose behalf a request runs.

use super::sessions::OpenSession;
use crate::{
    message,
    model::{Permission, Role},
    server::problem::Problem,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use std::{future::pending, sync::Arc};

/// Only this module's parent creates one, from the credentials of a request.
#[derive(Clone)]
pub struct Caller {
    name: Arc<str>,
    role: Role,
    /// `None` on a server without sign-in.
    session: Option<OpenSession>,
}

impl Caller {
    /// The user of a server without sign-in.
    pub(super) fn local_admin() -> Self {
        Self { name: "local".into(), role: Role::Admin, session: None }
    }

    pub(super) fn signed_in(name: &str, role: Role, session: OpenSession) -> Self {
        Self { name: name.into(), role, session: Some(session) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// Whether there is a session that may end.
    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Returns when the session has ended; never without one.
    pub async fn signed_out(self) {
        match self.session {
            Some(session) => session.ended().await,
            None => pending().await,
        }
    }
}

/// The response to a request without valid credentials.
pub fn not_signed_in() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Not signed in", message!("Sign in, then try again."))
}

/// The caller that the middleware has found.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(not_signed_in)
    }
}
