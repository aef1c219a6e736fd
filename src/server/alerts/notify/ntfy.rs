//! ntfy notifications: push messages, published as JSON to a topic of a server. <https://docs.ntfy.sh/publish/#publish-as-json>

use super::{Notification, NotifyError, Outbound, Secret, Severity, State, WebUrl};
use crate::message;
use serde::{Deserialize, Serialize};

/// In bytes; the server turns a longer message into an attachment.
const LONGEST: usize = 4_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ntfy {
    #[serde(default = "public_server")]
    pub server: WebUrl,
    /// A secret: any client that knows it can read and write there.
    pub topic: Secret,
    #[serde(default)]
    pub token: Option<Secret>,
}

fn public_server() -> WebUrl {
    "https://ntfy.sh".parse().expect("the URL is valid")
}

/// A JSON body, not headers, which can't contain UTF-8.
#[derive(Serialize)]
struct Message<'a> {
    topic: &'a str,
    title: &'a str,
    message: &'a str,
    priority: u8,
    tags: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    click: Option<&'a str>,
}

impl Ntfy {
    /// Enforces ntfy's own rule for topic names.
    pub(super) fn check(&self) -> Result<(), NotifyError> {
        let topic = self.topic.reveal();
        let clean = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if (1..=64).contains(&topic.len()) && topic.chars().all(clean) {
            return Ok(());
        }
        Err(NotifyError::Settings(message!("Topic must be 1 to 64 letters, digits, dashes or underscores")))
    }

    pub(super) async fn send(&self, notification: &Notification, outbound: &Outbound) -> Result<(), NotifyError> {
        self.check()?;
        let json = serde_json::to_vec(&self.message(notification)).expect("a message serializes to JSON");
        outbound.post(&self.server, self.token.as_ref(), &[], json).await
    }

    fn message<'a>(&'a self, notification: &'a Notification) -> Message<'a> {
        let Notification { title, text, severity, state, link, .. } = notification;
        // Of ntfy's five priorities, 3 is the default; 5 bypasses do-not-disturb.
        let (priority, tag) = match (state, severity) {
            (State::Resolved, _) => (3, "white_check_mark"),
            (State::Firing, Severity::Info) => (3, "information_source"),
            (State::Firing, Severity::Warning) => (4, "warning"),
            (State::Firing, Severity::Critical) => (5, "rotating_light"),
        };
        let end = text.floor_char_boundary(LONGEST);
        Message {
            topic: self.topic.reveal(),
            title,
            message: &text[..end],
            priority,
            tags: [tag],
            click: link.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn invalid_ntfy_topic_is_rejected() {
        for (topic, fine) in [("alerts-1_x", true), ("", false), ("a/b", false), ("ä", false)] {
            let ntfy = Ntfy { server: public_server(), topic: Secret::new(topic), token: None };
            assert_eq!(ntfy.check().is_ok(), fine, "{topic}");
        }
    }

    #[test]
    fn long_text_is_truncated_at_a_character_boundary() {
        let ntfy = Ntfy { server: public_server(), topic: Secret::new("t"), token: None };
        let text = format!("x{}", "é".repeat(3_000));
        let notification = Notification { text, ..Notification::test(Timestamp::default()) };
        assert_eq!(ntfy.message(&notification).message.len(), 3_999);
    }
}
