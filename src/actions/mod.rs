//! What users can do: server functions that change something, a file for each noun.

pub mod alerts;
pub mod containers;
mod error;
pub mod preferences;
pub mod registries;
pub mod things;
