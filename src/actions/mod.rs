//! Actions of users: server functions that change something, one file per noun.

pub mod account;
pub mod alerts;
pub mod containers;
mod error;
pub mod preferences;
pub mod registries;
pub mod requests;
pub mod users;
