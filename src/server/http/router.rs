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
    let routes = if app.base_path.is_empty() { routes } else { Router::new().nest(&app.base_path, routes) };
    routes.layer(origin).layer(middleware::from_fn(security::headers))
}
