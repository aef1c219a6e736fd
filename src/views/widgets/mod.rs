//! Pieces that know nothing of Docker.

mod ago;
mod command;
mod controls;
mod dialog;
mod glow;
mod icon;
mod live;
mod menu;
mod search;

pub use ago::Ago;
pub use command::Command;
pub use controls::{button, chip, column, empty, sort_word, toggle};
pub use dialog::Dialog;
pub use glow::{Glow, glow};
pub use icon::Icon;
pub use live::{Live, live, on_click};
pub use menu::Menu;
pub use search::Search;
