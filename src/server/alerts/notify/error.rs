//! Why a notification did not arrive, and what to do about it. Names servers, never paths, tokens or passwords.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// It could never work like this.
    #[error("{0}")]
    Settings(String),
    #[error("{place} can't be reached: {cause}")]
    Unreachable { place: String, cause: String },
    /// It is not who it should be, or not as secure as it should.
    #[error("there is no secure connection to {place}: {cause}")]
    Insecure { place: String, cause: String },
    #[error("{place} did not answer within 10 s")]
    Timeout { place: String },
    /// It answered with a "no". `code` is HTTP's or SMTP's.
    #[error("{place} refused with {code}{}", said(answer))]
    Refused { place: String, code: u16, answer: String, lasting: bool },
    /// More waits for this channel than is kept.
    #[error("too many notifications waited for this channel")]
    TooMany,
    #[error("it waited for more than an hour")]
    TooOld,
}

fn said(answer: &str) -> String {
    if answer.is_empty() { String::new() } else { format!(": {answer}") }
}

impl NotifyError {
    /// Whether the same may work a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Refused { lasting, .. } => !lasting,
            Self::Settings(_) | Self::Insecure { .. } | Self::TooMany | Self::TooOld => false,
        }
    }

    /// What to do.
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
            Self::TooMany | Self::TooOld => "See why the ones before could not be delivered.",
        }
    }
}

/// The cause that says something, of an error that wraps others.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// One line of what a server said, not too long.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|it| !it.is_empty()).collect();
    words.join(" ").chars().take(200).collect()
}
