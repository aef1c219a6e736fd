//! What buttons and the protocol's `action` message both run.

use super::{
    app::App,
    auth::{Caller, require},
};
use crate::{
    model::Action,
    wire::{ActionError, ErrorKind},
};
use std::time::Duration;

/// Every action is answered within this; what takes longer goes on, and its effect arrives as a diff.
const ANSWER_WITHIN: Duration = Duration::from_millis(9_500);

pub async fn perform(app: &App, caller: &Caller, action: Action) -> Result<(), ActionError> {
    require(app, caller, action.permission())?;
    let Action::Container(host, id, verb) = action;
    let engine = app.hosts.get(&host).cloned();
    let engine = engine.ok_or_else(|| ActionError::new(ErrorKind::NotFound, format!("There is no host {host}")))?;
    let container = app.reader.look(|state| state.container(&host, &id).cloned());
    if verb.ends_the_container() && container.as_ref().is_some_and(|container| container.is_protected()) {
        return Err(ActionError::new(ErrorKind::Forbidden, "This container is protected")
            .hint("Its label quaylight.protect=true forbids to stop or remove it here."));
    }
    tracing::info!(caller = %caller.name, verb = verb.verb(), container.id = %id, "action");
    // In a task of its own: a caller that goes away does not stop half of it.
    let work = tokio::spawn(async move { engine.act_on_container(&id, &verb).await });
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(Ok(done)) => Ok(done?),
        Ok(Err(_)) => Err(ActionError::new(ErrorKind::Engine, "The action was interrupted")),
        Err(_) => Err(ActionError::new(ErrorKind::Timeout, "The engine is still at it")
            .hint("It goes on: the change shows here when it is done.")),
    }
}
