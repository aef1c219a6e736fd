//! Site addresses, known to both server and browser so that both generate the same links.

use leptos::prelude::*;
use std::sync::Arc;

#[derive(Clone, PartialEq, Eq)]
pub struct Site {
    /// Empty, or starts with `/` and doesn't end with one.
    pub base_path: Arc<str>,
    /// The prefix that the router strips from addresses: the base path in the browser, nothing on the server, where the outer
    /// router has already stripped it.
    pub router_base: Arc<str>,
    /// Changes with the files, so they can be cached forever under it.
    pub version: Arc<str>,
    /// The host name by which the browser reached this server. Published ports are reachable there too.
    pub hostname: Arc<str>,
}

impl Site {
    pub fn expect() -> Self {
        expect_context()
    }

    /// The address of a page.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base_path)
    }

    /// The address of a file, with its version.
    pub fn file(&self, path: &str) -> String {
        format!("{}{path}?v={}", self.base_path, self.version)
    }
}
