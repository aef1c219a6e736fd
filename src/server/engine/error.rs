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
            EngineError::Refused { status, message } => refused(*status, message),
            EngineError::Unreachable(_) => Self::new(ErrorKind::Unavailable, error.to_string())
                .hint("Nothing was changed. Check that the engine is running."),
            EngineError::Timeout => Self::new(ErrorKind::Timeout, error.to_string())
                .hint("It may still happen: watch the state before you try again."),
            EngineError::Malformed(_) | EngineError::Address(_) => Self::new(ErrorKind::Engine, error.to_string()),
        }
    }
}

/// The engine's "no" in words for the user, with what to do about the usual ones.
fn refused(status: u16, message: &str) -> ActionError {
    let kind = match status {
        404 => ErrorKind::NotFound,
        304 | 409 => ErrorKind::Conflict,
        400 => ErrorKind::Invalid,
        _ => ErrorKind::Engine,
    };
    if let Some(port) = taken_port(message) {
        return ActionError::new(ErrorKind::Conflict, format!("Port {port} is taken on the engine's machine"))
            .hint("Stop what holds it, or publish another port.");
    }
    let hint = match message {
        _ if status == 404 => Some("It may have been removed a moment ago by somebody else."),
        it if it.contains("cannot remove a running container") => Some("Stop it first, or remove it by force."),
        it if it.contains("is paused") => Some("Unpause it first."),
        it if it.contains("is not running") => Some("Start it first."),
        it if it.contains("volume is in use") => Some("Remove the containers that use it first."),
        it if it.contains("has active endpoints") => Some("Disconnect the containers that are on it first."),
        it if it.contains("image is being used") => Some("Remove the containers that use it first."),
        _ => None,
    };
    let message = if status == 304 { "It already is in that state".to_owned() } else { without_long_ids(message) };
    ActionError { kind, message, hint: hint.map(str::to_owned) }
}

/// From "Bind for 0.0.0.0:80 failed: port is already allocated" or "listen tcp4 0.0.0.0:80: bind: address already in use".
fn taken_port(message: &str) -> Option<&str> {
    let (place, _) = message
        .split_once(" failed: port is already allocated")
        .or_else(|| message.split_once(": bind: address already in use"))?;
    Some(place.rsplit_once(':')?.1)
}

/// Ids of 64 digits as the twelve that people know.
fn without_long_ids(message: &str) -> String {
    let mut short = String::with_capacity(message.len());
    let mut digits = 0;
    for c in message.chars() {
        digits = if matches!(c, '0'..='9' | 'a'..='f') { digits + 1 } else { 0 };
        if digits <= 12 {
            short.push(c);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_no_says_what_to_do() {
        let id = "33395b9c".repeat(8);
        let error = |status, message: &str| ActionError::from(EngineError::Refused { status, message: message.into() });
        for taken in [
            "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
            "Bind for 0.0.0.0:8080 failed: port is already allocated",
        ] {
            assert_eq!(error(500, taken).message, "Port 8080 is taken on the engine's machine");
        }
        let paused = error(409, &format!("Container {id} is paused. Unpause first"));
        assert_eq!(paused.message, "Container 33395b9c3339 is paused. Unpause first");
        assert_eq!((paused.kind, paused.hint.as_deref()), (ErrorKind::Conflict, Some("Unpause it first.")));
        assert_eq!(error(404, "No such container: x").kind, ErrorKind::NotFound);
    }
}
