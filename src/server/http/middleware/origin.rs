//! Origin check: of the pages in a browser, only those of this host and port may send requests to this server.
//!
//! Otherwise any web page could reach a server on loopback: by a cross-site request or WebSocket (detected by `Origin` and
//! `Sec-Fetch-Site`), or by a domain that resolves to 127.0.0.1 (detected by `Host`). Clients that are not browsers send
//! neither `Origin` nor `Sec-Fetch-Site`, and pass.

use crate::server::{app::App, live::Outcome, problem::Problem};
use crate::{message, model::Message};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// For every request: rejects a `Host` that others can make resolve to this machine.
pub async fn known_host(State(app): State<App>, request: Request, next: Next) -> Response {
    match host(&request).map(|host| known(host, &app.host_names)) {
        Some(Ok(())) => next.run(request).await,
        Some(Err(detail)) => refused(detail),
        None => refused(message!("The request has no Host header.")),
    }
}

/// For requests of pages: allows only pages of this server.
pub async fn same(State(app): State<App>, request: Request, next: Next) -> Response {
    check(&app, request, next, false).await
}

/// For pages: also allows navigation, since any site may link to them.
pub async fn same_or_navigation(State(app): State<App>, request: Request, next: Next) -> Response {
    check(&app, request, next, true).await
}

async fn check(app: &App, request: Request, next: Next, is_page: bool) -> Response {
    let headers = request.headers();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let asked = if is_page && reads && is_navigation(headers) {
        Asked::Navigation
    } else if reads && !headers.contains_key(header::UPGRADE) {
        Asked::Read
    } else {
        Asked::Change
    };
    let (origin, site) = (text(headers, header::ORIGIN), text(headers, SITE));
    match verdict(host(&request), origin, site, asked, &app.host_names) {
        Ok(()) => next.run(request).await,
        Err(detail) => {
            if let Some(token) = probe_token(&request) {
                app.handshakes.note(token, Outcome::OriginRefused, headers, app.clock);
            }
            refused(detail)
        }
    }
}

fn refused(detail: Message) -> Response {
    Problem::new(StatusCode::FORBIDDEN, "Origin refused", detail).into_response()
}

/// HTTP/1.1 names the host in a header, HTTP/2 in the request's target.
fn host(request: &Request) -> Option<&str> {
    text(request.headers(), header::HOST).or(request.uri().authority().map(axum::http::uri::Authority::as_str))
}

/// The token of a self-test's WebSocket: see `live/handshakes.rs`.
fn probe_token(request: &Request) -> Option<&str> {
    request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("probe="))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Navigation of a tab to a page.
    Navigation,
    Read,
    /// A change, or a WebSocket, which carries changes.
    Change,
}

/// Navigation of a tab, not of a frame or object in a foreign page.
fn is_navigation(headers: &HeaderMap) -> bool {
    text(headers, MODE) == Some("navigate") && text(headers, DEST) == Some("document")
}

/// The names of `host_names` are known with any port, unless they have one themselves.
fn known(host: &str, host_names: &[String]) -> Result<(), Message> {
    let is_listed = |it: &String| it.eq_ignore_ascii_case(host) || it.eq_ignore_ascii_case(without_port(host));
    if is_local_name(host) || host_names.iter().any(is_listed) {
        return Ok(());
    }
    Err(message!(
        "Host \"{host}\" isn't allowed. To open Quaylight at this name, add it to the setting \"hosts\" (QUAYLIGHT_HOSTS).",
        host = quoted(host)
    ))
}

/// `site` is the value of `Sec-Fetch-Site`: `none` means the user's own action, a typed address or a bookmark.
///
/// If `site` is present a read is judged by that alone: no page can set it, and behind a proxy that rewrites every `Origin` the
/// page that reports this problem must still load. A change needs a valid `Origin` as well.
///
/// A page of a listed host is ours even if `host` is another: many proxies replace the header.
fn verdict(
    host: Option<&str>,
    origin: Option<&str>,
    site: Option<&str>,
    asked: Asked,
    host_names: &[String],
) -> Result<(), Message> {
    let host = host.ok_or_else(|| message!("The request has no Host header."))?;
    if asked == Asked::Navigation {
        return Ok(());
    }
    if let Some(origin) = origin.filter(|_| asked == Asked::Change || site.is_none()) {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        let is_ours = |authority: &str| {
            authority.eq_ignore_ascii_case(host) || host_names.iter().any(|it| it.eq_ignore_ascii_case(authority))
        };
        if !authority.is_some_and(is_ours) {
            return Err(message!(
                "Request origin \"{origin}\" doesn't match host \"{host}\". Behind a reverse proxy, add the origin's host to the \
                 setting \"hosts\" (QUAYLIGHT_HOSTS), or make the proxy pass the Host header on.",
                origin = quoted(origin),
                host = quoted(host)
            ));
        }
    }
    match site {
        None | Some("same-origin" | "none") => Ok(()),
        Some(site) => Err(message!(
            "Cross-origin request (Sec-Fetch-Site \"{site}\") to host \"{host}\". Open Quaylight's own page instead.",
            site = quoted(site),
            host = quoted(host)
        )),
    }
}

/// A header's value to be put between quotation marks.
fn quoted(text: &str) -> String {
    text.escape_debug().to_string()
}

/// A name that others can't make resolve to this machine.
fn is_local_name(host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

/// The name or address in a `Host` header, of IPv6 without brackets.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1:7300";

    #[test]
    fn only_origins_of_the_same_host_and_port_are_allowed() {
        for (host, origin, allowed) in [
            (HOST, Some("http://127.0.0.1:7300"), true),
            ("localhost:7300", Some("http://localhost:7300"), true),
            ("[::1]:7300", Some("http://[::1]:7300"), true),
            (HOST, None, true),
            (HOST, Some("http://127.0.0.1:8080"), false),
            (HOST, Some("http://localhost:7300"), false),
            (HOST, Some("http://evil.example"), false),
            (HOST, Some("null"), false),
            (HOST, Some(""), false),
        ] {
            for asked in [Asked::Read, Asked::Change] {
                assert_eq!(
                    verdict(Some(host), origin, None, asked, &[]).is_ok(),
                    allowed,
                    "{host} {origin:?} {asked:?}"
                );
            }
        }
        assert!(verdict(None, None, None, Asked::Read, &[]).is_err());
    }

    #[test]
    fn sec_fetch_site_decides_when_the_origin_is_missing() {
        for (site, allowed) in [
            (None, true),
            (Some("same-origin"), true),
            (Some("none"), true),
            (Some("same-site"), false),
            (Some("cross-site"), false),
            (Some("unreadable"), false),
        ] {
            for asked in [Asked::Read, Asked::Change] {
                assert_eq!(verdict(Some(HOST), None, site, asked, &[]).is_ok(), allowed, "{site:?} {asked:?}");
            }
        }
        assert!(verdict(Some(HOST), None, Some("cross-site"), Asked::Navigation, &[]).is_ok(), "links are allowed");
    }

    #[test]
    fn origin_rewritten_by_a_proxy_allows_same_origin_reads_only() {
        let rewritten = |site, asked| verdict(Some(HOST), Some("http://elsewhere.example"), site, asked, &[]);
        assert!(rewritten(Some("same-origin"), Asked::Read).is_ok());
        assert!(rewritten(Some("cross-site"), Asked::Read).is_err());
        assert!(rewritten(None, Asked::Read).is_err());
        assert!(rewritten(Some("same-origin"), Asked::Change).is_err());
    }

    #[test]
    fn only_a_top_level_navigation_is_a_navigation() {
        let said = |mode: &str, dest: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(MODE, mode.parse().unwrap());
            headers.insert(DEST, dest.parse().unwrap());
            headers
        };
        assert!(is_navigation(&said("navigate", "document")));
        assert!(!is_navigation(&said("navigate", "iframe")));
        assert!(!is_navigation(&said("no-cors", "script")));
        assert!(!is_navigation(&HeaderMap::new()));
    }

    /// A page whose domain resolves to the server's address (DNS rebinding).
    #[test]
    fn foreign_host_names_are_refused() {
        let listed = ["docker.example.com".to_owned(), "nas:8443".to_owned()];
        for (host, is_allowed, is_allowed_when_listed) in [
            ("127.0.0.1:7300", true, true),
            ("[::1]:7300", true, true),
            ("evil.example:7300", false, false),
            ("localhost.evil.example:7300", false, false),
            ("docker.example.com", false, true),
            ("Docker.Example.com:7300", false, true),
            ("docker.example.com.evil.example", false, false),
            ("xdocker.example.com", false, false),
            ("nas:8443", false, true),
            ("nas:7300", false, false),
            ("nas", false, false),
        ] {
            assert_eq!(known(host, &[]).is_ok(), is_allowed, "{host}");
            assert_eq!(known(host, &listed).is_ok(), is_allowed_when_listed, "{host}");
        }
    }

    #[test]
    fn pages_of_listed_hosts_may_send_changes_through_a_proxy_that_replaces_the_host() {
        let listed = ["docker.example.com".to_owned(), "nas:8443".to_owned()];
        for (origin, is_allowed) in [
            ("https://docker.example.com", true),
            ("https://nas:8443", true),
            // Another service of the same machine.
            ("https://docker.example.com:9443", false),
            ("https://nas", false),
            ("https://evil.example", false),
        ] {
            let verdict = verdict(Some(HOST), Some(origin), Some("same-origin"), Asked::Change, &listed);
            assert_eq!(verdict.is_ok(), is_allowed, "{origin}");
        }
    }
}
