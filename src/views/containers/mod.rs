//! `/containers`: the list of containers.

mod actions;
mod dialogs;
mod list;
mod page;
mod recipe_form;
mod row;
mod selection;
mod tools;
mod usage;
mod written;

pub use actions::{ContainerActions, button_of};
pub use dialogs::managing;
pub use page::{ContainersPage, query_of};
pub use row::first;
pub(super) use selection::selection_tools;
