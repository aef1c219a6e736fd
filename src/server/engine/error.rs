//! Engine errors, and their messages for the user.

use super::{
    Call,
    refusal::{self, Cause, Facts},
};
use crate::{
    message,
    model::Message,
    wire::{ActionError, ErrorKind},
};
use std::fmt;

/// Hint for an unreachable engine.
pub fn away_hint() -> Message {
    message!("Check that the engine is running.")
}

/// Displayed as the English text of its [message](EngineError::message).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.message())]
pub enum EngineError {
    /// Nothing answers at the endpoint.
    Unreachable(Message),
    /// The connection can't be set up: a certificate, a key or a program is missing or wrong. The message includes a hint.
    Connect(Message),
    /// The engine and Quaylight have no API version in common.
    Version(Message),
    /// The connection broke after a request was sent: the engine may have carried it out or not.
    Broken(Message),
    /// The engine accepted the request but sent no response in time.
    Timeout,
    /// The engine responded with an error.
    Refused {
        status: u16,
        /// The engine's, or Quaylight's own in place of it.
        message: Message,
        /// None if it is not one of the known causes, or not classified yet.
        cause: Option<Cause>,
    },
    /// A pull, push, build, import or sign-in failed. The message is the engine's, or a registry's.
    Transfer { status: u16, message: String },
    /// The response can't be parsed.
    Malformed(String),
    /// The configured address is not an engine's.
    Address(Message),
}

impl EngineError {
    pub fn refused(status: u16, message: impl Into<Message>) -> Self {
        Self::Refused { status, message: message.into(), cause: None }
    }

    /// A response that can't be parsed, for this reason.
    pub fn malformed(reason: impl fmt::Display) -> Self {
        Self::Malformed(reason.to_string())
    }

    pub fn message(&self) -> Message {
        match self {
            Self::Unreachable(why) => message!("Can't reach the engine: {why}", why),
            Self::Broken(why) => message!("Connection to the engine failed: {why}", why),
            Self::Timeout => message!("The engine isn't responding"),
            Self::Malformed(why) => message!("Unexpected response from the engine: {why}", why),
            Self::Transfer { message, .. } => Message::verbatim(message),
            Self::Refused { message, .. }
            | Self::Connect(message)
            | Self::Version(message)
            | Self::Address(message) => message.clone(),
        }
    }

    /// Adds the cause to a refusal, now that its call is known.
    #[must_use]
    pub(super) fn of_call(self, call: Call) -> Self {
        match self {
            Self::Refused { status, message, cause: None } => {
                let cause = refusal::classify(call, status, &message.to_string(), &Facts::default());
                Self::Refused { status, message, cause }
            }
            other => other,
        }
    }

    /// The host became unreachable during a request or a stream.
    pub fn lost() -> Self {
        Self::Broken(message!("the engine became unreachable"))
    }

    /// Whether the requested entity doesn't exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether the engine's disk is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Refused { message, .. } => is_of_a_full_disk(&message.to_string()),
            Self::Transfer { message, .. } => is_of_a_full_disk(message),
            _ => false,
        }
    }

    /// Whether the engine is unreachable.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Connect(_) | Self::Broken(_))
    }
}

impl From<hyper_util::client::legacy::Error> for EngineError {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        of_a_connection(&error)
    }
}

impl From<hyper::Error> for EngineError {
    fn from(error: hyper::Error) -> Self {
        own(&error).unwrap_or_else(|| Self::Broken(Message::verbatim(innermost(&error))))
    }
}

impl From<bollard::errors::Error> for EngineError {
    fn from(error: bollard::errors::Error) -> Self {
        use bollard::errors::Error;
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                Self::refused(status_code, Message::Verbatim(message))
            }
            Error::RequestTimeoutError => Self::Timeout,
            Error::JsonDataError { message, .. } => Self::Malformed(message),
            // The transport's error, wrapped by bollard.
            Error::IOError { err } => own(&err).unwrap_or_else(|| of_a_connection(&err)),
            other => of_a_connection(&other),
        }
    }
}

/// Distinguishes a failure to connect from a connection that broke later.
fn of_a_connection(error: &(dyn std::error::Error + 'static)) -> EngineError {
    if let Some(own) = own(error) {
        return own;
    }
    let words = Message::Verbatim(innermost(error));
    let mut cause = Some(error);
    while let Some(it) = cause {
        if it.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|it| !it.is_connect()) {
            return EngineError::Broken(words);
        }
        cause = it.source();
    }
    EngineError::Unreachable(words)
}

/// Finds an [`EngineError`] that an HTTP client has wrapped.
fn own(error: &(dyn std::error::Error + 'static)) -> Option<EngineError> {
    let mut cause = Some(error);
    while let Some(it) = cause {
        let in_io = it.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()?.downcast_ref());
        if let Some(own) = it.downcast_ref().or(in_io) {
            return Some(EngineError::clone(own));
        }
        cause = it.source();
    }
    None
}

/// The innermost cause, which is the useful one: "connection refused" rather than "client error (Connect)".
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
            EngineError::Refused { status, message, cause } => {
                refused(*status, message, cause.or_else(|| refusal::by_words_alone(*status, &message.to_string())))
            }
            EngineError::Transfer { status, message } => {
                refused(*status, &Message::verbatim(message), refusal::of_a_transfer(*status, message))
            }
            EngineError::Unreachable(_) => Self::new(ErrorKind::Unavailable, error.message()).hint(away_hint()),
            EngineError::Broken(_) => Self::new(ErrorKind::Unavailable, error.message()).hint(message!(
                "The change may or may not have been applied. Check when the engine is back before you retry."
            )),
            EngineError::Timeout => Self::new(ErrorKind::Timeout, error.message())
                .hint(message!("The change may still be applied. Check the state before you retry.")),
            EngineError::Connect(_) => Self::new(ErrorKind::Unavailable, error.message()),
            EngineError::Malformed(_) | EngineError::Version(_) | EngineError::Address(_) => {
                Self::new(ErrorKind::Engine, error.message())
            }
        }
    }
}

/// Converts a refusal into an error for the user, with a hint for the known causes.
fn refused(status: u16, message: &Message, cause: Option<Cause>) -> ActionError {
    let message = match message {
        Message::Verbatim(text) => Message::Verbatim(without_long_ids(text)),
        ours => ours.clone(),
    };
    if let Some(cause) = cause {
        return ActionError::new(cause.kind(), cause.message(message)).hint(cause.advice());
    }
    let error = |kind, message| ActionError::new(kind, message);
    match status {
        304 => error(ErrorKind::Conflict, message!("It's already in that state")),
        404 => error(ErrorKind::NotFound, message).hint(message!("Check the name, or whether it was just removed.")),
        409 => error(ErrorKind::Conflict, message),
        403 => error(ErrorKind::Forbidden, message),
        400 => error(ErrorKind::Invalid, message),
        _ => error(ErrorKind::Engine, message),
    }
}

fn is_of_a_full_disk(message: &str) -> bool {
    message.contains("no space left on device")
}

/// Truncates ids of 64 digits to the usual twelve.
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
    fn engine_errors_map_to_messages_and_hints() {
        let id = "33395b9c".repeat(8);
        let error = |status, message: &str| ActionError::from(EngineError::refused(status, Message::verbatim(message)));
        for taken in [
            "Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
            "Bind for 0.0.0.0:8080 failed: port is already allocated",
        ] {
            assert_eq!(error(500, taken).message, "Port 8080 is already in use on the Docker host");
        }
        let paused = error(409, &format!("Container {id} is paused. Unpause first"));
        assert_eq!(paused.message, "Container 33395b9c3339 is paused. Unpause first");
        assert_eq!((paused.kind, paused.hint), (ErrorKind::Conflict, Some(message!("Unpause it first."))));
        assert_eq!(error(404, "No such container: x").kind, ErrorKind::NotFound);
        for (status, lacking) in [(404, "page not found"), (404, "Not Found\n"), (501, "not here")] {
            assert_eq!(error(status, lacking).message, "Not supported by this engine");
        }
        for (message, kind) in [
            ("login attempt to http://127.0.0.1:5000/v2/ failed with status: 401 Unauthorized", ErrorKind::Forbidden),
            ("Get \"http://r/v2/\": no basic auth credentials", ErrorKind::Forbidden),
            ("manifest for r/web:2 not found: manifest unknown: manifest unknown", ErrorKind::NotFound),
            ("read tcp 127.0.0.1:56088->127.0.0.1:34247: read: connection reset by peer", ErrorKind::Unavailable),
            ("Get \"https://nas:5000/v2/\": dial tcp: lookup nas: no such host", ErrorKind::Unavailable),
            ("write /var/lib/docker/tmp/x: no space left on device", ErrorKind::Engine),
        ] {
            let error = ActionError::from(EngineError::Transfer { status: 500, message: message.into() });
            assert_eq!((error.kind, error.hint.is_some()), (kind, true), "{message}");
        }
    }
}
