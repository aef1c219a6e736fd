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
    let may_configure = may(Permission::Configure);
    let may_silence = may(Permission::Silence) && caller.scope().is_none();
    let seen = |alerts| visible(app, caller, alerts);
    let sees_all = caller.scope().is_none();
    let mut rules = if sees_all { app.alerts.rules() } else { Vec::new() };
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    AlertBook {
        active: worst_first(seen(app.alerts.active())),
        rules,
        channels: if sees_all { app.alerts.0.channels.list(may_configure) } else { Vec::new() },
        quiet: app.alerts.quiet_hours(),
        transitions: seen(app.alerts.transitions()),
        history: app.history.status(),
        is_known: app.alerts.are_loaded(),
        may_configure,
        may_silence,
    }
}

/// The alerts as the caller may see them. For a caller with a scope, those of visible containers.
pub fn visible(app: &App, caller: &Caller, alerts: Vec<Alert>) -> Vec<Alert> {
    let reader = app.state_for(caller);
    let is_visible = |alert: &Alert| {
        let (Some(scope), Some(id)) = (caller.scope(), &alert.container) else { return caller.scope().is_none() };
        reader.look(|state| {
            let container = state.hosts().find_map(|host| state.container(&host.id, id));
            // The alert has the name that the container had.
            container.is_some_and(|it| scope.includes_named(&alert.subject, it.project()))
        })
    };
    alerts.into_iter().filter(is_visible).map(|it| caller.see_alert(it)).collect()
}

/// The number of firing alerts that the caller may see.
pub fn firing(app: &App, caller: &Caller) -> u32 {
    if caller.scope().is_none() {
        return app.alerts.firing();
    }
    let visible = visible(app, caller, app.alerts.active());
    u32::try_from(visible.iter().filter(|it| it.state == AlertState::Firing).count()).unwrap_or(u32::MAX)
}

pub fn worst_first(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by_key(|it| (it.state != AlertState::Firing, Reverse(it.severity), Reverse(it.since)));
    alerts
}
