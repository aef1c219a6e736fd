//! What users can do: server functions that change something, a file for each noun.

pub mod containers;
mod error;
