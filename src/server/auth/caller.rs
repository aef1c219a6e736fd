//! The user on whose behalf a request runs.

use super::credentials::{Presented, What};
use crate::{
    message,
    model::{AccessScope, Permission, Role},
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
    scope: Option<Arc<AccessScope>>,
    address: IpAddr,
    way: Way,
}

/// The proof of the caller's identity.
#[derive(Clone)]
enum Way {
    /// Not at all, on a server without sign-in.
    None,
    /// By a session or an API token.
    Credential(Presented),
    /// By the headers of a reverse proxy.
    Proxy,
}

impl Caller {
    /// The user of a server without sign-in.
    pub(super) fn local_admin(address: IpAddr) -> Self {
        Self { name: "local".into(), role: Role::Admin, scope: None, address, way: Way::None }
    }

    pub(super) fn of_proxy(name: &str, role: Role, address: IpAddr) -> Self {
        Self { name: name.into(), role, scope: None, address, way: Way::Proxy }
    }

    pub(super) fn with(credential: Presented, role: Role, scope: Option<Arc<AccessScope>>, address: IpAddr) -> Self {
        let name = credential.credential.user.as_str().into();
        Self { name, role, scope, address, way: Way::Credential(credential) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn role(&self) -> Role {
        self.role
    }

    /// The containers that the caller may see; `None` for all.
    pub fn scope(&self) -> Option<&Arc<AccessScope>> {
        self.scope.as_ref()
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// Whether the caller has proven who they are.
    pub fn is_signed_in(&self) -> bool {
        !matches!(self.way, Way::None)
    }

    /// The session or API token, which may end.
    fn credential(&self) -> Option<&Presented> {
        match &self.way {
            Way::Credential(credential) => Some(credential),
            Way::None | Way::Proxy => None,
        }
    }

    pub fn has_credential(&self) -> bool {
        self.credential().is_some()
    }

    /// The name of the API token, if there is one.
    pub fn token(&self) -> Option<&str> {
        match &self.credential()?.credential.what {
            What::ApiToken { name, .. } => Some(name),
            What::Session { .. } => None,
        }
    }

    /// The session of a user who has signed in; `None` for API tokens.
    pub(super) fn session(&self) -> Option<&Presented> {
        self.credential().filter(|it| matches!(it.credential.what, What::Session { .. }))
    }

    /// Returns when the session or API token has ended; never without one.
    pub async fn signed_out(self) {
        match self.way {
            Way::Credential(credential) => credential.ended().await,
            Way::None | Way::Proxy => pending().await,
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
