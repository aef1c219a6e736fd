//! Dispatch of actions by their protocol names, for WebSockets and HTTP.

use super::{
    app::App,
    auth::Caller,
    operations::{interrupted, perform, takes_long},
};
use crate::{
    model::{HostId, Message},
    wire::{ActionError, Done, ErrorKind, action},
};
use std::time::Duration;

/// Response time that the protocol guarantees. A slower action continues after the timeout.
const ANSWER_WITHIN: Duration = Duration::from_millis(9_500);

/// Runs an action with its target and options (a JSON object), with the same effect and permission as the button.
pub async fn dispatch(
    app: &App,
    caller: &Caller,
    host: Option<HostId>,
    (name, target, options): (&str, &str, &str),
) -> Result<Done, ActionError> {
    let host = match host {
        Some(host) => host,
        None => app.hosts.meant(None)?.host().clone(),
    };
    let request = action::parse(host, name, target, options)
        .map_err(|error| ActionError::new(ErrorKind::Invalid, Message::verbatim(error)))?;
    let (app, caller) = (app.clone(), caller.clone());
    let work = tokio::spawn(async move { perform(&app, &caller, request).await });
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(done) => done.unwrap_or_else(|_| Err(interrupted())),
        Err(_) => Err(takes_long()),
    }
}
