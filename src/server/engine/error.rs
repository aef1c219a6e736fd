//! What can go wrong with an engine, in words for the user.

use crate::wire::{ActionError, ErrorKind};

/// What to do about an engine that is not there.
pub const AWAY: &str = "Check that the engine is running.";

#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers there.
    #[error("The engine can't be reached: {0}")]
    Unreachable(String),
    /// The connection broke after it had been asked: it may have heard that, and done it, or not.
    #[error("The connection to the engine broke: {0}")]
    Broken(String),
    /// It accepted the request and then said nothing.
    #[error("The engine does not answer")]
    Timeout,
    /// It answered with an error of its own.
    #[error("{message}")]
    Refused { status: u16, message: String },
    /// An image did not come or go: in its own words, or in those of a registry.
    #[error("{message}")]
    Transfer { status: u16, message: String },
    /// It answered with something that isn't what was asked for.
    #[error("The engine answered what Quaylight does not understand: {0}")]
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

    /// Whether what was to be written did not fit.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Refused { message, .. } | Self::Transfer { message, .. } if is_of_a_full_disk(message))
    }

    /// Whether there is no engine to talk with now.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Broken(_))
    }
}

impl From<hyper_util::client::legacy::Error> for EngineError {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        of_a_connection(&error)
    }
}

impl From<hyper::Error> for EngineError {
    fn from(error: hyper::Error) -> Self {
        Self::Broken(innermost(&error))
    }
}

impl From<bollard::errors::Error> for EngineError {
    fn from(error: bollard::errors::Error) -> Self {
        use bollard::errors::Error;
        match error {
            Error::DockerResponseServerError { status_code, message } => Self::Refused { status: status_code, message },
            Error::RequestTimeoutError => Self::Timeout,
            Error::JsonDataError { message, .. } => Self::Malformed(message),
            other => of_a_connection(&other),
        }
    }
}

/// Whether it was not to be had at all, or broke later.
fn of_a_connection(error: &(dyn std::error::Error + 'static)) -> EngineError {
    let words = innermost(error);
    let mut cause = Some(error);
    while let Some(it) = cause {
        if it.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|it| !it.is_connect()) {
            return EngineError::Broken(words);
        }
        cause = it.source();
    }
    EngineError::Unreachable(words)
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
            EngineError::Transfer { status, message } => {
                of_a_registry(message).unwrap_or_else(|| refused(*status, message))
            }
            EngineError::Unreachable(_) => Self::new(ErrorKind::Unavailable, error.to_string()).hint(AWAY),
            EngineError::Broken(_) => Self::new(ErrorKind::Unavailable, error.to_string())
                .hint("It may have been done or not: look when the engine is back, before you try again."),
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
        403 => ErrorKind::Forbidden,
        400 => ErrorKind::Invalid,
        _ => ErrorKind::Engine,
    };
    if let Some(port) = taken_port(message) {
        return ActionError::new(ErrorKind::Conflict, format!("Port {port} is taken on the engine's machine"))
            .hint("Stop what holds it, or publish another port.");
    }
    // What engines say of a route that they don't have: Docker the one, Podman the other.
    if status == 501 || status == 404 && matches!(message.trim(), "page not found" | "Not Found") {
        return ActionError::new(ErrorKind::Engine, "This engine does not offer that")
            .hint("It is older, or of another kind, than what does: the page Engine says which it is.");
    }
    if is_of_a_full_disk(message) {
        return ActionError::new(
            ErrorKind::Engine,
            format!("The engine's disk is full: {}", without_long_ids(message)),
        )
        .hint("Remove what is not used any more: images free the most.");
    }
    let hint = match message {
        it if it.contains("cannot remove a running container") => Some("Stop it first, or remove it by force."),
        it if it.contains("is paused") => Some("Unpause it first."),
        it if it.contains("is not paused") => Some("It goes on already."),
        it if it.contains("is not running") => Some("Start it first."),
        it if it.contains("container state improper") => {
            Some(if it.contains("paused") { "Unpause it first." } else { "It has to run for that: start it first." })
        }
        it if it.contains("volume is in use") || it.contains("volume is being used") => {
            Some("Remove the containers that use it first.")
        }
        it if it.contains("has active endpoints") || it.contains("network is being used") => {
            Some("Disconnect the containers that are on it first.")
        }
        it if it.contains("image is being used") || it.contains("image is in use") => {
            Some("Remove the containers that use it first.")
        }
        it if it.contains("already in use by") => Some("Choose another name, or remove that container."),
        it if it.contains("endpoint with name") || it.contains("is already connected") => {
            Some("It is on that network already.")
        }
        it if it.contains("Pool overlaps") || it.contains("is already used on the host") => {
            Some("Choose another subnet: a network has this one, or part of it.")
        }
        it if it.contains("Address already in use") || it.contains("is not available in range set") => {
            Some("Choose another address, or none.")
        }
        it if ["no configured subnet", "not belong to any of this network's subnets", "not in any subnet"]
            .iter()
            .any(|words| it.contains(words)) =>
        {
            Some("Choose an address of the network's own subnet, or none.")
        }
        it if it.contains("plugin") && (it.contains("not found") || it.contains("plugin missing")) => {
            Some("Choose a driver that this engine has.")
        }
        it if it.contains("already exists") => Some("Choose another name."),
        _ if status == 404 => Some("It may have been removed a moment ago by somebody else."),
        _ => None,
    };
    let message = if status == 304 { "It already is in that state".to_owned() } else { without_long_ids(message) };
    ActionError { kind, message, hint: hint.map(str::to_owned) }
}

fn is_of_a_full_disk(message: &str) -> bool {
    message.contains("no space left on device")
}

/// What keeps an image from coming or going. Engines pass a registry's words on, with whatever status.
fn of_a_registry(message: &str) -> Option<ActionError> {
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|it| lower.contains(it));
    let error = |kind, what: &str, hint: &str| {
        let words = format!("{what}: {}", without_long_ids(message));
        Some(ActionError::new(kind, words).hint(hint))
    };
    if says(&["unauthorized", "authentication required", "no basic auth credentials", "denied:", "access denied"]) {
        let hint = "Sign in to it under Registries on the page of images, or correct what is kept there.";
        return error(ErrorKind::Forbidden, "The registry does not let you in", hint);
    }
    if says(&["manifest unknown", "repository name not known", "does not exist or may require", "no such image in"]) {
        return error(ErrorKind::NotFound, "The registry has no such image", "Check its name and tag.");
    }
    let of_the_way =
        ["no such host", "connection refused", "i/o timeout", "tls handshake", "x509:", "connection reset"];
    let is_cut = ["server gave http response to https client", "client.timeout", "unexpected eof"];
    let names_a_way = ["http://", "https://", "lookup ", "dial tcp", "read tcp", "unexpected eof"];
    if (says(&of_the_way) || says(&is_cut)) && says(&names_a_way) {
        let hint = "Check its name and port, and that the engine's machine can reach it; then try again.";
        return error(ErrorKind::Unavailable, "The registry can't be reached", hint);
    }
    None
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
        for (status, lacking) in [(404, "page not found"), (404, "Not Found\n"), (501, "not here")] {
            assert_eq!(error(status, lacking).message, "This engine does not offer that");
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
        // Of a container, that is no registry's word.
        for message in [
            r#"OCI runtime create failed: exec: "/x": permission denied: unknown"#,
            "failed to initialize logging driver: dial tcp 10.0.0.1:12201: connect: connection refused",
        ] {
            assert_eq!((error(500, message).kind, error(500, message).hint), (ErrorKind::Engine, None), "{message}");
        }
    }
}
