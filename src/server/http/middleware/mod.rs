//! What every request passes.

pub mod origin;
pub mod security;
