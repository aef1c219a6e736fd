//! The one list of all routes.

use super::{
    actions::action,
    alerts::alerts,
    files,
    health::health,
    metrics::metrics,
    middleware::{origin, security},
    openapi::openapi,
    pages,
    probe::probe,
    tasks::output as task_output,
    transfers,
};
use crate::{
    server::{app::App, live, streams},
    wire::routes,
};
use axum::{
    Router, middleware,
    response::Redirect,
    routing::{get, post},
};
use tower_http::compression::{CompressionLayer, CompressionLevel};

pub fn router(app: App) -> Router {
    // Streams stay uncompressed: a compressor would hold a change back until its block is full.
    let streams = Router::new()
        .route(routes::SOCKET, get(live::socket))
        .route(routes::STREAM, get(live::everything))
        .route(routes::CONTAINERS_STREAM, get(live::containers))
        .route(routes::IMAGES_STREAM, get(live::images))
        .route(routes::LOGS, get(streams::logs))
        .route(routes::TERMINAL, get(streams::terminal))
        .route(routes::CONTAINER_LOGS, get(streams::log_text))
        .route(routes::IMAGE_BUILD, post(transfers::build))
        .route(routes::IMAGE_IMPORT, post(transfers::import))
        .route(routes::IMAGE_EXPORT, get(transfers::export))
        .route(routes::CONTAINER_EXPORT, get(transfers::export_container))
        .route(routes::CONTAINER_FILES, get(files::of_container).post(files::into_container))
        .route(routes::VOLUME_FILES, get(files::of_volume).post(files::into_volume))
        .route(routes::VOLUME_BACKUP, get(files::backup))
        .route(routes::VOLUME_RESTORE, post(files::restore));
    let answers = Router::new()
        .route(routes::STATE, get(live::state))
        .route(routes::EVENTS, get(live::events))
        .route(routes::STATS, get(live::stats))
        .route(routes::ALERTS, get(alerts))
        .route(routes::TASKS, get(live::tasks))
        .route(routes::TASK_OUTPUT, get(task_output))
        .route(routes::PING, get(live::ping))
        .route(routes::HANDSHAKES, get(live::handshakes))
        .route(routes::PROBE, post(probe))
        .route(routes::ACTION, post(action))
        .route(routes::OPENAPI, get(openapi))
        .route(routes::HEALTH, get(health))
        .route(routes::METRICS, get(metrics))
        .merge(pages::routes(&app))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(5)));
    let routes = streams.merge(answers).with_state(app.clone());
    let origin = middleware::from_fn_with_state(app.clone(), origin::check);
    let routes = if app.base_path.is_empty() { routes } else { below(&app.base_path, routes) };
    routes.layer(origin).layer(middleware::from_fn(security::headers))
}

/// All of it under a path of its own. `nest` knows the path without a slash at its end only.
fn below(base_path: &str, routes: Router) -> Router {
    let home = Redirect::permanent(base_path);
    Router::new().nest(base_path, routes).route(&format!("{base_path}/"), get(async move || home))
}
