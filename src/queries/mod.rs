//! Queries of data that is not in the live state: server functions that change nothing.

pub mod account;
pub mod alerts;
pub mod details;
pub mod disk;
pub mod events;
pub mod files;
pub mod notices;
pub mod recipes;
pub mod registries;
pub mod usage;
pub mod users;
