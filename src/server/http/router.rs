//! Route table: all routes, with what each may do to an engine and who may use it.

use super::{
    actions::action,
    alerts::alerts,
    files,
    health::health,
    metrics::metrics,
    middleware::{
        access,
        idempotency::{self, Responses},
        origin, security,
    },
    openapi::openapi,
    pages,
    probe::probe,
    sign_in, streaming,
    tasks::output as task_output,
    transfers,
};
use crate::{
    model::Permission::{Create, Execute, Operate, Read, Reveal, See, Write},
    server::{
        app::App,
        auth::Access::{self, Public, Requires, Scoped},
        live, streams,
    },
    wire::routes,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::{Method, StatusCode},
    middleware,
    response::Redirect,
    routing::{MethodRouter, get, post},
};
use std::{convert::Infallible, time::Duration};
use tower_http::{
    compression::{CompressionLayer, CompressionLevel},
    timeout::{RequestBodyTimeoutLayer, TimeoutLayer},
};

/// Timeout between two chunks of a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(12);

/// Time limit for a request that needs no sign-in, with its body: others can't hold connections with it.
const PUBLIC_TIMEOUT: Duration = Duration::from_secs(30);

/// In bytes. Forms with a name and a password are shorter.
const LARGEST_PUBLIC_BODY: usize = 16 * 1024;

/// The same for an upload, which may come from a phone on the move.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// What a route may do to an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Only reads: creates and starts no container, and runs no command.
    Reads,
    /// May change something: a read-only server refuses it.
    Changes,
}

/// How long a request and its response are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    /// A short response, which may be compressed.
    Answer,
    /// Streamed for as long as the client wants, without compression: a compressor would hold a change back until its block is
    /// full.
    Stream,
    /// Any number of bytes; counts against the limit of transfers.
    Transfer,
    /// A page, to which other sites may link.
    Page,
}

pub struct Route {
    pub path: &'static str,
    pub method: Method,
    pub effect: Effect,
    pub access: Access,
    length: Length,
    handler: MethodRouter<App>,
}

/// A `GET`, which must not change anything: any page can make a browser send one.
fn reads<H: Handler<T, App>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { path, method: Method::GET, effect: Effect::Reads, access, length: Length::Answer, handler: get(handler) }
}

fn changes<H: Handler<T, App>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route {
        path,
        method: Method::POST,
        effect: Effect::Changes,
        access,
        length: Length::Answer,
        handler: post(handler),
    }
}

/// A WebSocket that runs a command: its handshake has to be a `GET`, but is refused to foreign pages like a change.
fn socket_that_changes<H: Handler<T, App>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { path, method: Method::GET, effect: Effect::Changes, access, length: Length::Stream, handler: get(handler) }
}

impl Route {
    fn streamed(self) -> Self {
        Self { length: Length::Stream, ..self }
    }

    fn page(self) -> Self {
        Self { length: Length::Page, ..self }
    }

    fn long(self) -> Self {
        Self { length: Length::Transfer, ..self }
    }
}

/// All routes except pages, server functions and files. The router is built from this table, so that a route without an effect
/// or a permission can't be added.
pub fn table() -> Vec<Route> {
    vec![
        // A read-only server refuses its actions one by one.
        reads(routes::SOCKET, Scoped(See), live::socket).streamed(),
        reads(routes::STREAM, Scoped(See), live::everything).streamed(),
        reads(routes::CONTAINERS_STREAM, Scoped(See), live::containers).streamed(),
        reads(routes::IMAGES_STREAM, Scoped(See), live::images).streamed(),
        reads(routes::LOGS, Scoped(Read), streams::logs).streamed(),
        socket_that_changes(routes::TERMINAL, Requires(Execute), streams::terminal),
        reads(routes::CONTAINER_LOGS, Scoped(Read), streams::log_text).long(),
        changes(routes::IMAGE_BUILD, Requires(Create), transfers::build).long(),
        changes(routes::IMAGE_IMPORT, Requires(Create), transfers::import).long(),
        reads(routes::IMAGE_EXPORT, Requires(Reveal), transfers::export).long(),
        reads(routes::CONTAINER_EXPORT, Requires(Reveal), transfers::export_container).long(),
        reads(routes::CONTAINER_FILES, Requires(Reveal), files::of_container).long(),
        changes(routes::CONTAINER_FILES, Requires(Write), files::into_container).long(),
        changes(routes::VOLUME_DOWNLOAD, Requires(Reveal), files::of_volume).long(),
        changes(routes::VOLUME_FILES, Requires(Write), files::into_volume).long(),
        changes(routes::VOLUME_BACKUP, Requires(Reveal), files::backup).long(),
        changes(routes::VOLUME_RESTORE, Requires(Write), files::restore).long(),
        reads(routes::STATE, Scoped(See), live::state),
        reads(routes::EVENTS, Scoped(See), live::events),
        reads(routes::STATS, Scoped(See), live::stats),
        reads(routes::ALERTS, Scoped(See), alerts),
        reads(routes::TASKS, Scoped(See), live::tasks),
        reads(routes::TASK_OUTPUT, Requires(Read), task_output),
        reads(routes::PING, Scoped(See), live::ping),
        reads(routes::HANDSHAKES, Scoped(See), live::handshakes),
        changes(routes::PROBE, Requires(Operate), probe),
        changes(routes::ACTION, Scoped(See), action),
        reads(routes::OPENAPI, Scoped(See), openapi),
        reads(routes::HEALTH, Public, health),
        reads(routes::METRICS, Requires(See), metrics),
        reads(routes::LOGIN, Public, sign_in::login_page).page(),
        changes(routes::LOGIN, Public, sign_in::login).page(),
        changes(routes::LOGIN_CODE, Public, sign_in::login_code).page(),
        reads(routes::LOGIN_OIDC, Public, sign_in::login_oidc).page(),
        reads(routes::LOGIN_OIDC_CALLBACK, Public, sign_in::login_oidc_callback).page(),
        changes(routes::LOGOUT, Public, sign_in::logout).page(),
        reads(routes::SETUP, Public, sign_in::setup_page).page(),
        changes(routes::SETUP, Public, sign_in::setup).page(),
    ]
}

pub fn router(app: App) -> Router {
    let mut streams = Router::new();
    let mut transfers = Router::new();
    let mut answers = Router::new();
    let mut pages = pages::routes(&app);
    for Route { path, handler, access: needed, length, .. } in table() {
        let handler = match needed {
            Requires(_) | Scoped(_) => handler,
            Public => handler
                .layer::<_, Infallible>(DefaultBodyLimit::max(LARGEST_PUBLIC_BODY))
                .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PUBLIC_TIMEOUT)),
        };
        let handler = handler.layer(middleware::from_fn_with_state((app.clone(), needed), access::authorize));
        let routes = match length {
            Length::Answer => &mut answers,
            Length::Stream => &mut streams,
            Length::Transfer => &mut transfers,
            Length::Page => &mut pages,
        };
        *routes = std::mem::take(routes).route(path, handler);
    }
    let same_origin = middleware::from_fn_with_state(app.clone(), origin::same);
    let once = middleware::from_fn_with_state(Responses::default(), idempotency::once);
    let pages =
        pages.layer(once.clone()).layer(middleware::from_fn_with_state(app.clone(), origin::same_or_navigation));
    let answers = answers.layer(once).layer(same_origin.clone()).merge(pages);
    let answers = answers.layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT));
    let answers = answers.layer(CompressionLayer::new().quality(CompressionLevel::Precise(5)));
    let transfers = transfers
        .route_layer(middleware::from_fn_with_state(app.clone(), streaming::bounded))
        .layer(RequestBodyTimeoutLayer::new(UPLOAD_TIMEOUT));
    let routes = streams.merge(transfers).layer(same_origin).merge(answers);
    let routes = routes.layer(middleware::from_fn_with_state(app.clone(), access::identify)).with_state(app.clone());
    let routes = if app.base_path.is_empty() { routes } else { below(&app.base_path, routes) };
    routes.layer(middleware::from_fn_with_state(app, origin::known_host)).layer(middleware::from_fn(security::headers))
}

/// Nests all routes under the base path. `nest` matches that path only without a trailing slash, so this adds a redirect.
fn below(base_path: &str, routes: Router) -> Router {
    let home = Redirect::permanent(base_path);
    Router::new().nest(base_path, routes).route(&format!("{base_path}/"), get(async move || home))
}
