//! The events, alerts and tasks that a caller may see.

use super::Caller;
use crate::{
    model::{Alert, Event, EventQuery, Message, Permission, Task, TaskKind, mask, without_line},
    wire::Notice,
};

/// The kind of the events about users: sign-ins, and changes of users and accounts.
pub const USER: &str = "user";

/// The kind of the events about alerts.
pub const ALERT: &str = "alert";

/// The attribute of an alert's event with the text of the alert, in English.
pub const MEASURED: &str = "measured";

/// The attributes of renames with the other name: the engine's, and that of users' actions.
const OLD_NAME: &str = "oldName";
pub const NEW_NAME: &str = "new_name";

/// Attributes of events with an actor, with the address of the client and the API token.
pub const ADDRESS: &str = "address";
pub const TOKEN: &str = "token";

impl Caller {
    /// Restricts a query to the events that the caller may see.
    pub fn visible(&self, query: EventQuery) -> EventQuery {
        let by = (!self.may(Permission::ManageUsers)).then(|| self.name().to_owned());
        EventQuery { user_events_by: by, scope: self.scope().map(|it| (**it).clone()), ..query }
    }

    /// The event as the caller may see it, if at all: the events about other users, and where and with which token other users
    /// act, are for those who manage users. The arguments of commands may be secret. Log lines in alerts, and errors of builds, are
    /// like logs.
    pub fn see(&self, event: &Event) -> Option<Event> {
        if !self.may_see(event) {
            return None;
        }
        let mut event = event.clone();
        if self.scope().is_some() {
            // They may name a container outside the scope.
            for attribute in [OLD_NAME, NEW_NAME] {
                event.attributes.remove(&attribute.to_owned());
            }
            if !self.sees_actor_of(&event) {
                event.error = event.error.map(|_| Message::term("Failed"));
            }
        }
        if event.actor.is_some() && !self.sees_actor_of(&event) {
            for attribute in [ADDRESS, TOKEN] {
                event.attributes.remove(&attribute.to_owned());
            }
        }
        if !self.may(Permission::Reveal)
            && let Some(command) = event.attributes.get("command")
        {
            let masked = mask::command(command);
            event.attributes.insert("command".into(), masked);
        }
        if !self.may(Permission::Read) {
            event.message = event.message.map(without_line);
            if event.kind == ALERT {
                let measured = event.message.as_ref().map(ToString::to_string).unwrap_or_default();
                event.attributes.insert(MEASURED.into(), measured);
            }
            if event.action.eq_ignore_ascii_case(TaskKind::Build.verb()) {
                event.error = event.error.map(|_| Message::term("Failed"));
            }
        }
        Some(event)
    }

    /// Whether the caller may see the event at all.
    pub fn may_see(&self, event: &Event) -> bool {
        let is_in_scope = self.scope().is_none_or(|scope| scope.includes_event(event));
        is_in_scope && (event.kind != USER || self.sees_actor_of(event))
    }

    /// Whether the caller may see who acted, in full.
    fn sees_actor_of(&self, event: &Event) -> bool {
        self.may(Permission::ManageUsers) || event.actor.as_deref() == Some(self.name())
    }

    /// The alert as the caller may see it: log lines are for those who may read logs.
    pub fn see_alert(&self, alert: Alert) -> Alert {
        if self.may(Permission::Read) { alert } else { Alert { text: without_line(alert.text), ..alert } }
    }

    /// The notice as the caller may see it, if at all.
    pub fn see_notice(&self, notice: Notice) -> Option<Notice> {
        self.scope().is_none().then_some(())?;
        Some(if self.may(Permission::Read) { notice } else { Notice { text: without_line(notice.text), ..notice } })
    }

    /// The task as the caller may see it, if at all: output, steps and failed instructions of a build are like logs.
    pub fn see_task(&self, task: Task) -> Option<Task> {
        self.scope().is_none().then_some(())?;
        if self.may(Permission::Read) {
            return Some(task);
        }
        let words = match task.kind {
            TaskKind::Build => Message::term(task.kind.in_words(task.state)),
            _ => task.words,
        };
        Some(Task { words, hint: None, parts: Vec::new(), output: Vec::new(), earlier_lines: 0, ..task })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostId, Labels, Role, Timestamp};
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn command_arguments_are_for_callers_who_may_see_secrets() {
        let mut attributes = Labels::default();
        attributes.insert("command".into(), "mysql -psecret".into());
        let event = Event {
            seq: 1,
            host: HostId::new("local").unwrap(),
            time: Timestamp::default(),
            kind: "container".into(),
            action: "terminal".into(),
            id: String::new(),
            name: "db".into(),
            project: None,
            actor: Some("anna".into()),
            error: None,
            message: None,
            attributes,
        };
        let seen = |role| {
            let caller = Caller::of_proxy("vera", role, IpAddr::V4(Ipv4Addr::LOCALHOST));
            caller.see(&event).unwrap().attributes.get("command").unwrap().to_owned()
        };
        assert_eq!(seen(Role::Admin), "mysql -psecret");
        for role in [Role::Viewer, Role::Operator] {
            assert!(seen(role).starts_with("mysql ") && !seen(role).contains("secret"), "{}", seen(role));
        }
    }
}
