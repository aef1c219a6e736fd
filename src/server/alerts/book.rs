//! The data of the alerts page, by what its user may see.

use crate::{
    model::{Alert, AlertBook, AlertState, Permission},
    server::{
        app::App,
        auth::{Caller, require},
    },
};
use std::cmp::Reverse;

pub fn book(app: &App, caller: &Caller) -> AlertBook {
    let may = |permission| require(app, caller, permission).is_ok();
    let (may_configure, may_silence) = (may(Permission::Configure), may(Permission::Silence));
    let seen = |alerts: Vec<Alert>| alerts.into_iter().map(|it| caller.see_alert(it)).collect();
    let mut rules = app.alerts.rules();
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    AlertBook {
        active: worst_first(seen(app.alerts.active())),
        rules,
        channels: app.alerts.0.channels.list(may_configure),
        quiet: app.alerts.quiet_hours(),
        transitions: seen(app.alerts.transitions()),
        history: app.history.status(),
        is_known: app.alerts.are_loaded(),
        may_configure,
        may_silence,
    }
}

pub fn worst_first(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by_key(|it| (it.state != AlertState::Firing, Reverse(it.severity), Reverse(it.since)));
    alerts
}
