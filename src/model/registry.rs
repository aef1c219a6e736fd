//! Registry logins.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A registry login as lists show it, never with a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryInfo {
    pub registry: String,
    pub username: String,
    /// From Docker's own config, which is read-only here.
    pub is_dockers: bool,
}

/// A login on its way to the server. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryLogin {
    pub registry: String,
    pub username: String,
    pub password: String,
}

impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.username, self.registry)
    }
}
