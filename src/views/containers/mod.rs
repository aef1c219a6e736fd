//! `/containers`: the list of containers.

mod actions;
mod columns;
mod dialogs;
mod list;
mod page;
mod recipe_form;
mod row;
mod selection;
mod tools;
mod usage;
mod written;

use super::lazy::lazy_code;
pub use actions::{ContainerActions, button_of};
pub(super) use columns::{COLUMNS, Hideable};
pub(super) use page::{PAGE, first_containers};
pub use row::first;

lazy_code!(
    /// The menu of a container and its dialogs. They share nearly all code with those of the lists.
    pub(super) MANAGING in lists: dialogs::managing()
);
lazy_code!(
    /// Bulk actions on selected containers.
    SELECTION in lists: selection::selection_tools()
);
