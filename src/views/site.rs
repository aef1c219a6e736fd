//! Where this site lives: known to both sides, so that they write the same links.

use leptos::prelude::*;
use std::sync::Arc;

#[derive(Clone, PartialEq, Eq)]
pub struct Site {
    /// Empty, or `/` and more without a slash at its end.
    pub base_path: Arc<str>,
    /// What the router has to take off an address: the base path in the browser, nothing on the server, where the
    /// outer router has done it.
    pub router_base: Arc<str>,
    /// Changes with the files: they may be kept for ever under it.
    pub version: Arc<str>,
    /// The name by which the browser reached this server: published ports are there too.
    pub hostname: Arc<str>,
}

impl Site {
    pub fn expect() -> Self {
        expect_context()
    }

    /// A page's address.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.base_path)
    }

    /// A file's address.
    pub fn file(&self, path: &str) -> String {
        format!("{}{path}?v={}", self.base_path, self.version)
    }
}
