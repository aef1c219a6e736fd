//! Delivery errors: why a notification was not delivered, and a hint to fix it. They name servers, never paths, tokens or
//! passwords.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The settings can never work.
    #[error("{0}")]
    Settings(String),
    #[error("{place} can't be reached: {cause}")]
    Unreachable { place: String, cause: String },
    /// The server's identity is not verified, or the connection is less secure than required.
    #[error("there is no secure connection to {place}: {cause}")]
    Insecure { place: String, cause: String },
    #[error("{place} did not answer within 10 s")]
    Timeout { place: String },
    /// The server answered with an error. `code` is HTTP's or SMTP's.
    #[error("{place} refused with {code}{}", said(answer))]
    Refused { place: String, code: u16, answer: String, lasting: bool },
    /// The channel's queue was full.
    #[error("too many notifications waited for this channel")]
    TooMany,
    #[error("it waited for more than an hour")]
    TooOld,
    #[error("the server stopped before it was delivered")]
    Stopped,
}

fn said(answer: &str) -> String {
    if answer.is_empty() { String::new() } else { format!(": {answer}") }
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

    /// The message for a page, without the server's answer: the address may be an internal one that the user who entered it
    /// can't reach, and could read this way. The log has the answer.
    pub fn without_answer(&self) -> String {
        match self {
            Self::Refused { place, code, .. } => format!("{place} refused with {code}"),
            other => other.to_string(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Settings(_) => "Correct the channel's settings.",
            Self::Unreachable { .. } => "Check the address and the port, and that this machine may connect to it.",
            Self::Insecure { .. } => {
                "Check the name and the kind of encryption. A certificate of your own authority has to be known to this \
                 machine, or named by SSL_CERT_FILE."
            }
            Self::Timeout { .. } => "Check that the server is well; a firewall may swallow what is sent to it.",
            Self::Refused { code: 401 | 403 | 530 | 534 | 535, .. } => "Check the token, or the name and password.",
            Self::Refused { code: 301..=308, .. } => "The address has moved: enter the new one.",
            Self::Refused { code: 404 | 405 | 410, .. } => {
                "Check the address: there is nothing there that takes messages."
            }
            Self::Refused { code: 413, .. } => "The server takes shorter messages only.",
            Self::Refused { code: 429, .. } => "The server takes fewer messages: let the rules notify less often.",
            Self::Refused { code: 550..=553, .. } => "Check the addresses of sender and recipients.",
            Self::Refused { lasting: true, .. } => "Check the channel's settings, and what the server wants.",
            Self::Refused { lasting: false, .. } => "The server has a problem of its own: look there.",
            Self::TooMany | Self::TooOld | Self::Stopped => "See why the ones before could not be delivered.",
        }
    }
}

/// The innermost cause of an error that wraps others.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A server's answer as one line, truncated.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|it| !it.is_empty()).collect();
    words.join(" ").chars().take(200).collect()
}
