//! Authentication and authorization of requests.

use crate::server::{
    app::App,
    auth::{Access, Caller, not_signed_in, require, require_full_view},
    body::streamed,
    http::client_address::{ClientAddress, PeerAddress},
    live,
    problem::Problem,
};
use axum::{
    body::{Body, HttpBody},
    extract::{FromRequestParts, Request, State, WebSocketUpgrade},
    middleware::Next,
    response::Response,
};
use futures::{StreamExt, future::Either, stream};
use std::io;

/// Finds the caller of a request, for the handlers.
pub async fn identify(
    State(app): State<App>,
    PeerAddress(peer): PeerAddress,
    ClientAddress(address): ClientAddress,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(caller) = app.auth.caller(request.headers(), peer, address) {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// Refuses callers without access. Responses of others end with their session.
///
/// # Errors
/// 401 and 403. A WebSocket of a caller who isn't signed in is closed with 4001 instead, since a browser's page can't see the
/// status.
pub async fn authorize(
    State((app, access)): State<(App, Access)>,
    caller: Result<Caller, Problem>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(permission) = access.permission() else { return Ok(next.run(request).await) };
    match caller {
        Ok(caller) => {
            let needs_full_view = matches!(access, Access::Requires(_));
            let may = require(&app, &caller, permission)
                .and_then(|()| if needs_full_view { require_full_view(&caller) } else { Ok(()) });
            may.inspect_err(|refused| {
                let (user, path) = (caller.name(), request.uri().path());
                tracing::warn!(user, address = %caller.address(), path, reason = %refused.message, "request refused");
            })?;
            until_signed_out(caller, request, next).await
        }
        Err(refused) => {
            let (mut parts, _) = request.into_parts();
            let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &app).await;
            upgrade.map(live::refuse_upgrade).map_err(|_| refused)
        }
    }
}

async fn until_signed_out(caller: Caller, request: Request, next: Next) -> Result<Response, Problem> {
    if !caller.has_credential() {
        return Ok(next.run(request).await);
    }
    let response = tokio::select! {
        biased;
        response = next.run(request) => response,
        () = caller.clone().signed_out() => return Err(not_signed_in()),
    };
    // A response in one piece is in memory already.
    if response.body().size_hint().exact().is_some() {
        return Ok(response);
    }
    Ok(response.map(|body| ending(body, caller)))
}

/// The body, which fails when the caller is signed out: a part of a file must not look complete.
fn ending(body: Body, caller: Caller) -> Body {
    let ended = caller.signed_out();
    let pieces = stream::unfold(Some((body.into_data_stream(), Box::pin(ended))), async |state| {
        let (mut pieces, mut ended) = state?;
        let next = match futures::future::select(pieces.next(), ended.as_mut()).await {
            Either::Left((next, _)) => next?.map_err(io::Error::other),
            Either::Right(_) => return Some((Err(io::Error::other("signed out")), None)),
        };
        Some((next, Some((pieces, ended))))
    });
    streamed(pieces)
}
