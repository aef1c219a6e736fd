//! What can go wrong with an engine, in words for the user.

use crate::wire::{ActionError, ErrorKind};

#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers there, or the connection broke.
    #[error("the engine can't be reached: {0}")]
    Unreachable(String),
    /// It accepted the request and then said nothing.
    #[error("the engine does not answer")]
    Timeout,
    /// It answered with an error of its own.
    #[error("{message}")]
    Refused { status: u16, message: String },
    /// It answered with something that isn't what was asked for.
    #[error("the engine answered what Quaylight does not understand: {0}")]
    Malformed(String),
    /// The setting does not name an engine.
    #[error("{0}")]
    Address(String),
}

impl EngineError {
    /// Whether the thing asked for isn't there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

impl From<hyper_util::client::legacy::Error> for EngineError {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        Self::Unreachable(innermost(&error))
    }
}

impl From<hyper::Error> for EngineError {
    fn from(error: hyper::Error) -> Self {
        Self::Unreachable(innermost(&error))
    }
}

impl From<bollard::errors::Error> for EngineError {
    fn from(error: bollard::errors::Error) -> Self {
        use bollard::errors::Error;
        match error {
            Error::DockerResponseServerError { status_code, message } => Self::Refused { status: status_code, message },
            Error::RequestTimeoutError => Self::Timeout,
            Error::JsonDataError { message, .. } => Self::Malformed(message),
            other => Self::Unreachable(innermost(&other)),
        }
    }
}

/// The cause that says something: "connection refused" rather than "client error (Connect)".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

impl From<EngineError> for ActionError {
    fn from(error: EngineError) -> Self {
        match &error {
            EngineError::Refused { status: 404, message } => Self::new(ErrorKind::NotFound, message.clone())
                .hint("It may have been removed a moment ago by somebody else."),
            EngineError::Refused { status: 304, .. } => Self::new(ErrorKind::Conflict, "It already is in that state"),
            EngineError::Refused { status: 409, message } => Self::new(ErrorKind::Conflict, message.clone()),
            EngineError::Refused { status: 400, message } => Self::new(ErrorKind::Invalid, message.clone()),
            EngineError::Refused { message, .. } => Self::new(ErrorKind::Engine, message.clone()),
            EngineError::Unreachable(_) => Self::new(ErrorKind::Unavailable, error.to_string())
                .hint("Nothing was changed. Check that the engine is running."),
            EngineError::Timeout => Self::new(ErrorKind::Timeout, error.to_string())
                .hint("It may still happen: watch the state before you try again."),
            EngineError::Malformed(_) | EngineError::Address(_) => Self::new(ErrorKind::Engine, error.to_string()),
        }
    }
}
