//! Server-side rendering of pages, and the server functions they call.

use super::{
    assets,
    middleware::{access::authorize, security},
};
use crate::{
    client::{Prefs, Store, of_cookies},
    message,
    model::{Message, Permission, Preferences, Role},
    server::{
        alerts::{book, firing},
        app::App,
        auth::{self, Auth, Caller},
        live::event_page,
        percent::component,
        problem::Problem,
    },
    views::{Access, App as Page, Document, Site, form_document, initial_state, page_at, shell},
    wire::{PackedTask, PageSeed, Seed, routes},
};
use axum::{
    Router,
    extract::{FromRef, Query, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list_with_exclusions_and_ssg_and_context};
use leptos_router::params::ParamsMap;

impl FromRef<App> for LeptosOptions {
    fn from_ref(app: &App) -> Self {
        app.leptos.clone()
    }
}

/// All pages, server functions and static files.
pub fn routes(app: &App) -> Router<App> {
    let context = {
        let app = app.clone();
        move || provide(&app)
    };
    let (routes, _) = generate_route_list_with_exclusions_and_ssg_and_context(Page, None, context.clone());
    Router::new()
        .leptos_routes_with_context(app, routes, context, shell)
        .layer(middleware::from_fn_with_state(app.clone(), with_page_seed))
        .layer(middleware::from_fn_with_state(app.clone(), authorized))
        .fallback(file_or_page)
}

/// Access to pages and server functions.
async fn authorized(State(app): State<App>, caller: Result<Caller, Problem>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_page = page_at(path).is_some();
    match if is_page { Some(auth::Access::Scoped(Permission::See)) } else { auth::function_access(path) } {
        Some(_) if caller.is_err() && is_page && request.method() != Method::POST => to_sign_in(&app, request.uri()),
        Some(access) => authorize(State((app, access)), caller, request, next).await.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Redirects to the sign-in, which returns to the page.
fn to_sign_in(app: &App, uri: &Uri) -> Response {
    let next = uri.path_and_query().map_or("/", |it| it.as_str());
    let next = if next == "/" { String::new() } else { format!("?next={}", component(next)) };
    Redirect::to(&format!("{}{}{next}", app.base_path, routes::LOGIN)).into_response()
}

/// Loads what a page needs besides the state before rendering, since rendering never waits.
async fn with_page_seed(State(app): State<App>, caller: Caller, mut request: Request, next: Next) -> Response {
    let seed = match request.uri().path() {
        "/events" => {
            let query: Query<Vec<(String, String)>> = Query::try_from_uri(request.uri()).unwrap_or_default();
            // On an invalid query the page repeats the request and gets the error.
            event_page(&app, &caller, &query.0).await.ok().map(|page| PageSeed::of(&page))
        }
        "/alerts" => Some(PageSeed::of(&book(&app, &caller))),
        _ => None,
    };
    if let Some(seed) = seed {
        request.extensions_mut().insert(seed);
    }
    next.run(request).await
}

/// Sets the security policy, with the nonce of the page's scripts. A `POST` is a server function, which returns no page.
fn secure_page(parts: &Parts) {
    if parts.method == Method::POST {
        return;
    }
    let Some((nonce, response)) = use_nonce().zip(use_context::<ResponseOptions>()) else { return };
    let policy = HeaderValue::from_str(&security::page_policy(&nonce.to_string()));
    response
        .insert_header(header::CONTENT_SECURITY_POLICY, policy.expect("a nonce consists of letters, digits, - and _"));
}

fn running_tasks(app: &App, caller: &Caller) -> Vec<PackedTask> {
    let running = app.tasks.all().1.into_iter().filter(|task| !task.state.is_over());
    running.filter_map(|task| caller.see_task(task)).map(|task| PackedTask::from(&task)).collect()
}

/// Provides the context of pages and server functions.
fn provide(app: &App) {
    let parts = use_context::<Parts>();
    if let Some(parts) = &parts {
        secure_page(parts);
    }
    let page_seed: PageSeed = parts.as_ref().and_then(|parts| parts.extensions.get()).cloned().unwrap_or_default();
    // Missing while leptos lists the routes.
    let caller: Option<Caller> = parts.as_ref().and_then(|parts| parts.extensions.get()).cloned();
    let user = caller.as_ref().map(Caller::name).unwrap_or_default();
    let (headers, uri) = parts.map(|parts| (parts.headers, parts.uri)).unwrap_or_default();
    let reader = caller.as_ref().map_or_else(|| app.reader.clone(), |caller| app.state_for(caller));
    let (state, position) = reader.snapshot();
    let now = app.clock.now();
    let preferences = app.preferences.of(user, of_cookies(cookies(&headers)));
    let (entities, totals) = initial_state(&state, uri.path(), &address(&uri), now);
    let seed = Seed {
        epoch: position.epoch,
        revision: position.revision,
        server_time: now,
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        entities,
        totals,
        firing: caller.as_ref().map_or(0, |caller| firing(app, caller)),
        unread: caller.as_ref().map_or(0, |caller| app.notifications.unread(caller, preferences.read_until)),
        preferences: preferences.clone(),
        tasks: caller.as_ref().map(|caller| running_tasks(app, caller)).unwrap_or_default(),
    };
    provide_site(app, &headers, &preferences);
    let user = caller.as_ref().filter(|it| it.is_signed_in()).map(|it| it.name().into());
    let role = caller.as_ref().map_or(Role::Viewer, Caller::role);
    provide_context(Access {
        user,
        role,
        is_read_only: app.read_only,
        is_open_network: app.is_open_network,
        sees_all: caller.as_ref().is_none_or(|it| it.scope().is_none()),
        has_account: matches!(app.auth, Auth::Password(_)),
    });
    let code = page_at(uri.path()).and_then(|(page, _)| page.lazy_code());
    let chunks = code.map(|code| assets::chunks(code.chunk)).unwrap_or_default();
    provide_context(Document { seed: seed.to_text(), is_lazy: code.is_some(), chunks, page_seed: page_seed.text() });
    provide_context(page_seed);
    provide_context(Store::new(seed));
    provide_context(Prefs::new(preferences));
    if let Some(caller) = caller {
        provide_context(caller);
    }
    provide_context(app.clone());
}

/// Provides the context of all documents.
fn provide_site(app: &App, headers: &HeaderMap, preferences: &Preferences) {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let hostname = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    provide_context(Site {
        base_path: app.base_path.clone(),
        router_base: "".into(),
        version: assets::version().into(),
        hostname: without_port(hostname).into(),
    });
    provide_context(preferences.language.or_of(accepted));
}

/// A document with a form: it needs no scripts, and works for those who aren't signed in.
pub fn form_page(
    app: &App,
    headers: &HeaderMap,
    (status, title): (StatusCode, Message),
    content: impl FnOnce() -> AnyView,
) -> Response {
    let preferences = of_cookies(cookies(headers)).unwrap_or_default();
    let document = Owner::new().with(|| {
        provide_site(app, headers, &preferences);
        form_document(&title, preferences.theme.attribute(), content()).to_html()
    });
    let headers = [(header::CONTENT_SECURITY_POLICY, security::FORM_POLICY), (header::CACHE_CONTROL, "no-store")];
    (status, headers, Html(document)).into_response()
}

/// The query parameters of the address.
fn address(uri: &Uri) -> ParamsMap {
    let query: Query<Vec<(String, String)>> = Query::try_from_uri(uri).unwrap_or_default();
    query.0.into_iter().collect()
}

/// Equivalent of the browser's `location.hostname`.
fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => &host[..at],
        _ => host,
    }
}

fn cookies(headers: &HeaderMap) -> &str {
    headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or_default()
}

/// A static file, or the "not found" page.
async fn file_or_page(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    if uri.path().starts_with("/api/") {
        let detail = message!("See docs/protocol.md for the available endpoints.");
        return Err(Problem::new(StatusCode::NOT_FOUND, "Endpoint not found", detail));
    }
    if let Some(file) = assets::serve(uri.clone(), request.headers().clone()).await {
        return Ok(file);
    }
    let Ok(caller) = caller else { return Ok(to_sign_in(&app, &uri)) };
    auth::require(&app, &caller, Permission::See)?;
    let context = {
        let app = app.clone();
        move || provide(&app)
    };
    let page = leptos_axum::render_app_async_with_context(context, shell)(request).await;
    Ok((StatusCode::NOT_FOUND, page).into_response())
}
