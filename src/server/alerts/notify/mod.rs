//! Notification delivery: webhook, ntfy and email, a file for each.
//!
//! - [`Channel`]: the destination, as settings that are stored as JSON.
//! - [`Outbound`]: the shared HTTP client and trusted certificates.
//! - [`Dispatcher`]: delivers each notification to each channel, with retries.

mod dispatcher;
mod email;
mod error;
mod form;
mod ntfy;
mod outbound;
mod secret;
mod webhook;
mod weburl;

pub use dispatcher::{DeliveryMetrics, Dispatcher, DispatcherTask, Outcome, Recipient, Retries};
pub use email::{Email, Login, Security};
pub use error::NotifyError;
pub use ntfy::Ntfy;
pub use outbound::Outbound;
pub use secret::Secret;
pub use webhook::Webhook;
pub use weburl::WebUrl;

pub use crate::model::Severity;
use crate::{
    message,
    model::{ChannelKind, ContainerId, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use tokio::time::timeout;

/// Timeout of one delivery, from the DNS lookup to the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

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
    /// The page with the details.
    pub link: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Firing,
    Resolved,
}

/// The container that the notification is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    pub name: String,
    /// `None` if the container is missing.
    pub id: Option<ContainerId>,
}

/// A notification's destination. Its JSON contains secrets: it is for the vault, not for pages, which get [`Channel::masked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Channel {
    Webhook(Webhook),
    Ntfy(Ntfy),
    Email(Email),
}

/// Id of one notification to one channel. It is the same at each try, so that the recipient can detect duplicates: an answer
/// may get lost after the message has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryId(u128);

impl Channel {
    /// Makes one try. The error states whether a retry may help.
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
        timeout(TIMEOUT, sent).await.unwrap_or_else(|_| Err(NotifyError::Timeout { place: self.place() }))
    }

    /// Validates the settings, as far as possible without sending.
    pub fn check(&self) -> Result<(), NotifyError> {
        match self {
            Self::Webhook(_) => Ok(()),
            Self::Ntfy(it) => it.check(),
            Self::Email(it) => it.check(),
        }
    }

    /// The destination server, for logs.
    pub fn place(&self) -> String {
        match self {
            Self::Webhook(it) => it.url.place(),
            Self::Ntfy(it) => it.server.place(),
            Self::Email(it) => it.place(),
        }
    }

    /// For a form: passwords and tokens are replaced by `***`.
    #[must_use]
    pub fn masked(&self) -> Self {
        self.with_secrets(|secret| *secret = Secret::masked())
    }

    /// Restores the secrets that a form left as `***`. Fails if the destination has changed: a user who may change a channel
    /// could otherwise send its secret to their own server, and read it there.
    pub fn unmasked(&self, before: Option<&Self>) -> Result<Self, NotifyError> {
        let mut known = None;
        if let Some(before) = before.filter(|before| before.destination() == self.destination()) {
            before.clone().each_secret(&mut |secret| known = Some(secret.clone()));
        }
        let mut is_known = true;
        let unmasked = self.with_secrets(|secret| match &known {
            Some(known) if secret.is_masked() => secret.clone_from(known),
            _ => is_known &= !secret.is_masked(),
        });
        let why = message!("Enter the token or password again, because the destination has changed");
        if is_known { Ok(unmasked) } else { Err(NotifyError::Settings(why)) }
    }

    /// Where the secret is sent, and how: kind and server, and for email the login and the encryption too.
    fn destination(&self) -> (ChannelKind, String) {
        let to = match self {
            Self::Email(it) => {
                let login = it.login.as_ref().map_or("", |login| login.name.as_str());
                format!("{} {:?} {login}", it.place(), it.security)
            }
            Self::Webhook(_) | Self::Ntfy(_) => self.place(),
        };
        (self.kind(), to)
    }

    fn with_secrets(&self, mut change: impl FnMut(&mut Secret)) -> Self {
        let mut it = self.clone();
        it.each_secret(&mut change);
        it
    }

    /// Calls `each` for the channel's secret, if any. A channel has at most one.
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
    /// The notification that the "Send a test" button sends.
    pub fn test(at: Timestamp) -> Self {
        Self {
            title: "Quaylight test notification".into(),
            text: "If you can read this, notifications work.".into(),
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
    fn channel_round_trips_through_json_and_hides_secrets_in_debug() {
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
    fn form_masks_secrets_and_keeps_unedited_ones() {
        for channel in channels() {
            let form = channel.masked();
            assert!(!serde_json::to_string(&form).unwrap().contains("s3cret-w"), "{form:?}");
            assert!(!serde_json::to_string(&form).unwrap().contains("s3cret-token"), "{form:?}");
            assert_eq!(form.unmasked(Some(&channel)), Ok(channel.clone()));
            let typed = form.with_secrets(|secret| *secret = Secret::new("typed"));
            assert_eq!(typed.unmasked(Some(&channel)), Ok(typed.clone()));
            assert!(form.unmasked(None).is_err(), "no secret is stored yet");
        }
    }

    #[test]
    fn masked_secret_is_rejected_for_another_destination() {
        let [webhook, ntfy, email] = channels();
        let from_json = |text: &str| serde_json::from_str::<Channel>(text).unwrap();
        let mail = |host: &str, port: u16, security: &str, login: &str| {
            from_json(&format!(
                r#"{{"kind":"email","host":"{host}","port":{port},"security":"{security}",
                    "login":{{"name":"{login}","password":"***"}},"from":"q@example.org","to":["b@example.org"]}}"#
            ))
        };
        for (form, before) in [
            (from_json(r#"{"kind":"webhook","url":"https://evil.example.org/","token":"***"}"#), &webhook),
            (from_json(r#"{"kind":"webhook","url":"http://hooks.example.org/T0","token":"***"}"#), &webhook),
            (from_json(r#"{"kind":"webhook","url":"https://hooks.example.org:8443/T0","token":"***"}"#), &webhook),
            (from_json(r#"{"kind":"webhook","url":"https://ntfy.sh/x","token":"***"}"#), &ntfy),
            (from_json(r#"{"kind":"ntfy","server":"https://evil.example.org","topic":"x","token":"***"}"#), &ntfy),
            (mail("evil.example.org", 587, "start_tls", "ops"), &email),
            (mail("mail.example.org", 25, "start_tls", "ops"), &email),
            (mail("mail.example.org", 587, "plain", "ops"), &email),
            (mail("mail.example.org", 587, "start_tls", "other"), &email),
        ] {
            let refused = form.unmasked(Some(before)).unwrap_err();
            assert!(refused.to_string().contains("again"), "{form:?}");
        }
        // Another path or topic of the same server, and other recipients.
        for (form, before) in [
            (from_json(r#"{"kind":"webhook","url":"https://hooks.example.org/T1","token":"***"}"#), &webhook),
            (from_json(r#"{"kind":"ntfy","topic":"other","token":"***"}"#), &ntfy),
            (mail("mail.example.org", 587, "start_tls", "ops"), &email),
        ] {
            let unmasked = serde_json::to_string(&form.unmasked(Some(before)).unwrap()).unwrap();
            assert!(unmasked.contains("s3cret"), "{unmasked}");
        }
    }
}
