//! Cross-origin requests: all are refused, except links to pages, which any site may contain.

use crate::{raw_http::Raw, support::TestServer};
use quaylight::{
    server::http::table,
    sim::{Options, Sim},
};

async fn head(server: &TestServer, method: &str, path: &str, headers: &str) -> String {
    let mut raw = Raw::request(&server.url(), method, path, headers, b"").await;
    raw.until("\r\n\r\n").await;
    let text = raw.text();
    text.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase()
}

const NAVIGATION: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";

#[tokio::test]
async fn cross_origin_requests_are_refused_on_every_route() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    let id = sim.truth().containers[0].id.clone();
    let routes = table();
    let asked = routes.iter().map(|route| (route.method.as_str(), route.path));
    let others = [
        ("POST", "/actions/request"),
        ("POST", "/queries/inspect"),
        ("GET", "/pkg/quaylight.js"),
        ("GET", "/site.webmanifest"),
        ("GET", "/api/no-such-route"),
    ];
    for (method, path) in asked.chain(others) {
        let path = path.replace("{id}", &id).replace("{name}", "data").replace("{action}", "container.stop");
        let path = path.replace("{step}", "create").replace("{token}", "x");
        for headers in [
            "Origin: http://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: http://127.0.0.1:1\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
            "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        ] {
            let answer = head(&server, method, &path, headers).await;
            assert!(answer.starts_with("http/1.1 403"), "{method} {path} with {headers}: {answer}");
        }
    }
    // A navigation from another site to an endpoint is refused too; one that the user typed is not.
    let foreign = format!("Sec-Fetch-Site: cross-site\r\n{NAVIGATION}");
    let export = format!("/api/containers/{id}/export");
    for path in [&*export, "/metrics", "/api/state"] {
        assert!(head(&server, "GET", path, &foreign).await.starts_with("http/1.1 403"), "{path}");
    }
    let typed = format!("Sec-Fetch-Site: none\r\n{NAVIGATION}");
    assert!(head(&server, "GET", "/metrics", &typed).await.starts_with("http/1.1 200"));
    server.stop().await;
}

#[tokio::test]
async fn cross_site_links_and_non_browser_clients_are_allowed() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    let foreign = format!("Sec-Fetch-Site: cross-site\r\n{NAVIGATION}");
    for path in ["/", "/containers", "/volumes"] {
        assert!(head(&server, "GET", path, &foreign).await.starts_with("http/1.1 200"), "{path}");
        // A load in a frame is not a navigation by the user, and neither is a form.
        let framed = foreign.replace("document", "iframe");
        assert!(head(&server, "GET", path, &framed).await.starts_with("http/1.1 403"), "{path}");
    }
    let posted = head(&server, "POST", "/queries/disk", &foreign).await;
    assert!(posted.starts_with("http/1.1 403"), "{posted}");
    let own = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", server.address);
    for headers in ["", &own] {
        for path in ["/containers", "/api/state", "/healthz"] {
            assert!(head(&server, "GET", path, headers).await.starts_with("http/1.1 200"), "{path} {headers}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn every_response_has_a_same_origin_resource_policy() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    for path in ["/", "/api/state", "/healthz", "/pkg/quaylight.css", "/none", "/api/none"] {
        let answer = head(&server, "GET", path, "").await;
        assert!(answer.contains("cross-origin-resource-policy: same-origin"), "{path}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn responses_with_data_are_not_stored_by_browsers_and_proxies() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    for path in ["/", "/containers", "/healthz", "/none", "/api/none", "/api/openapi.json", "/api/stats"] {
        let answer = head(&server, "GET", path, "").await;
        assert!(answer.contains("cache-control: no-store"), "{path}: {answer}");
    }
    let query = head(&server, "POST", "/queries/alerts", "Content-Type: application/x-postcard\r\n").await;
    assert!(query.contains("cache-control: no-store"), "{query}");
    server.stop().await;
}

#[tokio::test]
async fn pages_of_listed_hosts_are_served() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let server = TestServer::at(sim.url(), &["--hosts", "docker.example.com"]).await;
    // The request's own Host header is an IP address, as behind a proxy that replaces it.
    let listed = "Origin: https://docker.example.com\r\nSec-Fetch-Site: same-origin\r\n";
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";
    let socket = format!("{listed}{upgrade}Connection: Upgrade\r\n");
    let mut upgraded = Raw::head_only(&server.url(), "GET", "/ws", &socket).await;
    upgraded.until("\r\n\r\n").await;
    assert!(upgraded.text().starts_with("HTTP/1.1 101"), "{}", upgraded.text());
    assert!(!head(&server, "POST", "/queries/disk", listed).await.starts_with("http/1.1 403"));
    let other = listed.replace("docker.", "other.");
    assert!(head(&server, "POST", "/queries/disk", &other).await.starts_with("http/1.1 403"));
    server.stop().await;
}
