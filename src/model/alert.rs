//! Alert rules for containers, and the state of their alerts.

use super::{Container, ContainerId, Message, Timestamp, pattern};
use crate::message;
use serde::{Deserialize, Serialize};

/// The maximum length of a name, pattern and so on, in characters.
pub const LONGEST_TEXT: usize = 200;

/// An alert rule: a condition, its scope, and the channels that are notified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Assigned by the server. Empty in a new rule.
    pub id: String,
    pub name: String,
    pub is_on: bool,
    pub condition: Condition,
    pub scope: AlertScope,
    pub severity: Severity,
    /// Seconds that the condition must hold before the alert fires.
    pub duration: u32,
    /// Seconds after the alert's end during which it does not fire again.
    pub cooldown: u32,
    /// Ids of the channels to notify. The app itself always shows the alert.
    pub channels: Vec<String>,
    /// No notifications are sent until then.
    pub silenced_until: Option<Timestamp>,
    /// When the rule was created or last turned on, by the server's clock. It ignores everything that ended before.
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// CPU usage above this many percent of one core.
    Cpu { above: u32 },
    /// Memory usage above this many percent of the limit.
    Memory { above: u32 },
    /// At least `times` starts within `within` seconds.
    Restarts { times: u32, within: u32 },
    /// The health check fails.
    Unhealthy,
    /// The container exited with a code other than 0.
    Failed,
    /// No container of the scope's name is running.
    Absent,
    /// The disk with the engine's data is used by more than this many percent.
    Disk { above: u32 },
    /// A line of the log contains this text.
    Log { text: String },
}

/// The text of an alert about a log line.
pub fn logged(line: &str) -> Message {
    message!("logged: {line}", line)
}

/// The text of an alert, or about one, without the log line in it.
pub fn without_line(text: Message) -> Message {
    match text {
        Message::Text { template, .. } if template == "logged: {line}" => message!("logged a matching line"),
        Message::Text { template, values } => {
            Message::Text { template, values: values.into_iter().map(without_line).collect() }
        }
        Message::Verbatim(_) => text,
    }
}

/// The containers that a rule watches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertScope {
    /// `*` matches any text. An empty name matches all containers.
    pub name: String,
    /// Empty matches all projects.
    pub project: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// The subject of alerts about the disk with the engine's data.
pub const ENGINE_DISK: &str = "The engine's disk";

/// An alert: a rule's condition that holds, or held, for one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub rule: String,
    pub rule_name: String,
    pub severity: Severity,
    /// The container's name, or the name of another subject.
    pub subject: String,
    pub container: Option<ContainerId>,
    pub state: AlertState,
    /// The measured value.
    pub text: Message,
    /// When the alert entered its state.
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Pending,
    Firing,
    Resolved,
}

/// Quiet hours: between these minutes of the day, only critical alerts are sent to channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// Minutes since midnight. If `from` is later than `until`, the range includes midnight.
    pub from: u16,
    pub until: u16,
    /// Offset from UTC in minutes (east is positive), as the user who set the hours has it.
    pub zone: i32,
}

impl QuietHours {
    pub fn are_now(&self, now: Timestamp) -> bool {
        let minute = (now.seconds().div_euclid(60) + i64::from(self.zone)).rem_euclid(24 * 60);
        let (from, until) = (i64::from(self.from), i64::from(self.until));
        if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl AlertState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl AlertScope {
    pub fn takes(&self, container: &Container) -> bool {
        (self.project.is_empty() || container.project() == Some(&self.project)) && self.takes_name(&container.name)
    }

    pub fn takes_name(&self, name: &str) -> bool {
        self.name.is_empty() || pattern::matches(&self.name, name)
    }
}

impl Rule {
    /// Validates the rule. The error is a message for the user who wrote it.
    pub fn check(&self) -> Result<(), Message> {
        let long = |text: &String| text.chars().count() > LONGEST_TEXT;
        let texts = [&self.name, &self.scope.name, &self.scope.project];
        let says = Err;
        if self.name.trim().is_empty() {
            return says(message!("Enter a rule name. It's used as the notification title"));
        }
        if texts.into_iter().any(long) {
            return says(message!("Text can be up to 200 characters long"));
        }
        if self.duration > 86_400 || self.cooldown > 7 * 86_400 {
            return says(message!("Duration can be up to 24 hours and cooldown up to 7 days"));
        }
        match &self.condition {
            Condition::Cpu { above } if *above == 0 => says(message!("CPU threshold must be above 0 %")),
            Condition::Memory { above } | Condition::Disk { above } if !(1..=100).contains(above) => {
                says(message!("Memory and disk thresholds must be between 1 and 100 %"))
            }
            Condition::Restarts { times, within } if *times < 2 || !(10..=86_400).contains(within) => {
                says(message!("Use at least 2 starts and a window of 10 seconds to 24 hours"))
            }
            Condition::Log { text } if text.is_empty() || long(text) => {
                says(message!("Enter 1 to 200 characters to match"))
            }
            Condition::Absent if self.scope.name.is_empty() => {
                says(message!("Enter the name of the container that must be running"))
            }
            _ => Ok(()),
        }
    }
}

impl Condition {
    /// The description in the list of rules.
    pub fn words(&self) -> Message {
        match self {
            Self::Cpu { above } => message!("uses more than {above} % of a core", above),
            Self::Memory { above } => message!("uses more than {above} % of its memory", above),
            Self::Restarts { times, within } => message!("starts {times} times within {within} s", times, within),
            Self::Unhealthy => message!("is unhealthy"),
            Self::Failed => message!("exits with an error"),
            Self::Absent => message!("isn't running"),
            Self::Disk { above } => message!("engine disk usage is above {above} %", above),
            Self::Log { text } => message!("logs \"{text}\"", text),
        }
    }

    /// Whether the condition needs measurements of the containers' usage.
    pub fn is_of_use(&self) -> bool {
        matches!(self, Self::Cpu { .. } | Self::Memory { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_span_midnight_in_their_time_zone() {
        let at = |hour: i64| Timestamp::from_seconds(hour * 3_600);
        let night = QuietHours { from: 22 * 60, until: 7 * 60, zone: 60 };
        let quiet: Vec<i64> = (0..24).filter(|hour| night.are_now(at(*hour))).collect();
        assert_eq!(quiet, [0, 1, 2, 3, 4, 5, 21, 22, 23]);
        let noon = QuietHours { from: 12 * 60, until: 13 * 60, zone: 0 };
        assert!(noon.are_now(at(12)) && !noon.are_now(at(13)));
    }
}
