//! Docker's HTTP API: the one list of its routes, and a file for each group of them.

mod answer;
mod api_request;
mod archive;
mod arrivals;
mod containers;
mod control;
mod events;
mod fault_injection;
mod images;
mod logs;
mod networks;
mod serialize;
mod stats;
mod system;
mod volumes;

use super::{
    Sim,
    socket::{Connection, SimListener},
    world::Refusal,
};
use answer::{Answer, refused};
use api_request::ApiRequest;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use std::sync::{Arc, PoisonError};

/// Serves requests until its task is aborted.
pub async fn serve(door: SimListener, sim: Arc<Sim>) {
    let router = Router::new().fallback(answer).with_state(sim);
    // It only ends with its task.
    let _ = axum::serve(door, router.into_make_service_with_connect_info::<Connection>()).await;
}

async fn answer(
    State(sim): State<Arc<Sim>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (request, body) = ApiRequest::parse(request);
    if request.path.first().is_some_and(|it| it == "_sim") {
        return control(&sim, &request, body).await.unwrap_or_else(|refusal| refused(&refusal));
    }
    sim.count(&request);
    if let Some(response) = fault_injection::before(&sim, &request, &connection).await {
        return response;
    }
    let request = Arc::new(request);
    let routed = {
        let (sim, request) = (sim.clone(), request.clone());
        // An action continues after its client disconnects.
        tokio::spawn(async move { route(&sim, &request, body).await }).await
    };
    let response = match routed {
        Ok(Ok(response)) => response,
        Ok(Err(refusal)) => refused(&refusal),
        Err(_) => refused(&Refusal::failed("simulator bug: the request handler panicked")),
    };
    fault_injection::after(&sim, &request, response).await
}

async fn control(sim: &Sim, request: &ApiRequest, body: Body) -> Answer {
    match (request.method.as_str(), request.path_string().as_str()) {
        ("GET", "/_sim/truth") => control::truth(sim),
        ("GET", "/_sim/faults") => control::list_faults(sim),
        ("POST", "/_sim/faults") => control::switch_on(sim, body).await,
        ("DELETE", "/_sim/faults") => control::switch_all_off(sim),
        ("POST", "/_sim/churn") => control::churn(sim, body).await,
        _ => Err(Refusal::not_found("page not found")),
    }
}

async fn route(sim: &Arc<Sim>, request: &ApiRequest, body: Body) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (request.method.as_str(), path.as_slice()) {
        ("GET" | "HEAD", ["_ping"]) => system::ping(),
        ("GET", ["version"]) => system::version(),
        ("GET", ["info"]) => system::info(sim),
        ("GET", ["events"]) => events::events(sim, request),
        ("GET", ["system", "df"]) => system::disk_usage(sim),

        ("GET", ["containers", "json"]) => containers::list(sim, request).await,
        ("POST", ["containers", "prune"]) => containers::prune(sim, request).await,
        ("POST", ["containers", "create"]) => containers::create(sim, request, body).await,
        ("GET", ["containers", id, "json"]) => containers::inspect(sim, id).await,
        ("POST", ["containers", id, "start"]) => containers::start(sim, id).await,
        ("POST", ["containers", id, "stop"]) => containers::stop(sim, id).await,
        ("POST", ["containers", id, "restart"]) => containers::restart(sim, id).await,
        ("POST", ["containers", id, "kill"]) => containers::kill(sim, id, request).await,
        ("POST", ["containers", id, "pause"]) => containers::pause(sim, id).await,
        ("POST", ["containers", id, "unpause"]) => containers::unpause(sim, id).await,
        ("POST", ["containers", id, "rename"]) => containers::rename(sim, id, request).await,
        ("POST", ["containers", id, "update"]) => containers::update(sim, id, body).await,
        ("POST", ["containers", id, "wait"]) => containers::wait(sim, id, request).await,
        ("GET", ["containers", id, "top"]) => containers::top(sim, id).await,
        ("GET", ["containers", id, "logs"]) => logs::logs(sim, id, request).await,
        ("GET", ["containers", id, "stats"]) => stats::stats(sim, id, request).await,
        ("DELETE", ["containers", id]) => containers::remove(sim, id, request).await,

        ("GET", ["images", "json"]) => images::list(sim, request),
        ("POST", ["images", "create"]) => arrivals::create(sim, request, body).await,
        ("POST", ["images", "prune"]) => images::prune(sim, request),
        ("POST", ["commit"]) => {
            let id = sim.inspect(request.query("container")).await?.id.clone();
            images::commit(sim, request, &id)
        }
        // A name may contain slashes.
        ("GET", ["images", name @ .., "history"]) => images::history(sim, &name.join("/")),
        ("GET", ["images", name @ .., "json"]) => images::inspect(sim, &name.join("/")),
        ("POST", ["images", name @ .., "tag"]) => images::tag(sim, &name.join("/"), request),
        ("DELETE", ["images", name @ ..]) => images::remove(sim, &name.join("/"), request),

        ("GET", ["volumes"]) => volumes::list(sim, request),
        ("POST", ["volumes", "create"]) => volumes::create(sim, body).await,
        ("POST", ["volumes", "prune"]) => volumes::prune(sim),
        ("GET", ["volumes", name]) => volumes::inspect(sim, name),
        ("DELETE", ["volumes", name]) => volumes::remove(sim, name, request),

        ("GET", ["networks"]) => networks::list(sim, request),
        ("POST", ["networks", "create"]) => networks::create(sim, body).await,
        ("POST", ["networks", "prune"]) => networks::prune(sim),
        ("GET", ["networks", id]) => networks::inspect(sim, id),
        ("DELETE", ["networks", id]) => networks::remove(sim, id),
        ("POST", ["networks", id, "connect"]) => networks::connect(sim, id, body).await,
        ("POST", ["networks", id, "disconnect"]) => networks::disconnect(sim, id, body).await,
        ("GET" | "HEAD" | "PUT", ["containers", id, "archive"]) => archive::archive(sim, id, request, body).await,
        // The simulated containers run no processes.
        (_, ["containers", _, "exec" | "changes" | "export"] | ["exec", ..] | ["build" | "auth", ..])
        | (_, ["images", .., "get" | "load" | "push"]) => Err(Refusal::not_offered()),
        _ => Err(Refusal::not_found("page not found")),
    }
}

impl Sim {
    fn count(&self, request: &ApiRequest) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(request.route_template()).or_default() += 1;
    }
}
