//! HTTP middleware for all requests.

pub mod origin;
pub mod security;
