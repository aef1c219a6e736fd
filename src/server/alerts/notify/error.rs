//! Delivery errors: why a notification was not delivered, and a hint to fix it. They name servers, never paths, tokens or
//! passwords.

use crate::{message, model::Message};

/// Displayed as the English text of its [message](NotifyError::message).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum NotifyError {
    /// The settings can never work.
    Settings(Message),
    Unreachable {
        place: String,
        cause: String,
    },
    /// The server's identity is not verified, or the connection is less secure than required.
    Insecure {
        place: String,
        cause: String,
    },
    Timeout {
        place: String,
    },
    /// The server answered with an error. `code` is HTTP's or SMTP's.
    Refused {
        place: String,
        code: u16,
        answer: String,
        lasting: bool,
    },
    /// The channel's queue was full.
    TooMany,
    /// It was queued for more than an hour.
    TooOld,
    /// The server stopped before it was delivered.
    Stopped,
}

impl NotifyError {
    /// Whether a retry may succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Refused { lasting, .. } => !lasting,
            Self::Settings(_) | Self::Insecure { .. } | Self::TooMany | Self::TooOld | Self::Stopped => false,
        }
    }

    pub fn message(&self) -> Message {
        match self {
            Self::Settings(message) => message.clone(),
            Self::Unreachable { place, cause } => message!("Can't reach {place}: {cause}", place, cause),
            Self::Insecure { place, cause } => {
                message!("couldn't establish a secure connection to {place}: {cause}", place, cause)
            }
            Self::Timeout { place } => message!("{place} didn't respond within 10 s", place),
            Self::Refused { place, code, answer, .. } if answer.is_empty() => {
                message!("{place} rejected it with {code}", place, code)
            }
            Self::Refused { place, code, answer, .. } => {
                message!("{place} rejected it with {code}: {answer}", place, code, answer)
            }
            Self::TooMany => message!("too many notifications are queued for this channel"),
            Self::TooOld => message!("it was queued for more than an hour"),
            Self::Stopped => message!("the server stopped before it was delivered"),
        }
    }

    /// The message for a page, without the server's answer: the address may be an internal one that the user who entered it
    /// can't reach, and could read this way. The log has the answer.
    pub fn without_answer(&self) -> Message {
        match self {
            Self::Refused { place, code, .. } => message!("{place} rejected it with {code}", place, code),
            other => other.message(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Message {
        match self {
            Self::Settings(_) => message!("Fix the channel settings."),
            Self::Unreachable { .. } => {
                message!("Check the address and port, and that the Quaylight server can connect to it.")
            }
            Self::Insecure { .. } => message!(
                "Check the server name and encryption type. If the certificate is signed by a private CA, add that CA to the server's trust store or set SSL_CERT_FILE."
            ),
            Self::Timeout { .. } => {
                message!("Check that the server is up and that no firewall is dropping the connection.")
            }
            Self::Refused { code: 401 | 403 | 530 | 534 | 535, .. } => {
                message!("Check the token, or the username and password.")
            }
            Self::Refused { code: 301..=308, .. } => message!("The URL redirects elsewhere. Enter the new URL."),
            Self::Refused { code: 404 | 405 | 410, .. } => {
                message!("Check the URL: nothing at this address accepts notifications.")
            }
            Self::Refused { code: 413, .. } => message!("The message is too long for the server."),
            Self::Refused { code: 429, .. } => {
                message!("The server is rate limiting messages. Make your rules notify less often.")
            }
            Self::Refused { code: 550..=553, .. } => message!("Check the sender and recipient addresses."),
            Self::Refused { lasting: true, .. } => {
                message!("Check the channel settings against what the server expects.")
            }
            Self::Refused { lasting: false, .. } => message!("The server reported an internal error. Check its logs."),
            Self::TooMany | Self::TooOld | Self::Stopped => {
                message!("Check why earlier notifications weren't delivered.")
            }
        }
    }
}

/// A server's answer as one line, truncated.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|it| !it.is_empty()).collect();
    words.join(" ").chars().take(200).collect()
}
