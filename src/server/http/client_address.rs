//! The address of the client that sent a request.

use super::connections::Peer;
use crate::server::app::App;
use axum::{extract::FromRequestParts, http::request::Parts};
use std::{convert::Infallible, net::IpAddr};

/// The address of the request's connection, or the one that a trusted proxy states.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

/// The address of the request's connection.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for PeerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let Peer(peer) = parts.extensions.get().expect("the accept loop adds it");
        Ok(Self(peer.ip()))
    }
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let Ok(PeerAddress(peer)) = PeerAddress::from_request_parts(parts, app).await;
        Ok(Self(app.trusted_proxies.client(peer, &parts.headers)))
    }
}
