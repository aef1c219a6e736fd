//! Secret text that is never printed.

use crate::model::MASK;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Serializes in plain text, since settings are stored as JSON: see [`super::Channel`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For code that has to send it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn masked() -> Self {
        Self(MASK.to_owned())
    }

    pub(super) fn is_masked(&self) -> bool {
        self.0 == MASK
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
