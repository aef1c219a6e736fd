//! Notification channels as users edit them, changes of alerts, and the data of the alerts page.

use super::{Alert, HistoryStatus, QuietHours, Rule};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Shown in forms instead of a secret. If it is sent back, the secret stays unchanged.
pub const MASK: &str = "***";

/// The settings of a channel. On the way to the server they may contain secrets in plain text. The server never sends a
/// secret. `Debug` does not print them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelSettings {
    /// An empty token means none.
    Webhook {
        url: String,
        token: String,
    },
    Ntfy {
        server: String,
        topic: String,
        token: String,
    },
    /// An empty `login` means no authentication. `to` is a comma-separated list.
    Email {
        host: String,
        port: u16,
        security: MailSecurity,
        login: String,
        password: String,
        from: String,
        to: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailSecurity {
    Tls,
    StartTls,
    Plain,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelDraft {
    /// Empty in a new channel.
    pub id: String,
    pub name: String,
    pub settings: ChannelSettings,
}

/// A channel as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelInfo {
    pub id: String,
    pub name: String,
    /// The server that the channel sends to.
    pub place: String,
    pub kind: ChannelKind,
    /// Masked, and only for users who may change them: an address may be as sensitive as a password.
    pub settings: Option<ChannelSettings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelKind {
    Webhook,
    Ntfy,
    Email,
}

/// Changes of alerts that users can make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertChange {
    /// Creates the rule if its id is empty.
    PutRule(Rule),
    DeleteRule(String),
    /// Silences a rule for this many seconds. 0 ends the silence.
    Silence(String, u32),
    PutChannel(ChannelDraft),
    DeleteChannel(String),
    /// Sends a test message and changes nothing.
    TestChannel(String),
    QuietHours(Option<QuietHours>),
}

/// The data of the alerts page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertBook {
    /// Firing alerts first, then by severity (highest first), then the latest.
    pub active: Vec<Alert>,
    /// Sorted by name.
    pub rules: Vec<Rule>,
    /// Sorted by name.
    pub channels: Vec<ChannelInfo>,
    pub quiet: Option<QuietHours>,
    /// Alerts that recently fired or resolved, newest first.
    pub transitions: Vec<Alert>,
    /// Status of the history, where rules are stored.
    pub history: HistoryStatus,
    /// Whether rules, channels and quiet hours could be loaded. Until then there may be more than is shown.
    pub is_known: bool,
    /// Whether the caller may change rules and channels, and whether they may silence rules.
    pub may_configure: bool,
    pub may_silence: bool,
}

impl fmt::Debug for ChannelSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {MASK}", self.kind().word())
    }
}

impl ChannelSettings {
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Webhook { .. } => ChannelKind::Webhook,
            Self::Ntfy { .. } => ChannelKind::Ntfy,
            Self::Email { .. } => ChannelKind::Email,
        }
    }
}

impl ChannelKind {
    pub const ALL: [Self; 3] = [Self::Webhook, Self::Ntfy, Self::Email];

    pub fn word(self) -> &'static str {
        match self {
            Self::Webhook => "Webhook",
            Self::Ntfy => "ntfy",
            Self::Email => "Email",
        }
    }

    /// The initial contents of a form.
    pub fn blank(self) -> ChannelSettings {
        let none = String::new;
        match self {
            Self::Webhook => ChannelSettings::Webhook { url: none(), token: none() },
            Self::Ntfy => ChannelSettings::Ntfy { server: "https://ntfy.sh".to_owned(), topic: none(), token: none() },
            Self::Email => ChannelSettings::Email {
                host: none(),
                port: 587,
                security: MailSecurity::StartTls,
                login: none(),
                password: none(),
                from: none(),
                to: none(),
            },
        }
    }
}

impl AlertChange {
    /// The entry for the history: the type of the changed item, the verb, and the item's name or id.
    pub fn history_entry(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::PutRule(rule) if rule.id.is_empty() => ("rule", "create", &rule.name),
            Self::PutRule(rule) => ("rule", "change", &rule.name),
            Self::DeleteRule(id) => ("rule", "delete", id),
            Self::Silence(id, 0) => ("rule", "unsilence", id),
            Self::Silence(id, _) => ("rule", "silence", id),
            Self::PutChannel(draft) if draft.id.is_empty() => ("channel", "create", &draft.name),
            Self::PutChannel(draft) => ("channel", "change", &draft.name),
            Self::DeleteChannel(id) => ("channel", "delete", id),
            Self::TestChannel(id) => ("channel", "test", id),
            Self::QuietHours(_) => ("quiet_hours", "change", ""),
        }
    }
}
