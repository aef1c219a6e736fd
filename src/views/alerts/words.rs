//! Rules and alerts as text, and the initial values of their forms.

use crate::{
    client::{t, translate},
    model::{Alert, AlertScope, AlertState, Condition, QuietHours, Rule, Severity, Timestamp},
    views::format,
};

pub(super) fn severity(severity: Severity) -> &'static str {
    t(match severity {
        Severity::Info => "Info",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    })
}

/// The summary beside the title.
pub(super) fn total(active: &[Alert]) -> String {
    let in_state = |state| active.iter().filter(|it| it.state == state).count();
    match (in_state(AlertState::Firing), in_state(AlertState::Pending)) {
        (0, 0) => t("none").to_owned(),
        (firing, 0) => crate::t!("{} firing", firing),
        (0, pending) => crate::t!("{} pending", pending),
        (firing, pending) => crate::t!("{} firing, {} pending", firing, pending),
    }
}

/// When the rule fires: scope, condition, duration.
pub(super) fn rule(rule: &Rule) -> String {
    let (what, lasting) = (translate(&rule.condition.words()), (rule.duration != 0).then(|| seconds(rule.duration)));
    let who = (!matches!(rule.condition, Condition::Disk { .. })).then(|| scope(&rule.scope));
    match (who, lasting) {
        (None, None) => crate::t!("When {}", what),
        (None, Some(lasting)) => crate::t!("When {} for {}", what, lasting),
        (Some(who), None) => crate::t!("When {} {}", who, what),
        (Some(who), Some(lasting)) => crate::t!("When {} {} for {}", who, what, lasting),
    }
}

fn scope(scope: &AlertScope) -> String {
    let who = if scope.name.is_empty() { t("any container") } else { scope.name.as_str() };
    match scope.project.as_str() {
        "" => who.to_owned(),
        project => format!("{who}{}", crate::t!(" in project {}", project)),
    }
}

pub(super) fn seconds(seconds: u32) -> String {
    format::duration(i64::from(seconds))
}

pub(super) fn quiet(hours: QuietHours) -> String {
    let zone = match hours.zone {
        0 => "UTC".to_owned(),
        zone => format!("UTC{}{}:{:02}", if zone < 0 { '-' } else { '+' }, zone.abs() / 60, zone.abs() % 60),
    };
    format!("{}{}", time(hours.from), crate::t!(" to {}, {}", time(hours.until), zone))
}

/// Minutes since midnight as the value of an `<input type="time">`.
pub(super) fn time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

/// Parses the value of an `<input type="time">` into minutes since midnight. `None` if invalid.
pub(super) fn minutes(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.get(..2)?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// Kinds of conditions, with their labels in the form.
pub(super) const KINDS: [(&str, &str); 8] = [
    ("cpu", "exceeds a CPU threshold"),
    ("memory", "exceeds a memory threshold"),
    ("restarts", "restarts repeatedly"),
    ("unhealthy", "is unhealthy"),
    ("failed", "exits with an error"),
    ("absent", "isn't running"),
    ("log", "logs a matching line"),
    ("disk", "Engine disk usage exceeds a threshold"),
];

pub(super) fn kind(condition: &Condition) -> &'static str {
    match condition {
        Condition::Cpu { .. } => "cpu",
        Condition::Memory { .. } => "memory",
        Condition::Restarts { .. } => "restarts",
        Condition::Unhealthy => "unhealthy",
        Condition::Failed => "failed",
        Condition::Absent => "absent",
        Condition::Log { .. } => "log",
        Condition::Disk { .. } => "disk",
    }
}

/// The form's default condition for a kind.
pub(super) fn of_kind(kind: &str) -> Condition {
    match kind {
        "cpu" => Condition::Cpu { above: 80 },
        "memory" => Condition::Memory { above: 90 },
        "restarts" => Condition::Restarts { times: 3, within: 600 },
        "failed" => Condition::Failed,
        "absent" => Condition::Absent,
        "log" => Condition::Log { text: String::new() },
        "disk" => Condition::Disk { above: 90 },
        _ => Condition::Unhealthy,
    }
}

pub(super) fn new_rule() -> Rule {
    Rule {
        id: String::new(),
        name: String::new(),
        is_on: true,
        condition: Condition::Unhealthy,
        scope: AlertScope::default(),
        severity: Severity::Warning,
        duration: 0,
        cooldown: 300,
        channels: Vec::new(),
        silenced_until: None,
        since: Timestamp::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_default_condition_of_its_own() {
        for (name, _) in KINDS {
            assert_eq!(kind(&of_kind(name)), name);
        }
    }

    #[test]
    fn rule_is_described_as_a_sentence() {
        let scope = AlertScope { name: "web-*".into(), project: "shop".into() };
        let busy = Rule { condition: Condition::Cpu { above: 80 }, scope, duration: 300, ..new_rule() };
        assert_eq!(
            rule(&busy),
            format!("When web-* in project shop uses more than 80 % of a core for {}", seconds(300))
        );
        let disk = Rule { condition: Condition::Disk { above: 90 }, ..new_rule() };
        assert_eq!(rule(&disk), "When engine disk usage is above 90 %");
        assert_eq!(rule(&new_rule()), "When any container is unhealthy");
    }

    #[test]
    fn time_of_day_round_trips_through_its_field() {
        for at in [0, 59, 60, 22 * 60, 23 * 60 + 59] {
            assert_eq!(minutes(&time(at)), Some(at));
        }
        for text in ["", "7", "24:00", "12:60", "é:é"] {
            assert_eq!(minutes(text), None, "{text}");
        }
        assert_eq!(quiet(QuietHours { from: 1_320, until: 420, zone: -210 }), "22:00 to 07:00, UTC-3:30");
    }

    #[test]
    fn every_condition_kind_has_a_form() {
        for (word, _) in KINDS {
            assert_eq!(kind(&of_kind(word)), word);
        }
    }
}
