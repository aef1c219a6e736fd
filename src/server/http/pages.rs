//! Pages, rendered with the state of this moment, and the server functions they call.

use super::{Problem, assets};
use crate::{
    client::{Prefs, Store},
    server::{app::App, auth::Caller},
    views::{App as Page, Document, Site, excerpt, shell},
    wire::Seed,
};
use axum::{
    Router,
    extract::{FromRef, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use leptos::{config::LeptosOptions, prelude::*};
use leptos_axum::{LeptosRoutes, generate_route_list_with_exclusions_and_ssg_and_context};
use leptos_router::params::ParamsMap;

impl FromRef<App> for LeptosOptions {
    fn from_ref(app: &App) -> Self {
        app.leptos.clone()
    }
}

/// Every page, every server function, and the files beside them.
pub fn routes(app: &App) -> Router<App> {
    let context = {
        let app = app.clone();
        move || provide(&app)
    };
    let (routes, _) = generate_route_list_with_exclusions_and_ssg_and_context(Page, None, context.clone());
    Router::new().leptos_routes_with_context(app, routes, context, shell).fallback(file_or_page)
}

/// What pages and server functions find in their context.
fn provide(app: &App) {
    let (headers, uri) = use_context::<Parts>().map(|parts| (parts.headers, parts.uri)).unwrap_or_default();
    let (state, position) = app.reader.snapshot();
    let now = app.clock.now();
    let (entities, totals) = excerpt(&state, uri.path(), &address(&uri), now);
    let seed = Seed {
        epoch: position.epoch,
        revision: position.revision,
        server_time: now,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        entities,
        totals,
    };
    let hostname = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    provide_context(Site {
        base_path: app.base_path.clone(),
        router_base: "".into(),
        version: assets::version().into(),
        hostname: without_port(hostname).into(),
    });
    provide_context(Document { seed: seed.to_text() });
    provide_context(Store::new(seed));
    provide_context(Prefs::from_cookies(cookies(&headers)));
    provide_context(Caller::local_admin());
    provide_context(app.clone());
}

/// What an address asks of the page.
fn address(uri: &Uri) -> ParamsMap {
    let query: Query<Vec<(String, String)>> = Query::try_from_uri(uri).unwrap_or_default();
    query.0.into_iter().collect()
}

/// As the browser's `location.hostname`.
fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => &host[..at],
        _ => host,
    }
}

fn cookies(headers: &HeaderMap) -> &str {
    headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default()
}

/// A file of the site, or the page that says there is nothing here.
async fn file_or_page(State(app): State<App>, uri: Uri, request: Request) -> Response {
    if uri.path().starts_with("/api/") {
        let detail = "docs/protocol.md lists what there is.";
        return Problem::new(StatusCode::NOT_FOUND, "There is no such endpoint", detail).into_response();
    }
    if let Some(file) = assets::serve(uri, request.headers().clone()).await {
        return file;
    }
    let context = {
        let app = app.clone();
        move || provide(&app)
    };
    let page = leptos_axum::render_app_async_with_context(context, shell)(request).await;
    (StatusCode::NOT_FOUND, page).into_response()
}
