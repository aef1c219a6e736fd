//! Authentication and authorization: who sends a request, and what they may do. The only place that checks permissions.

mod access;
mod account;
mod caller;
pub mod command;
pub mod cookie;
mod credentials;
mod device;
mod managed_users;
mod oidc;
mod password;
mod proxy;
mod second_factor;
mod sign_in;
mod throttle;
mod users;
mod visible;

use super::{app::App, hosts::read_only};
use crate::{
    message,
    model::Permission,
    wire::{ActionError, ErrorKind},
};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use leptos::prelude::expect_context;
use std::{net::IpAddr, sync::Arc};

pub use access::{Access, function_access};
pub use account::Changed;
pub use caller::{Caller, not_signed_in};
pub use oidc::{ClientSecret, Oidc, OidcError, OidcSettings, Returned, SIGN_IN_WITHIN, is_encrypted_or_local};
pub use proxy::{ProxySettings, ProxySignIn};
pub use sign_in::{Client, PasswordSignIn, SignInError, SignedIn};
pub use throttle::network;
pub use users::{LONGEST_NAME as LONGEST_USER_NAME, UsersError};
pub use visible::{ADDRESS, ALERT, MEASURED, NEW_NAME, TOKEN, USER};

/// The mode of sign-in, which identifies callers. Cheap to clone.
#[derive(Clone)]
pub enum Auth {
    /// Without sign-in: any client that reaches the server is an admin, since it listens on loopback only.
    None,
    Password(Arc<PasswordSignIn>),
    Proxy(Arc<ProxySignIn>),
}

impl Auth {
    /// The caller of a request with these headers, through `peer`, from the client at `address`; `None` if they prove no user.
    pub fn caller(&self, headers: &HeaderMap, peer: IpAddr, address: IpAddr) -> Option<Caller> {
        match self {
            Self::Proxy(auth) => auth.caller(headers, peer, address),
            Self::None => Some(Caller::local_admin(address)),
            Self::Password(auth) => auth.caller(bearer_token(headers).or_else(|| cookie::token(headers))?, address),
        }
    }

    /// Ends sessions and API tokens that are over or revoked. Never returns.
    pub async fn end_revoked_sessions(&self) {
        match self {
            Self::None | Self::Proxy(_) => std::future::pending().await,
            Self::Password(auth) => auth.sweep().await,
        }
    }
}

/// The API token of a request. Other schemes are those of a proxy in front.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

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

/// Fails if the caller may not see everything.
pub fn require_full_view(caller: &Caller) -> Result<(), ActionError> {
    let refused = || ActionError::new(ErrorKind::Forbidden, message!("You may only see some containers"));
    caller.scope().is_none().then_some(()).ok_or_else(refused)
}

/// The app and the caller of a server function.
pub fn request_context() -> (App, Caller) {
    (expect_context(), expect_context())
}
