//! Actions by the protocol's names, as sockets and HTTP ask for them.

use super::{
    app::App,
    auth::Caller,
    commands::{interrupted, perform, takes_long},
};
use crate::{
    model::HostId,
    wire::{ActionError, Done, ErrorKind, action},
};
use std::time::Duration;

/// As the protocol promises; what takes longer goes on.
const ANSWER_WITHIN: Duration = Duration::from_millis(9_500);

/// An action, its target and its options, a JSON object. What buttons do, and by the same permission.
pub async fn perform_named(
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
        .map_err(|error| ActionError::new(ErrorKind::Invalid, error.to_string()))?;
    let (app, caller) = (app.clone(), caller.clone());
    let work = tokio::spawn(async move { perform(&app, &caller, request).await });
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(done) => done.unwrap_or_else(|_| Err(interrupted())),
        Err(_) => Err(takes_long()),
    }
}
