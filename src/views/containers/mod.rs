//! `/containers`: the list that people look at all day.

mod acts;
mod dialogs;
mod list;
mod page;
mod row;
mod tools;

pub use page::{ContainersPage, query_of};
