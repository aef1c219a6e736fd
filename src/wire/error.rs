//! Errors of actions, with messages for the user.

use crate::{message, model::Message};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ActionError {
    pub kind: ErrorKind,
    /// What happened.
    pub message: Message,
    /// What the user can do about it.
    pub hint: Option<Message>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    NotFound,
    /// The entity's state does not allow the action.
    Conflict,
    Invalid,
    Forbidden,
    /// The engine, or Quaylight itself, can't be reached.
    Unavailable,
    Timeout,
    /// The engine rejected the action, with its own message.
    Engine,
    /// Quaylight's data directory is full or not writable.
    Storage,
    /// The server's limit of concurrent operations is reached.
    Busy,
}

impl ActionError {
    pub fn new(kind: ErrorKind, message: impl Into<Message>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// What happened and what to do, in one text.
    pub fn words(&self) -> Message {
        let Some(hint) = &self.hint else { return self.message.clone() };
        let what = match &self.message {
            // An engine's own words may end with a full stop.
            Message::Verbatim(text) => Message::verbatim(text.trim_end_matches('.')),
            ours => ours.clone(),
        };
        message!("{what}. {hint}", what, hint)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<Message>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
