//! Metrics of the server itself: its connections to engines, and the latency and quality of its updates to clients.

use super::exposition::{Exposition, Kind, Labels};
use crate::{
    model::{self, ChannelKind, EngineState},
    server::{app::App, engine::Call, live::Transport},
    wire::Position,
};

const LISTED: [(model::Kind, &str); 4] = [
    (model::Kind::Container, "container"),
    (model::Kind::Image, "image"),
    (model::Kind::Volume, "volume"),
    (model::Kind::Network, "network"),
];

pub(super) fn write(text: &mut Exposition, app: &App, state: &EngineState, position: Position) {
    the_state(text, app, position);
    the_engines(text, app, state);
    the_clients(text, app);
    the_notifications(text, app);
}

fn the_state(text: &mut Exposition, app: &App, position: Position) {
    let none = Labels::default();
    let epoch = Labels::of("epoch", &position.epoch.to_string());
    let help = "The epoch that revisions are counted in, always 1. A new one begins with each start.";
    text.family(Kind::Gauge, "quaylight_state_epoch_info", help).sample(&epoch, 1);
    let help = "The latest revision of the state: how often it changed since the start.";
    text.family(Kind::Gauge, "quaylight_state_revision", help).sample(&none, position.revision);
    let help = "Differences that only the periodic comparison with the engine found. Should stay 0.";
    text.family(Kind::Counter, "quaylight_drift_total", help).sample(&none, app.reader.drift());
    let help = "How often a task of the server panicked. Should stay 0.";
    let mut panics = text.family(Kind::Counter, "quaylight_task_panics_total", help);
    for (task, times) in app.supervisor.panics() {
        panics.sample(&Labels::of("task", task), times);
    }
    let help = "Messages that wait for the state's one writer.";
    text.family(Kind::Gauge, "quaylight_inbox_depth", help).sample(&none, app.inbox.now());
}

fn the_engines(text: &mut Exposition, app: &App, state: &EngineState) {
    let mut up = text.family(Kind::Gauge, "quaylight_engine_up", "Whether the engine answers.");
    for host in state.hosts() {
        up.sample(&Labels::of("host", host.id.as_str()), u8::from(host.is_reachable()));
    }
    let help = "Whether the engine's latest list of a kind came. Where it did not, the kind is as last known.";
    let mut listed = text.family(Kind::Gauge, "quaylight_engine_list_up", help);
    for host in state.hosts().filter(|it| it.is_reachable()) {
        for (kind, name) in LISTED {
            let labels = Labels::of("host", host.id.as_str()).and("kind", name);
            listed.sample(&labels, u8::from(host.failed_list(kind).is_none()));
        }
    }
    let engines: Vec<_> = app.hosts.iter().collect();
    let calls = || engines.iter().flat_map(|engine| engine.calls().iter().map(move |it| (engine, it)));
    let labels = |host: &str, call: Call| Labels::of("host", host).and("call", call.name());

    let name = "quaylight_engine_call_duration_seconds";
    let mut took = text.family(Kind::Histogram, name, "How long the engine took to answer, well or not.");
    // Calls that were never made would be most of the page.
    for (engine, (call, measured)) in calls().filter(|(_, (_, measured))| measured.took.is_used()) {
        took.histogram(&labels(engine.host().as_str(), call), &measured.took);
    }
    let help = "Calls that the engine answered with a failure, or not at all. Not being there is no failure.";
    let mut failed = text.family(Kind::Counter, "quaylight_engine_call_failures_total", help);
    for (engine, (call, measured)) in calls() {
        failed.sample(&labels(engine.host().as_str(), call), measured.failed.get());
    }
}

fn the_clients(text: &mut Exposition, app: &App) {
    let none = Labels::default();
    let metrics = &app.fanout_metrics;
    let help = "Clients that are connected. Of polling ones those whose answer is held back.";
    let mut clients = text.family(Kind::Gauge, "quaylight_clients", help);
    for transport in Transport::ALL {
        clients.sample(&Labels::of("transport", transport.as_str()), app.sessions.count(transport));
    }
    let help = "TCP connections that are open, those of sockets and streams among them.";
    text.family(Kind::Gauge, "quaylight_connections", help).sample(&none, app.connections.open());
    let help = "TCP connections that were refused since there were too many.";
    text.family(Kind::Counter, "quaylight_connections_refused_total", help).sample(&none, app.connections.refused());
    let help = "Requests for the state by polling.";
    text.family(Kind::Counter, "quaylight_polls_total", help).sample(&none, metrics.polls.get());
    let help = "From the receipt of an engine's event to the moment when the first client is sent what changed.";
    text.family(Kind::Histogram, "quaylight_event_to_send_seconds", help).histogram(&none, &metrics.event_to_send);
    let help = "Clients that had to start over with the complete state: too slow to follow, or back too late.";
    let mut resyncs = text.family(Kind::Counter, "quaylight_resyncs_total", help);
    resyncs.sample(&Labels::of("reason", "slow"), metrics.resyncs_of_slow.get());
    resyncs.sample(&Labels::of("reason", "returned"), metrics.resyncs_of_returned.get());
    let help = "Revisions that clients were too slow for as they came. They got them later, or started over.";
    text.family(Kind::Counter, "quaylight_lagged_revisions_total", help).sample(&none, metrics.skipped.get());
}

fn the_notifications(text: &mut Exposition, app: &App) {
    let delivery = app.alerts.notifications();
    let help = "Notifications of alerts that arrived, and that were lost: refused, given up, or one of too many.";
    let mut sent = text.family(Kind::Counter, "quaylight_notifications_total", help);
    for kind in ChannelKind::ALL {
        let labels = |result| Labels::of("kind", &kind.word().to_ascii_lowercase()).and("result", result);
        sent.sample(&labels("delivered"), delivery.delivered(kind));
        sent.sample(&labels("lost"), delivery.lost(kind));
    }
}
