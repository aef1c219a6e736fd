//! Pieces that know nothing of Docker.

mod ago;
mod chart;
mod command;
mod controls;
mod dialog;
mod field;
mod form;
mod glow;
mod icon;
mod kept;
mod live;
mod menu;
mod search;

pub use ago::Ago;
pub use chart::{Axis, Plot, chart};
pub use command::Command;
pub use controls::{Click, button, chip, column, empty, sort_word, toggle};
pub use dialog::Dialog;
pub use field::{area, check, choice, field, tall_area};
pub use form::{Sent, form, grave_form};
pub use glow::{Glow, glow};
pub use icon::Icon;
pub use kept::kept;
pub use live::{Live, live, on_click};
pub use menu::Menu;
pub use search::Search;
