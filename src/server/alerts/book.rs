//! All that the page of alerts shows to whom.

use super::Alerts;
use crate::{
    model::{Alert, AlertBook, AlertState, ChannelInfo, Permission},
    server::{
        app::App,
        auth::{Caller, require},
    },
};
use std::cmp::Reverse;

pub fn book(app: &App, caller: &Caller) -> AlertBook {
    let may = |permission| require(app, caller, permission).is_ok();
    let (may_configure, may_silence) = (may(Permission::Configure), may(Permission::Silence));
    let mut rules = app.alerts.rules();
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    AlertBook {
        active: worst_first(app.alerts.active()),
        rules,
        channels: app.alerts.channel_list(may_configure),
        quiet: app.alerts.quiet_hours(),
        turns: app.alerts.turns(),
        history: app.history.status(),
        may_configure,
        may_silence,
    }
}

pub fn worst_first(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort_by_key(|it| (it.state != AlertState::Firing, Reverse(it.severity), Reverse(it.since)));
    alerts
}

impl Alerts {
    fn channel_list(&self, with_settings: bool) -> Vec<ChannelInfo> {
        let known = self.known();
        let info = |it: &super::NamedChannel| ChannelInfo {
            id: it.id.clone(),
            name: it.name.clone(),
            place: it.settings.place(),
            kind: it.settings.kind(),
            settings: with_settings.then(|| it.settings.form()),
        };
        let mut channels: Vec<ChannelInfo> = known.channels.values().map(info).collect();
        channels.sort_by(|a, b| a.name.cmp(&b.name));
        channels
    }
}
