//! HTTP middleware for all requests.

pub mod access;
pub mod idempotency;
pub mod origin;
pub mod security;
