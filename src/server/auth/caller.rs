//! The user on whose behalf a request runs.

use super::credentials::{Presented, What};
use crate::{
    message,
    model::{Permission, Role},
    server::problem::Problem,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use std::{future::pending, net::IpAddr, sync::Arc};

/// Only this module's parent creates one, from the credentials of a request.
#[derive(Clone)]
pub struct Caller {
    name: Arc<str>,
    role: Role,
    address: IpAddr,
    /// `None` on a server without sign-in.
    credential: Option<Presented>,
}

impl Caller {
    /// The user of a server without sign-in.
    pub(super) fn local_admin(address: IpAddr) -> Self {
        Self { name: "local".into(), role: Role::Admin, address, credential: None }
    }

    pub(super) fn with(credential: Presented, role: Role, address: IpAddr) -> Self {
        Self { name: credential.credential.user.as_str().into(), role, address, credential: Some(credential) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn role(&self) -> Role {
        self.role
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// Whether there is a session or an API token, which may end.
    pub fn has_credential(&self) -> bool {
        self.credential.is_some()
    }

    /// The name of the API token, if there is one.
    pub fn token(&self) -> Option<&str> {
        match &self.credential.as_ref()?.credential.what {
            What::ApiToken { name, .. } => Some(name),
            What::Session { .. } => None,
        }
    }

    /// The session of a user who has signed in; `None` for API tokens.
    pub(super) fn session(&self) -> Option<&Presented> {
        self.credential.as_ref().filter(|it| matches!(it.credential.what, What::Session { .. }))
    }

    /// Returns when the session or API token has ended; never without one.
    pub async fn signed_out(self) {
        match self.credential {
            Some(credential) => credential.ended().await,
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
