//! How a notification leaves the house: by webhook, ntfy or email, a file for each.
//!
//! - [`Channel`]: where to, as settings that are kept as JSON.
//! - [`Outbound`]: the way out, one for all: HTTP client and trusted certificates.
//! - [`Courier`]: brings each notification to each channel, again and again if need be.

mod courier;
mod email;
mod error;
mod form;
mod ntfy;
mod outbound;
mod secret;
mod webhook;
mod weburl;

pub use courier::{Addressee, Courier, Outcome, Retries, Rounds};
pub use email::{Email, Login, Security};
pub use error::NotifyError;
pub use ntfy::Ntfy;
pub use outbound::Outbound;
pub use secret::Secret;
pub use webhook::Webhook;
pub use weburl::WebUrl;

pub use crate::model::Severity;
use crate::model::{ContainerId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use tokio::time::timeout;

/// For one delivery, from the look-up of the name to the answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// One line.
    pub title: String,
    pub text: String,
    pub severity: Severity,
    pub state: State,
    /// The rule's name.
    pub rule: String,
    pub subject: Option<Subject>,
    pub at: Timestamp,
    /// The page that shows more.
    pub link: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Firing,
    Resolved,
}

/// The container that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    pub name: String,
    /// None of one that is missing.
    pub id: Option<ContainerId>,
}

/// Where notifications go. In JSON with its secrets: for the database, not for a page, which gets [`Channel::masked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Channel {
    Webhook(Webhook),
    Ntfy(Ntfy),
    Email(Email),
}

/// Names one notification on its way to one channel. The same at each try, so that who gets it twice can tell: an answer
/// may get lost after the message has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryId(u128);

impl Channel {
    /// One try. An error says whether another may help.
    pub async fn send(
        &self,
        notification: &Notification,
        delivery: DeliveryId,
        outbound: &Outbound,
    ) -> Result<(), NotifyError> {
        let sent = async {
            match self {
                Self::Webhook(it) => it.send(notification, delivery, outbound).await,
                Self::Ntfy(it) => it.send(notification, outbound).await,
                Self::Email(it) => it.send(notification, delivery, outbound).await,
            }
        };
        timeout(PATIENCE, sent).await.unwrap_or_else(|_| Err(NotifyError::Timeout { place: self.place() }))
    }

    /// What is wrong with the settings, as far as that shows without sending.
    pub fn check(&self) -> Result<(), NotifyError> {
        match self {
            Self::Webhook(_) => Ok(()),
            Self::Ntfy(it) => it.check(),
            Self::Email(it) => it.check(),
        }
    }

    /// The server that it goes to, for logs.
    pub fn place(&self) -> String {
        match self {
            Self::Webhook(it) => it.url.place(),
            Self::Ntfy(it) => it.server.place(),
            Self::Email(it) => it.place(),
        }
    }

    /// For a form: passwords and tokens are `***`.
    #[must_use]
    pub fn masked(&self) -> Self {
        self.with_secrets(|secret| *secret = Secret::masked())
    }

    /// A form that comes back: what still is `***` is as it was.
    #[must_use]
    pub fn unmasked(&self, before: &Self) -> Self {
        let mut before = before.clone();
        let mut known = None;
        before.each_secret(&mut |secret| known = Some(secret.clone()));
        self.with_secrets(|secret| {
            if let Some(known) = known.as_ref().filter(|_| secret.is_masked()) {
                secret.clone_from(known);
            }
        })
    }

    fn with_secrets(&self, mut change: impl FnMut(&mut Secret)) -> Self {
        let mut it = self.clone();
        it.each_secret(&mut change);
        it
    }

    /// At most one.
    fn each_secret(&mut self, each: &mut dyn FnMut(&mut Secret)) {
        match self {
            Self::Webhook(it) => it.token.as_mut(),
            Self::Ntfy(it) => it.token.as_mut(),
            Self::Email(it) => it.login.as_mut().map(|login| &mut login.password),
        }
        .into_iter()
        .for_each(each);
    }
}

impl DeliveryId {
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Notification {
    /// What a "Send a test" button sends.
    pub fn test(at: Timestamp) -> Self {
        Self {
            title: "Test of Quaylight".into(),
            text: "If you can read this, notifications arrive here.".into(),
            severity: Severity::Info,
            state: State::Firing,
            rule: "test".into(),
            subject: None,
            at,
            link: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels() -> [Channel; 3] {
        let from_json = |text: &str| serde_json::from_str(text).unwrap();
        [
            from_json(r#"{"kind":"webhook","url":"https://hooks.example.org/T0/s3cret-path","token":"s3cret-token"}"#),
            from_json(r#"{"kind":"ntfy","topic":"s3cret-topic","token":"s3cret-token"}"#),
            from_json(
                r#"{"kind":"email","host":"mail.example.org","port":587,"security":"start_tls",
                    "login":{"name":"ops","password":"s3cret-word"},"from":"q@example.org","to":["Ops <ops@example.org>"]}"#,
            ),
        ]
    }

    #[test]
    fn a_channel_survives_the_database_and_keeps_its_secrets_out_of_logs() {
        for channel in channels() {
            let json = serde_json::to_string(&channel).unwrap();
            assert!(json.contains("s3cret"), "{json}");
            assert_eq!(serde_json::from_str::<Channel>(&json).unwrap(), channel);
            let printed = format!("{channel:?} {channel:#?} {}", channel.place());
            assert!(!printed.contains("s3cret") && printed.contains("***"), "{printed}");
            channel.check().unwrap();
        }
    }

    #[test]
    fn a_form_sees_no_secret_and_changes_none_that_it_leaves_alone() {
        for channel in channels() {
            let form = channel.masked();
            assert!(!serde_json::to_string(&form).unwrap().contains("s3cret-w"), "{form:?}");
            assert!(!serde_json::to_string(&form).unwrap().contains("s3cret-token"), "{form:?}");
            assert_eq!(form.unmasked(&channel), channel);
            let typed = form.with_secrets(|secret| *secret = Secret::new("typed"));
            assert_eq!(typed.unmasked(&channel), typed);
        }
    }
}
