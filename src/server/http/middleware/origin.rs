//! Who may talk to this server from inside a browser: pages of this very host and port, nobody else's.
//!
//! Without this any web page could reach a server on loopback: by a cross-site request or socket (its `Origin` tells),
//! or by a name of its own that resolves to 127.0.0.1 (the `Host` tells).

use crate::server::{app::App, http::Problem, live::Outcome};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;

pub async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // HTTP/1.1 names the host in a header, HTTP/2 in the request's target.
    let host = text(headers, header::HOST).or(request.uri().authority().map(axum::http::uri::Authority::as_str));
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let upgrades = headers.contains_key(header::UPGRADE);
    match verdict(host, text(headers, header::ORIGIN), changes || upgrades) {
        Ok(()) => next.run(request).await,
        Err(detail) => {
            if let Some(token) = probe_token(&request) {
                app.handshakes.note(token, Outcome::OriginRefused, headers, app.clock);
            }
            Problem::new(StatusCode::FORBIDDEN, "Origin refused", detail).into_response()
        }
    }
}

/// Of a self-test's socket: see `live/handshakes.rs`.
fn probe_token(request: &Request) -> Option<&str> {
    request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("probe="))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"))
}

fn verdict(host: Option<&str>, origin: Option<&str>, matters: bool) -> Result<(), String> {
    let host = host.ok_or("The request names no host.")?;
    if !is_local_name(host) {
        return Err(format!(
            "The request is for the host {host:?}. Without sign-in this server answers only to localhost and to addresses."
        ));
    }
    let Some(origin) = origin.filter(|_| matters) else {
        return Ok(());
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    if authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(format!("The request comes from a page of {origin:?} and is for the host {host:?}: they must be the same."))
}

/// A name that nobody else can make resolve to this machine.
fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_same_host_and_port_may_change_or_connect() {
        for (host, origin, allowed) in [
            ("127.0.0.1:7300", Some("http://127.0.0.1:7300"), true),
            ("localhost:7300", Some("http://localhost:7300"), true),
            ("[::1]:7300", Some("http://[::1]:7300"), true),
            ("127.0.0.1:7300", None, true),
            ("127.0.0.1:7300", Some("http://127.0.0.1:8080"), false),
            ("127.0.0.1:7300", Some("http://localhost:7300"), false),
            ("127.0.0.1:7300", Some("http://evil.example"), false),
            ("127.0.0.1:7300", Some("null"), false),
            ("127.0.0.1:7300", Some(""), false),
            ("evil.example:7300", Some("http://evil.example:7300"), false),
            ("localhost.evil.example:7300", None, false),
        ] {
            assert_eq!(verdict(Some(host), origin, true).is_ok(), allowed, "{host} {origin:?}");
        }
    }

    #[test]
    fn reading_is_refused_to_foreign_names_only() {
        assert!(verdict(Some("127.0.0.1:7300"), Some("http://evil.example"), false).is_ok());
        assert!(verdict(Some("evil.example"), None, false).is_err());
        assert!(verdict(None, None, false).is_err());
    }
}
