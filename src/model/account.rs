//! The account of a signed-in user: sessions and API tokens, as shown to their user.

use super::{AccessScope, Role, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The latest used first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// `None` if the user may see everything.
    pub scope: Option<AccessScope>,
    /// Whether the user signs in with a password, rather than at an OpenID provider.
    pub has_password: bool,
    /// The number of unused recovery codes. `None` without two-factor authentication.
    pub recovery_codes: Option<usize>,
    pub sessions: Vec<SessionInfo>,
    pub tokens: Vec<TokenInfo>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    pub id: String,
    /// Browser and operating system, such as `Firefox · Linux`; empty if unknown.
    pub device: String,
    pub address: String,
    pub created: Timestamp,
    pub used: Timestamp,
    /// Whether it is the session of the request.
    pub is_current: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenInfo {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub created: Timestamp,
    /// `None` if it was never used.
    pub used: Option<Timestamp>,
    pub expires: Option<Timestamp>,
}

/// A change of the user's own account.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum AccountChange {
    /// Also ends the user's other sessions.
    Password {
        current: String,
        new: String,
    },
    EndSession {
        id: String,
    },
    EndOtherSessions,
    CreateToken {
        name: String,
        role: Role,
        days: Option<u32>,
        /// The user's password.
        password: String,
    },
    RevokeToken {
        id: String,
    },
    StartTwoFactor {
        /// Of this server, as the authenticator app shows it.
        host: String,
        /// The user's password.
        password: String,
    },
    /// Also ends the user's other sessions.
    EnableTwoFactor {
        /// From the authenticator app.
        code: String,
    },
    DisableTwoFactor {
        /// The user's password.
        password: String,
        /// From the authenticator app, or a recovery code.
        code: String,
    },
}

/// The response to a change of an account. Each secret in it is the only copy.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum AccountResponse {
    Done,
    /// A new API token.
    Token(String),
    Enrollment(Enrollment),
    RecoveryCodes(Vec<String>),
}

/// A key for an authenticator app.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrollment {
    /// In base32, in groups of four characters.
    pub key: String,
    /// With the same key.
    pub qr_code: QrCode,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct QrCode {
    /// Width and height, in modules.
    pub size: usize,
    /// The dark modules, as data of an SVG path.
    pub path: String,
}

impl AccountChange {
    /// For the history.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Password { .. } => "change_password",
            Self::EndSession { .. } => "end_session",
            Self::EndOtherSessions => "end_other_sessions",
            Self::CreateToken { .. } => "create_token",
            Self::RevokeToken { .. } => "revoke_token",
            Self::StartTwoFactor { .. } => "start_two_factor",
            Self::EnableTwoFactor { .. } => "enable_two_factor",
            Self::DisableTwoFactor { .. } => "disable_two_factor",
        }
    }
}

/// Without the passwords and codes.
impl fmt::Debug for AccountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::EndSession { .. } => "EndSession",
            Self::EndOtherSessions => "EndOtherSessions",
            Self::CreateToken { .. } => "CreateToken",
            Self::RevokeToken { .. } => "RevokeToken",
            Self::StartTwoFactor { .. } => "StartTwoFactor",
            Self::EnableTwoFactor { .. } => "EnableTwoFactor",
            Self::DisableTwoFactor { .. } => "DisableTwoFactor",
        })
    }
}
