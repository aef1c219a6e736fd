//! Delivery errors: why a notification was not delivered, and a hint to fix it. They name servers, never paths, tokens or
//! passwords.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The settings can never work.
    #[error("{0}")]
    Settings(String),
    #[error("Can't reach {place}: {cause}")]
    Unreachable { place: String, cause: String },
    /// The server's identity is not verified, or the connection is less secure than required.
    #[error("couldn't establish a secure connection to {place}: {cause}")]
    Insecure { place: String, cause: String },
    #[error("{place} didn't respond within 10 s")]
    Timeout { place: String },
    /// The server answered with an error. `code` is HTTP's or SMTP's.
    #[error("{place} rejected it with {code}{}", said(answer))]
    Refused { place: String, code: u16, answer: String, lasting: bool },
    /// The channel's queue was full.
    #[error("too many notifications are queued for this channel")]
    TooMany,
    #[error("it was queued for more than an hour")]
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
            Self::Refused { place, code, .. } => format!("{place} rejected it with {code}"),
            other => other.to_string(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Settings(_) => "Fix the channel settings.",
            Self::Unreachable { .. } => "Check the address and port, and that the Quaylight server can connect to it.",
            Self::Insecure { .. } => {
                "Check the server name and encryption type. If the certificate is signed by a private CA, add that CA to the server's trust store or set SSL_CERT_FILE."
            }
            Self::Timeout { .. } => "Check that the server is up and that no firewall is dropping the connection.",
            Self::Refused { code: 401 | 403 | 530 | 534 | 535, .. } => "Check the token, or the username and password.",
            Self::Refused { code: 301..=308, .. } => "The URL redirects elsewhere. Enter the new URL.",
            Self::Refused { code: 404 | 405 | 410, .. } => {
                "Check the URL: nothing at this address accepts notifications."
            }
            Self::Refused { code: 413, .. } => "The message is too long for the server.",
            Self::Refused { code: 429, .. } => {
                "The server is rate limiting messages. Make your rules notify less often."
            }
            Self::Refused { code: 550..=553, .. } => "Check the sender and recipient addresses.",
            Self::Refused { lasting: true, .. } => "Check the channel settings against what the server expects.",
            Self::Refused { lasting: false, .. } => "The server reported an internal error. Check its logs.",
            Self::TooMany | Self::TooOld | Self::Stopped => "Check why earlier notifications weren't delivered.",
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
