//! Content security policy of every page: nothing inline without the response's nonce.

use crate::{raw_http::Raw, requests::pages, support::TestServer};
use quaylight::sim::{Options, Sim};
use std::collections::BTreeSet;

struct Page {
    policy: String,
    html: String,
}

async fn fetch(server: &TestServer, path: &str) -> Page {
    let headers = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let answer = Raw::get_with(&server.url(), path, headers).await.whole().await;
    let (head, html) = answer.split_once("\r\n\r\n").unwrap();
    let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: "));
    Page { policy: policy.unwrap_or_else(|| panic!("{path} has no policy: {head}")).to_owned(), html: html.to_owned() }
}

/// All opening tags of this name.
fn tags<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("<{name}");
    let all = html.match_indices(&start).map(|(at, _)| &html[at..]);
    all.map(|tag| &tag[..tag.find('>').unwrap()]).collect()
}

#[tokio::test]
async fn every_page_has_and_follows_a_strict_content_security_policy() {
    // More than the rows that a page initially contains.
    let sim = Sim::start(Options { containers: 400, ..Options::default() }).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    server.until_listed().await;
    let truth = sim.truth();
    let mut nonces = BTreeSet::new();
    let others = ["/containers?group=project", "/containers/{id}?tab=logs", "/containers/{id}?tab=inspect", "/none"];
    let paths: Vec<_> = pages().into_iter().chain(others.map(str::to_owned)).collect();
    for path in &paths {
        let path = path
            .replace("{id}", &truth.containers[0].id)
            .replace("{image}", &truth.images[0].id)
            .replace("{volume}", &truth.volumes[0])
            .replace("{network}", &truth.networks[0].id);
        let Page { policy, html } = fetch(&server, &path).await;
        assert!(html.contains("<!DOCTYPE html>"), "{path}");
        let nonce = policy.split("'nonce-").nth(1).and_then(|it| it.split('\'').next()).unwrap_or_default();
        assert!(nonce.len() >= 22 && nonces.insert(nonce.to_owned()), "{path}: a nonce of its own, not {nonce:?}");
        for part in [
            "default-src 'none'",
            &*format!("script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'"),
            &*format!("style-src 'self' 'nonce-{nonce}'"),
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.split("; ").any(|it| it == part), "{path}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{path}: {policy}");

        let scripts = tags(&html, "script");
        assert!(scripts.iter().any(|tag| tag.contains("type=\"module\"")), "{path}: {scripts:?}");
        for tag in scripts.iter().filter(|tag| !tag.contains("type=\"text/plain\"")) {
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: {tag}");
        }
        for tag in tags(&html, "style") {
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: {tag}");
        }
        for tag in html.split('<').filter_map(|it| it.split('>').next()) {
            assert!(!tag.contains(" style="), "{path}: <{tag}>");
            assert!(!tag.contains(" onclick=") && !tag.contains(" onload="), "{path}: <{tag}>");
        }
    }
    assert_eq!(nonces.len(), paths.len());
    server.stop().await;
}

#[tokio::test]
async fn non_page_responses_may_load_and_run_nothing() {
    let sim = Sim::start(Options::default()).await.unwrap();
    let server = TestServer::at(sim.url(), &[]).await;
    for path in ["/api/state", "/api/none", "/healthz", "/metrics", "/api/openapi.json"] {
        let answer = Raw::get(&server.url(), path).await.whole().await;
        let policy = answer.lines().find_map(|line| line.strip_prefix("content-security-policy: "));
        let policy = policy.unwrap_or_else(|| panic!("{path}: {answer}"));
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{path}: {policy}");
    }
    server.stop().await;
}
