//! Rules that watch containers, and what has become of them.

use super::{Container, ContainerId, Timestamp};
use serde::{Deserialize, Serialize};

/// Longest name, pattern and so on, in characters.
pub const LONGEST_TEXT: usize = 200;

/// A condition, whom it watches, and who hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Given by the server; empty in a new one.
    pub id: String,
    pub name: String,
    pub is_on: bool,
    pub condition: Condition,
    pub scope: AlertScope,
    pub severity: Severity,
    /// Seconds that it has to last before it fires.
    pub duration: u32,
    /// Seconds after its end in which it does not fire again.
    pub cooldown: u32,
    /// Ids of the channels that hear of it; the app always does.
    pub channels: Vec<String>,
    /// Until then nobody hears of it.
    pub silenced_until: Option<Timestamp>,
    /// When it was made or last turned on, as the server says: of what ended before it says nothing.
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Uses more CPU than so many percent of one core.
    Cpu { above: u32 },
    /// Uses more memory than so many percent of its limit.
    Memory { above: u32 },
    /// Started so often, or more, within so many seconds.
    Restarts { times: u32, within: u32 },
    /// Its health check fails.
    Unhealthy,
    /// Ended with a code other than 0.
    Failed,
    /// No container of the scope's name runs.
    Absent,
    /// The disk that the engine keeps its data on is fuller than so many percent.
    Disk { above: u32 },
    /// A line of its log holds this text.
    Log { text: String },
}

/// Which containers a rule watches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertScope {
    /// `*` stands for anything; empty for all.
    pub name: String,
    /// Empty for all.
    pub project: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// A rule's condition that holds, or did, for one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub rule: String,
    pub rule_name: String,
    pub severity: Severity,
    /// The container's name, or what else it is about.
    pub subject: String,
    pub container: Option<ContainerId>,
    pub state: AlertState,
    /// What was measured.
    pub text: String,
    /// When it entered its state.
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    Pending,
    Firing,
    Resolved,
}

/// Between these minutes of the day only what is critical leaves the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// Minutes since midnight; from late to early goes over midnight.
    pub from: u16,
    pub until: u16,
    /// Minutes east of Greenwich, as the one who set it has it.
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
        self.name.is_empty() || fits(&self.name, name)
    }
}

/// Whether `text` fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl Rule {
    pub fn is_silent(&self, now: Timestamp) -> bool {
        self.silenced_until.is_some_and(|until| now < until)
    }

    /// What is wrong with it, for the person who wrote it.
    pub fn check(&self) -> Result<(), String> {
        let long = |text: &String| text.chars().count() > LONGEST_TEXT;
        let texts = [&self.name, &self.scope.name, &self.scope.project];
        let says = |what: &str| Err(what.to_owned());
        if self.name.trim().is_empty() {
            return says("A rule needs a name: it is what the notification says");
        }
        if texts.into_iter().any(long) {
            return says("A text is longer than 200 characters");
        }
        if self.duration > 86_400 || self.cooldown > 7 * 86_400 {
            return says("At most a day of duration and a week of cooldown");
        }
        match &self.condition {
            Condition::Cpu { above } if *above == 0 => says("More than 0 % of a core is always used"),
            Condition::Memory { above } | Condition::Disk { above } if !(1..=100).contains(above) => {
                says("Memory and disk are measured in percent, from 1 to 100")
            }
            Condition::Restarts { times, within } if *times < 2 || !(10..=86_400).contains(within) => {
                says("At least two starts, within ten seconds to a day")
            }
            Condition::Log { text } if text.is_empty() || long(text) => {
                says("A text of 1 to 200 characters to look for")
            }
            Condition::Absent if self.scope.name.is_empty() => says("Say the name of the container that has to run"),
            _ => Ok(()),
        }
    }
}

impl Condition {
    /// As the list of rules says it.
    pub fn words(&self) -> String {
        match self {
            Self::Cpu { above } => format!("uses more than {above} % of a core"),
            Self::Memory { above } => format!("uses more than {above} % of its memory"),
            Self::Restarts { times, within } => format!("starts {times} times within {within} s"),
            Self::Unhealthy => "is unhealthy".into(),
            Self::Failed => "ends with a failure".into(),
            Self::Absent => "does not run".into(),
            Self::Disk { above } => format!("the engine's disk is more than {above} % full"),
            Self::Log { text } => format!("logs \"{text}\""),
        }
    }

    /// Whether it needs what containers use to be measured.
    pub fn is_of_use(&self) -> bool {
        matches!(self, Self::Cpu { .. } | Self::Memory { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text) in [("web", "web"), ("web-*", "web-1"), ("*-1", "web-1"), ("w*b*1", "web-11"), ("*", "")] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("web", "web-1"), ("web-*", "web"), ("*-1", "web-2"), ("w*b*1", "w1b"), ("a*a", "a")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn quiet_hours_go_over_midnight_where_they_were_set() {
        let at = |hour: i64| Timestamp::from_seconds(hour * 3_600);
        let night = QuietHours { from: 22 * 60, until: 7 * 60, zone: 60 };
        let quiet: Vec<i64> = (0..24).filter(|hour| night.are_now(at(*hour))).collect();
        assert_eq!(quiet, [0, 1, 2, 3, 4, 5, 21, 22, 23]);
        let noon = QuietHours { from: 12 * 60, until: 13 * 60, zone: 0 };
        assert!(noon.are_now(at(12)) && !noon.are_now(at(13)));
    }
}
