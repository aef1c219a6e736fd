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
    let help = "Epoch of the revision numbers. Always 1; each start begins a new epoch.";
    text.family(Kind::Gauge, "quaylight_state_epoch_info", help).sample(&epoch, 1);
    let help = "Latest revision of the state: the number of changes since the start.";
    text.family(Kind::Gauge, "quaylight_state_revision", help).sample(&none, position.revision);
    let help = "Differences that only the periodic reconciliation with the engine found. Should stay 0.";
    text.family(Kind::Counter, "quaylight_drift_total", help).sample(&none, app.reader.drift());
    let help = "Panics of server tasks. Should stay 0.";
    let mut panics = text.family(Kind::Counter, "quaylight_task_panics_total", help);
    for (task, times) in app.supervisor.panics() {
        panics.sample(&Labels::of("task", task), times);
    }
    let help = "Messages queued for the state's writer.";
    text.family(Kind::Gauge, "quaylight_inbox_depth", help).sample(&none, app.inbox.now());
}

fn the_engines(text: &mut Exposition, app: &App, state: &EngineState) {
    let mut up = text.family(Kind::Gauge, "quaylight_engine_up", "1 if the engine is reachable, otherwise 0.");
    for host in state.hosts() {
        up.sample(&Labels::of("host", host.id.as_str()), u8::from(host.is_reachable()));
    }
    let help = "1 if the engine's latest list of this kind succeeded. At 0, the kind is as last known.";
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
    let mut took = text.family(Kind::Histogram, name, "Response time of the engine, including failed calls.");
    // Calls that were never made would be most of the page.
    for (engine, (call, measured)) in calls().filter(|(_, (_, measured))| measured.took.is_used()) {
        took.histogram(&labels(engine.host().as_str(), call), &measured.took);
    }
    let help = "Engine calls that failed or got no response. Not-found responses don't count.";
    let mut failed = text.family(Kind::Counter, "quaylight_engine_call_failures_total", help);
    for (engine, (call, measured)) in calls() {
        failed.sample(&labels(engine.host().as_str(), call), measured.failed.get());
    }
}

fn the_clients(text: &mut Exposition, app: &App) {
    let none = Labels::default();
    let metrics = &app.fanout_metrics;
    let help = "Connected clients. A polling client counts while its response is delayed.";
    let mut clients = text.family(Kind::Gauge, "quaylight_clients", help);
    for transport in Transport::ALL {
        clients.sample(&Labels::of("transport", transport.as_str()), app.sessions.count(transport));
    }
    let help = "Open TCP connections, including those of WebSockets and streams.";
    text.family(Kind::Gauge, "quaylight_connections", help).sample(&none, app.connections.open());
    let help = "TCP connections refused because there were too many.";
    text.family(Kind::Counter, "quaylight_connections_refused_total", help).sample(&none, app.connections.refused());
    let help = "Polling requests for the state.";
    text.family(Kind::Counter, "quaylight_polls_total", help).sample(&none, metrics.polls.get());
    let help = "Time from receiving an engine event to sending its change to the first client.";
    text.family(Kind::Histogram, "quaylight_event_to_send_seconds", help).histogram(&none, &metrics.event_to_send);
    let help = "Full resyncs of clients that were too slow, or reconnected too late.";
    let mut resyncs = text.family(Kind::Counter, "quaylight_resyncs_total", help);
    resyncs.sample(&Labels::of("reason", "slow"), metrics.resyncs_of_slow.get());
    resyncs.sample(&Labels::of("reason", "returned"), metrics.resyncs_of_returned.get());
    let help = "Revisions that clients were too slow for. They received them later, or a full resync.";
    text.family(Kind::Counter, "quaylight_lagged_revisions_total", help).sample(&none, metrics.skipped.get());
    let help = "Log lines queued for clients.";
    text.family(Kind::Counter, "quaylight_log_lines_total", help).sample(&none, app.log_metrics.queued.get());
    let help = "Log lines dropped from the queues of clients that were too slow.";
    text.family(Kind::Counter, "quaylight_log_lines_dropped_total", help).sample(&none, app.log_metrics.dropped.get());
}

fn the_notifications(text: &mut Exposition, app: &App) {
    let delivery = app.alerts.notifications();
    let help = "Alert notifications that were delivered, or lost: rejected, given up, or dropped from a full queue.";
    let mut sent = text.family(Kind::Counter, "quaylight_notifications_total", help);
    for kind in ChannelKind::ALL {
        let labels = |result| Labels::of("kind", &kind.word().to_ascii_lowercase()).and("result", result);
        sent.sample(&labels("delivered"), delivery.delivered(kind));
        sent.sample(&labels("lost"), delivery.lost(kind));
    }
}
