//! The one list of all routes.

use super::{
    health::health,
    middleware::{origin, security},
    pages,
    probe::probe,
};
use crate::{
    server::{app::App, live},
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
        .route(routes::IMAGES_STREAM, get(live::images));
    let answers = Router::new()
        .route(routes::STATE, get(live::state))
        .route(routes::PING, get(live::ping))
        .route(routes::HANDSHAKES, get(live::handshakes))
        .route(routes::PROBE, post(probe))
        .route(routes::HEALTH, get(health))
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
