//! Alert transitions (firing and resolved), as events of the kind `alert` in the history.

use super::Known;
use crate::{
    model::{Alert, AlertState, ContainerId, Event, HostId, Labels, Message, Severity},
    server::auth::{ALERT, MEASURED},
};

/// Transitions cached in memory for the page; the history has more.
pub(super) const MAX_TRANSITIONS: usize = 50;

impl Known {
    pub(super) fn add_transition(&mut self, alert: Alert) {
        self.transitions.push_front(alert);
        self.transitions.truncate(MAX_TRANSITIONS);
    }
}

pub(super) fn as_event(alert: &Alert) -> Event {
    let mut attributes = Labels::default();
    attributes.insert("rule".into(), alert.rule_name.clone());
    attributes.insert("severity".into(), alert.severity.as_str().into());
    attributes.insert(MEASURED.into(), alert.text.to_string());
    Event {
        seq: 0,
        host: HostId::new("local").expect("local is a valid host ID"),
        time: alert.since,
        kind: ALERT.into(),
        action: alert.state.as_str().into(),
        id: alert.container.as_ref().map(ToString::to_string).unwrap_or_default(),
        name: alert.subject.clone(),
        project: None,
        actor: None,
        error: None,
        message: Some(alert.text.clone()),
        attributes,
    }
}

/// The inverse of [`as_event`], except for the rule's id, which the event lacks. `None` for any other event.
pub(super) fn of_event(event: &Event) -> Option<Alert> {
    let attribute = |key| event.attributes.get(key).cloned().unwrap_or_default();
    let severity = attribute("severity");
    Some(Alert {
        rule: String::new(),
        rule_name: attribute("rule"),
        severity: Severity::ALL.into_iter().find(|it| it.as_str() == severity)?,
        subject: event.name.clone(),
        container: ContainerId::new(&event.id).ok(),
        state: [AlertState::Firing, AlertState::Resolved].into_iter().find(|it| it.as_str() == event.action)?,
        text: event.message.clone().unwrap_or_else(|| Message::Verbatim(attribute(MEASURED))),
        since: event.time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{message, model::Timestamp};

    #[test]
    fn transition_round_trips_through_the_history() {
        let alert = Alert {
            rule: String::new(),
            rule_name: "busy".into(),
            severity: Severity::Critical,
            subject: "web-1".into(),
            container: ContainerId::new(&"0123456789ab".repeat(5)).ok(),
            state: AlertState::Resolved,
            text: message!("uses {used} % of a core", used = "93.1"),
            since: Timestamp::from_seconds(9),
        };
        assert_eq!(of_event(&as_event(&alert)), Some(alert));
    }
}
