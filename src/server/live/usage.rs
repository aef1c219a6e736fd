//! Resource usage of containers: on the socket by subscription, otherwise by `GET /api/stats`.

use super::{Asked, follower::Payload, poll::binary_answer, sessions::Transport};
use crate::{
    message,
    model::{ContainerId, Host, Key, Kind, Sample},
    server::{app::App, auth::Caller, problem::Problem, state::Reader, stats::SubscribedStats},
    wire::{Channel, Encoding, ServerFrame, Stats, Subscription},
};
use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::timeout;

/// If none of the requested containers runs, the answer is sent after this.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Query of an address.
#[derive(Deserialize)]
pub struct StatsQuery {
    /// Comma-separated. If missing, all running containers.
    ids: Option<String>,
    #[serde(default)]
    loads: bool,
    encoding: Option<String>,
}

/// `GET /api/stats`: the next samples. A client that repeats the request within five seconds keeps the sampling running.
pub async fn stats(State(app): State<App>, caller: Caller, Query(query): Query<StatsQuery>) -> Response {
    let ids = query.ids.as_ref().map(|ids| ids.split(',').filter(|id| !id.is_empty()).map(ContainerId::new).collect());
    let Ok(ids) = ids.transpose() else {
        let detail = message!("`ids` must be full container IDs, separated by commas.");
        return Problem::new(StatusCode::BAD_REQUEST, "Invalid container ID", detail).into_response();
    };
    let Some(_place) = app.sessions.enter(Transport::Polling) else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many connections", message!("Try again later."))
            .into_response();
    };
    let channels = if query.loads { vec![Channel::Stats, Channel::Loads] } else { vec![Channel::Stats] };
    let mut viewer = app.stats.subscribe();
    let reader = app.state_for(&caller);
    let mut wanted = and(viewer.wanted(), &Subscription { channels, ids }, &app);
    if caller.scope().is_some() && std::mem::take(&mut wanted.all) {
        wanted.these = reader.look(|state| state.keys().filter(|key| key.kind() == Kind::Container).cloned().collect());
    }
    viewer.set(allowed(wanted, &reader, &caller));
    let next = async {
        loop {
            if let Some(stats) = visible(viewer.next().await, &reader, &caller) {
                break stats;
            }
        }
    };
    let stats = timeout(TIMEOUT, next).await.unwrap_or_else(|_| Stats::nothing(app.clock.now()));
    let asked = Asked { encoding: query.encoding, ..Asked::default() };
    match asked.encoding() {
        Encoding::Json => Json(stats).into_response(),
        Encoding::Postcard => {
            let now = app.clock.now();
            let payload = Payload::of(ServerFrame::Stats(stats), Encoding::Postcard);
            binary_answer(payload.message(now, now).into_data().into())
        }
    }
}

/// The stats as the caller may see them; `None` if there are none. The loads of hosts and projects include containers that a caller
/// with a scope may not see.
pub(super) fn visible(stats: Stats, reader: &Reader, caller: &Caller) -> Option<Stats> {
    if caller.scope().is_none() {
        return Some(stats);
    }
    let is_visible = |it: &Sample| reader.look(|state| state.container(&it.host, &it.container_id).is_some());
    let samples: Vec<_> = stats.samples.into_iter().filter(is_visible).collect();
    (!samples.is_empty()).then(|| Stats { samples, ..Stats::nothing(stats.timestamp) })
}

/// What a caller may subscribe to: the time at which samples arrive reveals that a container runs.
pub(super) fn allowed(mut wanted: SubscribedStats, reader: &Reader, caller: &Caller) -> SubscribedStats {
    if caller.scope().is_some() {
        reader.look(|state| wanted.these.retain(|key| state.get(key).is_some()));
        (wanted.loads, wanted.projects) = (false, false);
    }
    wanted
}

/// `wanted` with this subscription added.
pub(super) fn and(
    wanted: &SubscribedStats,
    Subscription { channels, ids }: &Subscription,
    app: &App,
) -> SubscribedStats {
    let mut wanted = wanted.clone();
    if channels.contains(&Channel::Loads) {
        // An empty list of containers requests only the loads of the hosts.
        (wanted.loads, wanted.projects) = (true, !ids.as_ref().is_some_and(Vec::is_empty));
    }
    match ids.as_ref().filter(|_| channels.contains(&Channel::Stats)) {
        Some(ids) => wanted.these = everywhere(ids, app),
        None => wanted.all |= channels.contains(&Channel::Stats),
    }
    wanted
}

/// `wanted` without these channels.
pub(super) fn without(wanted: &SubscribedStats, channels: &[Channel]) -> SubscribedStats {
    let kept = if channels.contains(&Channel::Stats) { SubscribedStats::default() } else { wanted.clone() };
    let loads = wanted.loads && !channels.contains(&Channel::Loads);
    SubscribedStats { loads, projects: loads && wanted.projects, ..kept }
}

fn everywhere(ids: &[ContainerId], app: &App) -> BTreeSet<Key> {
    let keys = |host: &Arc<Host>| ids.iter().map(|id| Key::Container(host.id.clone(), id.clone())).collect::<Vec<_>>();
    app.reader.look(|state| state.hosts().flat_map(keys).collect())
}
