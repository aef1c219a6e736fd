//! Actions of users: server functions that change something, one file per noun.

pub mod alerts;
pub mod containers;
mod error;
pub mod preferences;
pub mod registries;
pub mod requests;
