//! A registry that somebody has signed in to.

use serde::{Deserialize, Serialize};
use std::fmt;

/// As lists show it: never with a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryInfo {
    pub registry: String,
    pub username: String,
    /// From Docker's own config, which is not changed here.
    pub is_dockers: bool,
}

/// On its way to the server. Not printed.
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
