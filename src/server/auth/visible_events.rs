//! The events that a caller may see.

use super::Caller;
use crate::model::{Event, EventQuery, Permission};

/// The kind of the events about users: sign-ins, and changes of users and accounts.
pub const USER: &str = "user";

/// Attributes of events with an actor, with the address of the client and the API token.
pub const ADDRESS: &str = "address";
pub const TOKEN: &str = "token";

impl Caller {
    /// Restricts a query to the events that the caller may see.
    pub fn visible(&self, query: EventQuery) -> EventQuery {
        let by = (!self.may(Permission::ManageUsers)).then(|| self.name().to_owned());
        EventQuery { user_events_by: by, ..query }
    }

    /// The event as the caller may see it, if at all: the events about other users, and where and with which token other users
    /// act, are for those who manage users.
    pub fn see(&self, event: &Event) -> Option<Event> {
        let sees_all = self.may(Permission::ManageUsers) || event.actor.as_deref() == Some(self.name());
        if event.kind == USER && !sees_all {
            return None;
        }
        let mut event = event.clone();
        if event.actor.is_some() && !sees_all {
            for attribute in [ADDRESS, TOKEN] {
                event.attributes.remove(&attribute.to_owned());
            }
        }
        Some(event)
    }
}
