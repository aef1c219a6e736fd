//! Channels as people fill them in, what they ask to change of alerts, and all that their page shows.

use super::{Alert, HistoryStatus, QuietHours, Rule};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a form shows instead of a secret; left as it is, the secret stays as it was.
pub const MASK: &str = "***";

/// On the way to the server there may be secrets in it, as they were typed; the server never sends one. Not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelSettings {
    /// An empty token is none.
    Webhook {
        url: String,
        token: String,
    },
    Ntfy {
        server: String,
        topic: String,
        token: String,
    },
    /// Without a login where its name is empty. `to` has commas between.
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
    /// Empty in a new one.
    pub id: String,
    pub name: String,
    pub settings: ChannelSettings,
}

/// A channel as the list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelInfo {
    pub id: String,
    pub name: String,
    /// The server that it goes to.
    pub place: String,
    pub kind: ChannelKind,
    /// Masked; for those alone who may change them: an address may be as good as a password.
    pub settings: Option<ChannelSettings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelKind {
    Webhook,
    Ntfy,
    Email,
}

/// What users can change of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertChange {
    /// A new one where its id is empty.
    PutRule(Rule),
    DeleteRule(String),
    /// For so many seconds; 0 ends it.
    Silence(String, u32),
    PutChannel(ChannelDraft),
    DeleteChannel(String),
    /// Sends a message, and changes nothing.
    TestChannel(String),
    QuietHours(Option<QuietHours>),
}

/// All that the page of alerts shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertBook {
    /// Firing first, then the most severe, then the latest.
    pub active: Vec<Alert>,
    /// By name.
    pub rules: Vec<Rule>,
    /// By name.
    pub channels: Vec<ChannelInfo>,
    pub quiet: Option<QuietHours>,
    /// What fired and was over of late, newest first.
    pub turns: Vec<Alert>,
    /// Rules are kept there.
    pub history: HistoryStatus,
    /// Whether who asks may change rules and channels, and silence rules.
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

    /// What a form begins with.
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
    /// As the history has it: what is changed, how, and its name or id.
    pub fn told(&self) -> (&'static str, &'static str, &str) {
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
